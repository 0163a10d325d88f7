# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure how long the labelling page takes to answer, as felt in the browser.

metricseg label serves the images; Chromium (scripts/test_tools) adds the object under a click on
the ground, cuts at a click on an object, and paints. The clock runs from the button until the
answer is painted, with the label map on the disk. `request_ms` is the server's part of it, as the
browser sees it; `render_ms` the rest: decoding, colouring, lists, and the wait for the next frame.
`server_cpu_ms` and `browser_cpu_ms` are the processor time of all threads of either meanwhile,
which a busy machine does not lengthen.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any, TYPE_CHECKING
from urllib.parse import quote

from benchmarks.command import main
from metricseg_ros.arguments import whole_number
from metricseg_ros.cli.benchmark.measuring import load_average, report_rows
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.options import add_json
from metricseg_ros.config import SegmenterConfig
import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
ACTIONS = ('add', 'cut', 'paint')
PARTS = ('answer_ms', 'request_ms', 'render_ms', 'server_cpu_ms', 'browser_cpu_ms')
COLUMNS = ('action', 'clicks', 'answer_ms', 'answer_p10_ms', 'answer_p95_ms', 'request_ms',
           'render_ms', 'server_cpu_ms', 'browser_cpu_ms')
PATIENCE_MS = 120_000

BEGIN = """() => {
    performance.clearResourceTimings();
    delete document.body.dataset.answerMs;
    document.getElementById('message').textContent = '';
}"""
ENDED = 'body[data-answer-ms], #message:not(:empty)'
OPENED = '#object-count:not(:empty)'
REQUESTED = """performance.getEntriesByType('resource')
    .filter((entry) => entry.name.includes('/api/labels/')).at(-1).duration"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='*', metavar='INPUT', help='images, folders, videos or '
                        'bags, as for metricseg label (default: the photographs of the demo)')
    parser.add_argument('--model', metavar='NAME|PATH', default=SegmenterConfig().model,
                        help='that answers (default: %(default)s)')
    parser.add_argument('--clicks', type=whole_number(1), default=10,
                        help='of each kind on each image (default: %(default)s)')
    add_json(parser, 'the rows')


def run(args: argparse.Namespace) -> int:
    """Click, print the table, write the JSON."""
    load, times = load_average(), {action: list[dict[str, float]]() for action in ACTIONS}
    with serving(args.inputs or [str(photographs()[0].parent)], args.model) as (server, address), \
            browsing(address) as page:
        for name in page.evaluate('labelling.page.images.map((image) => image.name)'):
            page.goto(f'{address}#{quote(name)}')
            page.reload()
            page.wait_for_selector(OPENED)
            for action, took in click_through(page, server, args.clicks):
                times[action].append(took)
    rows = [summary(action, taken) for action, taken in times.items() if taken]
    report_rows('answers', load, rows, COLUMNS, args.json, model=args.model,
                load_after=load_average())
    return DONE


@contextmanager
def serving(inputs: Sequence[str], model: str) -> Iterator[tuple[int, str]]:
    """Run metricseg label on the images, as its user does; give its process and address."""
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, '-m', 'metricseg_ros.cli.main', 'label', *inputs, '-o', folder,
             '--model', model, '--no-browser'], stdout=subprocess.PIPE, text=True)
        try:
            words = process.stdout.readline().split()
            if words[:2] != ['label', 'at']:
                raise RuntimeError('metricseg label did not start')
            yield process.pid, words[2]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


@contextmanager
def browsing(address: str) -> Iterator[Page]:
    """Open the page in a browser without a window."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise ValueError('no browser: scripts/test_tools installs Chromium, or says how')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=['--no-sandbox'] if os.getuid() == 0 else [])
        page = browser.new_page(viewport={'width': 1200, 'height': 800})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_selector(OPENED)
        yield page
        browser.close()


def click_through(page: Page, server: int,
                  count: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Do each action at places evenly spread over the image; each is undone before the next."""
    height, width = page.evaluate('labelling.view.size')
    side = int(np.ceil(np.sqrt(4 * count)))
    places = [(row, column) for row in np.linspace(0, height - 1, side + 2)[1:-1]
              for column in np.linspace(0, width - 1, side + 2)[1:-1]]
    done = dict.fromkeys(ACTIONS, 0)
    for row, column in places:
        is_ground = page.evaluate(f'labelling.view.labelAt({row}, {column})') == 0
        for action in (('add', 'paint') if is_ground else ('cut',)):
            if done[action] < count and (
                    took := answered(page, server, action, row, column)):
                done[action] += 1
                yield action, took
                undo(page)


def answered(page: Page, server: int, action: str, row: float,
             column: float) -> dict[str, float] | None:
    """Do something and tell how long the answer took; None if there was nothing to be done."""
    page.keyboard.press('b' if action == 'paint' else 'p')
    page.keyboard.press('n')
    page.evaluate(BEGIN)
    place = page.evaluate(f'labelling.view.placeOf({row}, {column})')
    before = processor_ms(server)
    page.mouse.click(*place, button='right' if action == 'cut' else 'left')
    page.wait_for_selector(ENDED, state='attached')
    spent = [after - own for after, own in zip(processor_ms(server), before, strict=True)]
    answer = page.evaluate('document.body.dataset.answerMs')
    if answer is None:
        return None
    request = page.evaluate(REQUESTED)
    return dict(zip(PARTS, (float(answer), request, float(answer) - request, *spent), strict=True))


def processor_ms(server: int) -> tuple[float, float]:
    """Tell how long the server, and the browser's processes, have run on any processor."""
    parents = {int(path.parent.name): int(path.read_text().rpartition(')')[2].split()[1])
               for path in Path('/proc').glob('[0-9]*/stat')}

    def descends(process: int) -> bool:
        return process in parents and (parents[process] == os.getpid()
                                       or descends(parents[process]))
    browser = [process for process in parents if process != server and descends(process)]
    return _spent([server]), _spent(browser)


def _spent(processes: Sequence[int]) -> float:
    return sum(int(path.read_text().split()[0]) for process in processes
               for path in Path(f'/proc/{process}/task').glob('*/schedstat')) / 1e6


def undo(page: Page) -> None:
    """Undo, and wait until that is on the screen."""
    page.evaluate(BEGIN)
    page.keyboard.press('z')
    page.wait_for_selector(ENDED, state='attached')


def summary(action: str, times: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Sum one action's times up."""
    columns = {part: [own[part] for own in times] for part in PARTS}
    row = {part: round(float(np.median(values)), 1) for part, values in columns.items()}
    return {'action': action, 'clicks': len(times), **row,
            **{f'answer_p{percent}_ms': round(float(np.percentile(columns['answer_ms'], percent)),
                                              1) for percent in (10, 95)}}


if __name__ == '__main__':
    sys.exit(main('answers'))
