# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The page in a real browser: what a person does with mouse, keyboard and fingers ends on disk.

Chromium or Chrome is driven by Playwright; where neither is installed all of this is skipped.
scripts/test_tools installs one or says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import os
from pathlib import Path
import shutil
import time
from typing import Any, TYPE_CHECKING
from urllib.parse import quote

import cv2
from labelling_server import kill, labelling, LabellingServer, photographs
from metricseg_ros.datasets.open_dataset import open_dataset
import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))),
               None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason='NO BROWSER: the labelling page is not tested; scripts/test_tools '
    'installs Chromium, or says how')
DEADLINE_S = 60


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright
    arguments = ['--no-sandbox'] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabellingServer]:
    """Label two photographs."""
    root = tmp_path_factory.mktemp('page')
    with labelling(photographs(root / 'photos', 2), '-o', root / 'labels', '--classes',
                   'cup,book') as running:
        running.labels_folder = root / 'labels'
        yield running


class Hand:
    """A person before the page."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        """Open the page; an error in it fails whatever is waited for next."""
        self.context = browser.new_context(viewport={'width': 1200, 'height': 800}, **context)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on('pageerror', lambda error: self.errors.append(str(error)))
        # That a change was refused, or nobody answered, is no error of the page.
        self.page.on('console', lambda said: said.type == 'error' and (
            'Failed to load resource' not in said.text) and self.errors.append(said.text))
        self.page.goto(address)
        self.until(lambda: self.state() is not None)

    def look(self, code: str) -> Any:
        return self.page.evaluate(code)

    def state(self) -> dict[str, Any] | None:
        return self.look('labelling.page.state')

    def until(self, holds: Callable[[], Any]) -> Any:
        end = time.monotonic() + DEADLINE_S
        while not (value := holds()):
            assert not self.errors, self.errors
            assert time.monotonic() < end, self.page.inner_text('#message')
            time.sleep(0.02)
        return value

    def does(self, *doing: Callable[[], Any]) -> dict[str, Any]:
        """Ask for a change of the labels, and wait until it, or that of others, is shown."""
        before = self.state()['revision']
        self.look('delete document.body.dataset.answerMs')
        for one in doing:
            one()
        self.until(lambda: self.look('document.body.dataset.answerMs')
                   or self.state()['revision'] != before)
        return self.state()

    def key(self, key: str) -> None:
        self.page.keyboard.press(key)

    def click(self, row: float, column: float, **how: Any) -> None:
        self.page.mouse.click(*self.look(f'labelling.view.placeOf({row}, {column})'), **how)

    def stroke(self, *points: tuple[float, float]) -> None:
        places = [self.look(f'labelling.view.placeOf({row}, {column})') for row, column in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=5)
        self.page.mouse.up()

    def label_map(self) -> np.ndarray:
        """Give what the page shows."""
        height, width = self.look('labelling.view.size')
        shown = self.look('Array.from(labelling.view.labels)')
        return np.array(shown, np.uint16).reshape(height, width)

    def ids(self) -> list[int]:
        return [own['id'] for own in self.state()['objects']]

    def inside(self, object_id: int) -> tuple[int, int]:
        """Give the deepest pixel of an object."""
        mask = np.pad(self.label_map() == object_id, 1).astype(np.uint8)
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)[1:-1, 1:-1]
        row, column = np.unravel_index(np.argmax(depth), depth.shape)
        return int(row), int(column)


@pytest.fixture
def hand(browser: Browser, server: LabellingServer) -> Iterator[Hand]:
    """Open the page on its first image, as the model finds it."""
    one = Hand(browser, server.address)
    name = one.look('labelling.page.images[0].name')
    one.page.goto(f'{server.address}#{quote(name)}')
    one.page.reload()
    one.until(lambda: one.state() and one.state()['name'] == name)
    one.does(lambda: one.key('r'))
    yield one
    assert not one.errors
    one.context.close()


def on_disk(server: LabellingServer, name: str) -> np.ndarray:
    found = list(server.labels_folder.rglob(f'labels/{name}.png'))
    assert len(found) == 1
    return cv2.imread(str(found[0]), cv2.IMREAD_UNCHANGED)


def test_what_is_shown_is_what_is_on_disk_after_each_change(hand: Hand,
                                                            server: LabellingServer) -> None:
    assert hand.ids(), 'the model finds something'
    first = hand.ids()[0]
    hand.click(*hand.inside(first))
    hand.does(lambda: hand.key('x'))
    assert first not in hand.ids()
    np.testing.assert_array_equal(hand.label_map(), on_disk(server, hand.state()['name']))
    assert hand.page.inner_text('#saved').startswith('saved')


def test_an_object_that_was_deleted_is_added_again_by_a_click(hand: Hand) -> None:
    first = hand.ids()[0]
    pixel, before = hand.inside(first), hand.label_map() == first
    hand.click(*pixel)
    hand.does(lambda: hand.key('x'))
    state = hand.does(lambda: hand.key('n'), lambda: hand.click(*pixel))
    again = hand.label_map() == state['chosen']
    assert (again & before).sum() / (again | before).sum() > 0.7


def test_the_other_button_cuts_and_a_click_on_the_ground_extends(hand: Hand) -> None:
    hand.key('b')
    hand.page.fill('#radius', '25')
    state = hand.does(lambda: hand.key('n'), lambda: hand.stroke((60, 60), (60, 200)))
    painted = state['chosen']
    area = (hand.label_map() == painted).sum()
    hand.key('p')
    hand.does(lambda: hand.click(60, 70, button='right'))
    less = (hand.label_map() == painted).sum()
    assert less < area
    ground = np.argwhere(hand.label_map() == 0)[0]
    hand.look(f'labelling.page.chosen = [{painted}]')
    if painted in hand.ids():
        hand.does(lambda: hand.click(*ground))
        assert (hand.label_map() == painted).sum() > less


def test_merge_undo_and_redo(hand: Hand) -> None:
    hand.key('b')
    one = hand.does(lambda: hand.key('n'), lambda: hand.stroke((30, 30), (30, 60)))['chosen']
    other = hand.does(lambda: hand.key('n'), lambda: hand.stroke((90, 30), (90, 60)))['chosen']
    hand.key('p')
    hand.click(30, 40)
    hand.page.keyboard.down('Shift')
    hand.click(90, 40)
    hand.page.keyboard.up('Shift')
    before = hand.label_map()
    hand.does(lambda: hand.key('m'))
    merged = hand.label_map()
    assert merged[90, 40] == merged[30, 40] == one
    assert other not in hand.ids()
    hand.does(lambda: hand.key('z'))
    np.testing.assert_array_equal(hand.label_map(), before)
    hand.does(lambda: hand.key('Control+Shift+Z'))
    np.testing.assert_array_equal(hand.label_map(), merged)


def test_brush_eraser_and_what_is_ignored(hand: Hand) -> None:
    hand.key('b')
    hand.page.fill('#radius', '10')
    painted = hand.does(lambda: hand.key('n'), lambda: hand.stroke((50, 50), (50, 120)))['chosen']
    assert (hand.label_map()[44:57, 50:120] == painted).all()
    hand.key('e')
    hand.does(lambda: hand.stroke((50, 50), (50, 60)))
    assert not (hand.label_map()[46:55, 48:62] == painted).any()
    hand.key('i')
    hand.does(lambda: hand.stroke((50, 100), (50, 110)))
    assert (hand.label_map()[46:55, 100:110] == 65535).all()


def test_classes_by_keys_and_new_ones(hand: Hand) -> None:
    first = hand.ids()[0]
    hand.click(*hand.inside(first))
    hand.does(lambda: hand.key('2'))
    assert hand.state()['objects'][0]['class'] == 'book'
    hand.page.fill('#class-name', 'tin can')
    hand.page.press('#class-name', 'Enter')
    hand.until(lambda: 'tin can' in hand.look('labelling.page.classes'))
    hand.does(lambda: hand.key('3'))
    assert hand.state()['objects'][0]['class'] == 'tin can'


def test_reloading_the_page_keeps_labels_and_undo(hand: Hand) -> None:
    hand.key('b')
    hand.does(lambda: hand.stroke((40, 40), (40, 90)))
    before, steps = hand.label_map(), hand.state()['undo']
    name = hand.state()['name']
    hand.page.reload()
    hand.until(lambda: hand.state() and hand.state()['name'] == name)
    np.testing.assert_array_equal(hand.label_map(), before)
    assert hand.state()['undo'] == steps


def test_of_two_pages_the_second_sees_what_the_first_did_and_loses_nothing(
        hand: Hand, browser: Browser, server: LabellingServer) -> None:
    other = Hand(browser, f'{server.address}#{quote(hand.state()["name"])}')
    other.until(lambda: other.state()['revision'] == hand.state()['revision'])
    hand.key('b')
    hand.does(lambda: hand.key('n'), lambda: hand.stroke((40, 40), (40, 90)))
    other.key('b')
    other.does(lambda: other.stroke((140, 40), (140, 90)))  # Refused, and shown as it is now.
    other.until(lambda: 'another page' in other.page.inner_text('#message'))
    np.testing.assert_array_equal(other.label_map(), hand.label_map())
    other.does(lambda: other.stroke((140, 40), (140, 90)))
    assert other.label_map()[40, 60] and other.label_map()[140, 60]
    other.context.close()


def test_zoomed_and_moved_a_click_meets_the_same_pixel(hand: Hand) -> None:
    first = hand.ids()[-1]
    pixel = hand.inside(first)
    for _ in range(4):
        hand.page.mouse.move(*hand.look(f'labelling.view.placeOf({pixel[0]}, {pixel[1]})'))
        hand.page.mouse.wheel(0, -200)
    hand.until(lambda: hand.look('labelling.view.scale') > 2)
    hand.click(*pixel)
    hand.until(lambda: hand.look('labelling.page.chosen') == [first])
    hand.key('f')
    hand.until(lambda: hand.look('labelling.view.isFitted'))


def test_fingers_choose_and_pinch(browser: Browser, server: LabellingServer) -> None:
    hand = Hand(browser, server.address, has_touch=True)
    first = hand.ids()[0]
    hand.page.touchscreen.tap(*hand.look('labelling.view.placeOf({}, {})'.format(
        *hand.inside(first))))
    hand.until(lambda: hand.look('labelling.page.chosen') == [first])
    scale = hand.look('labelling.view.scale')
    fingers = hand.context.new_cdp_session(hand.page)
    box = hand.page.locator('canvas').bounding_box()
    x, y = box['x'] + box['width'] / 2, box['y'] + box['height'] / 2

    def touch(kind: str, *apart: float) -> None:
        fingers.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': [
            {'x': x + side * gap, 'y': y, 'id': number} for gap in apart
            for number, side in enumerate((-1, 1))]})
    touch('touchStart', 40)
    for gap in (60, 90, 120):
        touch('touchMove', gap)
    touch('touchEnd')
    hand.until(lambda: 2.4 < hand.look('labelling.view.scale') / scale < 3.6)
    assert not hand.errors
    hand.context.close()


def test_done_goes_on_and_a_killed_server_goes_on_where_it_was(
        browser: Browser, tmp_path: Path) -> None:
    photos, labels = photographs(tmp_path / 'photos', 2), tmp_path / 'labels'
    with labelling(photos, '-o', labels) as server:
        hand = Hand(browser, server.address)
        one = hand.state()['name']
        hand.key('Enter')
        hand.until(lambda: hand.state()['name'] != one)
        hand.key('b')
        hand.does(lambda: hand.stroke((40, 40), (40, 90)))
        shown, other = hand.label_map(), hand.state()['name']
        kill(server)
        hand.stroke((80, 40), (80, 90))
        hand.until(lambda: 'does not answer' in hand.page.inner_text('#message'))
        hand.context.close()
    with labelling('-o', labels) as server:
        hand = Hand(browser, server.address)
        assert hand.state()['name'] == other, 'the first that is not done'
        np.testing.assert_array_equal(hand.label_map(), shown)
        assert hand.page.inner_text('#count') == '2 of 2, 1 done'
        hand.key('0')  # Nothing in it.
        hand.until(lambda: 'All images are done' in hand.page.inner_text('#message'))
        hand.context.close()
    dataset = open_dataset(f'folder:{labels}')
    samples = {dataset[index].name: dataset[index] for index in (0, 1)}
    assert samples[one].label_map.any() and not samples[other].label_map.any()


def test_nothing_is_asked_of_another_machine(browser: Browser, server: LabellingServer) -> None:
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on('request', lambda request: asked.append(request.url))
    page.goto(server.address)
    page.wait_for_selector('#objects li')
    assert len(asked) > 5
    assert all(url.startswith(server.address) for url in asked)
    context.close()


def test_a_click_is_answered_quickly(hand: Hand) -> None:
    """The bar of 50 ms is for a quiet machine; this only sees that nothing is badly wrong."""
    ground = np.argwhere(hand.label_map() == 0)
    took = []
    for row, column in ground[np.linspace(0, len(ground) - 1, 7).astype(int)[1:-1]]:
        hand.key('n')
        if hand.look(f'labelling.view.labelAt({row}, {column})') == 0:
            hand.does(lambda row=row, column=column: hand.click(row, column))
            took.append(float(hand.look('document.body.dataset.answerMs')))
            hand.does(lambda: hand.key('z'))
    assert np.median(took) < 1000
