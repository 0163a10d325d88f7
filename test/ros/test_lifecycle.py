# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The life cycle: what each state holds, and that it can be gone through again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer
from time import monotonic
from typing import Any

from metricseg_msgs.msg import InstanceArray
from metricseg_ros.ros.diagnostics import health
from metricseg_ros.ros.session import LAST_IMAGE_S
from metricseg_ros.ros.tools.camera_messages import raw_image
import pytest
from ros.colour_model import COLOURS, scene
from ros.robot import PATIENCE_S, Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros


def test_each_state_holds_what_it_should(start: Callable[..., Any], colour_model: Path) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable', autostart=False)).node
    robot = start(Robot('instances'))
    robot.wait_for_status('unconfigured: waits for')
    assert node.session is None
    assert robot.node.count_publishers('segmenter/instances') == 0
    for _ in range(2):
        assert robot.change_state('configure')
        robot.wait_for_status('inactive: waits for')
        assert robot.camera.get_subscription_count() == 0
        assert robot.change_state('activate')
        robot.wait_until_matched()
        assert len(robot.answer(raw_image(robot.header(), scene())).instances) == len(COLOURS)
        assert robot.change_state('deactivate')
        wait_for(lambda: robot.camera.get_subscription_count() == 0, 'it to unsubscribe')
        assert robot.change_state('cleanup')
        wait_for(lambda: robot.node.count_publishers('segmenter/instances') == 0,
                 'its publishers to vanish')
        assert node.session is None


def test_a_transition_that_raises_is_logged_and_leaves_a_node_that_can_be_configured(
        start: Callable[..., Any], colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = start(Segmenter(colour_model))
    robot = start(Robot('instances'))
    assert robot.change_state('deactivate')
    with monkeypatch.context() as patch:
        # The graph may change under the node; whatever fails then, it must not be lost.
        patch.setattr(segmenter.node.session, 'activate', lambda: 1 / 0)
        assert not robot.change_state('activate')
    wait_for(lambda: robot.warnings('ZeroDivisionError'), 'the error in the log')
    robot.wait_for_status('not configured: on_activate failed: ZeroDivisionError')
    assert robot.change_state('configure')
    assert robot.change_state('activate')


def test_an_image_that_waits_when_the_node_is_deactivated_is_no_fault(
        start: Callable[..., Any], colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    go_on, backend = Event(), node.session.segmenter.backend
    run, mailbox = backend.run, node.session.worker.mailbox
    monkeypatch.setattr(backend, 'run', lambda *inputs: go_on.wait(PATIENCE_S) and run(*inputs))
    # One in work, one that waits, and those it has replaced.
    wait_for(lambda: robot.send(raw_image(robot.header(), scene())) or mailbox.dropped(''),
             'an image to wait')
    camera, source = node.session.cameras[''], node.session.cameras[''].input
    Timer(0.5, go_on.set).start()  # Deactivate waits for the image in work.
    assert robot.change_state('deactivate')
    counts = camera.counts
    assert source.received == counts.segmented + camera.dropped() + counts.idle
    assert counts.segmented == 1
    assert (counts.bad, counts.bad_image) == (0, '')
    assert not robot.warnings('deactivated')


def test_a_worker_that_is_stuck_is_left_behind_at_once(
        start: Callable[..., Any], colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = start(Segmenter(colour_model, image_reliability='reliable')).node
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    go_on, backend = Event(), node.session.segmenter.backend
    run = backend.run
    monkeypatch.setattr(backend, 'run', lambda *inputs: go_on.wait(PATIENCE_S) and run(*inputs))
    with monkeypatch.context() as patch:
        patch.setattr(health, 'STUCK_S', 0.5)
        robot.wait_for_status('the worker has been at one image',
                              lambda: robot.send(raw_image(robot.header(), scene())))
        begin = monotonic()
        assert robot.change_state('deactivate') and robot.change_state('cleanup')
        assert monotonic() - begin < LAST_IMAGE_S / 2
    wait_for(lambda: robot.warnings('it is left behind'), 'the warning')
    go_on.set()
    assert robot.change_state('configure') and robot.change_state('activate')
    robot.wait_until_matched()
    robot.answer(raw_image(robot.header(), scene()))


def test_nothing_is_published_while_inactive(start: Callable[..., Any],
                                             colour_model: Path) -> None:
    segmenter = start(Segmenter(colour_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    robot.answer(raw_image(robot.header(), scene()))
    assert robot.change_state('deactivate')
    stray = InstanceArray(header=robot.header())
    outputs = segmenter.node.session.cameras[''].outputs
    segmenter.call(lambda: outputs.publish('instances', stray))
    assert robot.change_state('activate')
    robot.answer(raw_image(robot.header(), scene()))
    assert all(message.header != stray.header for message in robot.received['instances'])
