# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera faster than the worker: the newest frame wins, and none waits for its turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from metricseg_ros.ros.tools.camera_messages import raw_image
import numpy as np
import pytest
from ros.colour_model import scene
from ros.robot import flood, PATIENCE_S, Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros

FRAMES = 25


@pytest.fixture
def flooded(start: Callable[..., Any], slow_model: Path) -> Robot:
    """Give a robot after its camera has sent 200 images a second for a while."""
    start(Segmenter(slow_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    image = scene()
    with flood(lambda: robot.send(raw_image(robot.header(), image))):
        wait_for(lambda: len(robot.received['instances']) >= FRAMES, 'some frames')
    return robot


def test_latency_does_not_grow(flooded: Robot) -> None:
    messages = flooded.received['instances']
    work = np.array([message.callback_ms - message.wait_ms for message in messages])
    ages = np.array([message.age_ms for message in messages])
    assert np.median(ages) < 2 * np.median(work)
    assert np.median(ages[-FRAMES // 3:]) < 2 * np.median(work)


def test_no_frame_waits_for_more_than_the_one_in_work(
        start: Callable[..., Any], colour_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start(Segmenter(colour_model, image_reliability='reliable')).node.session
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    begun, go_on, run = Event(), Event(), session.segmenter.backend.run

    def held(*inputs: Any) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return run(*inputs)
    monkeypatch.setattr(session.segmenter.backend, 'run', held)
    frames, camera = [raw_image(robot.header(), scene()) for _ in range(5)], session.cameras['']
    robot.send_until(frames[0], begun.is_set, 'a frame in work')
    for frame in frames[1:]:
        before = camera.input.received
        robot.send_until(frame, lambda before=before: camera.input.received > before,
                         'a frame to come')
    go_on.set()
    wait_for(lambda: len(robot.received['instances']) >= 2, 'the newest frame')
    assert [message.header for message in robot.received['instances']] == [
        frames[0].header, frames[-1].header]
    assert camera.dropped() == camera.input.received - 2 >= 3


def test_the_newest_frame_wins_and_the_rest_is_counted(flooded: Robot) -> None:
    stamps = [(message.header.stamp.sec, message.header.stamp.nanosec)
              for message in flooded.received['instances']]
    assert stamps == sorted(set(stamps))
    wait_for(lambda: flooded.value('dropped') not in (None, '0'), 'drops to be counted')
    # All that came was segmented or dropped, but for the frame in work and the one that waits.
    received, segmented, dropped = (int(flooded.value(key))
                                    for key in ('received', 'segmented', 'dropped'))
    assert 0 <= received - segmented - dropped <= 2
    assert dropped > segmented
