# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera faster than the worker: the newest frame wins, and none waits for its turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip('metricseg_msgs')

from metricseg_ros.ros.camera_messages import raw_image  # noqa: E402
from ros.colour_model import scene  # noqa: E402
from ros.robot import Robot, Segmenter, wait_for  # noqa: E402

RATE = 200.0
FRAMES = 25


@pytest.fixture
def flooded(start: Callable[..., Any], slow_model: Path) -> Robot:
    """Give a robot after its camera has sent 200 images a second for a while."""
    start(Segmenter(slow_model, image_reliability='reliable'))
    robot = start(Robot('instances'))
    robot.wait_until_matched()
    over = Event()
    camera = Thread(target=_flood, args=(robot, over))
    camera.start()
    try:
        wait_for(lambda: len(robot.received['instances']) >= FRAMES, 'some frames')
    finally:
        over.set()
        camera.join()
    return robot


def test_latency_does_not_grow(flooded: Robot) -> None:
    messages = flooded.received['instances']
    waits, callbacks, ages = (np.array([getattr(message, f'{name}_ms') for message in messages])
                              for name in ('wait', 'callback', 'age'))
    assert np.median(ages) < 2 * np.median(callbacks - waits)
    assert np.median(ages[-FRAMES // 3:]) < 2 * np.median(callbacks - waits)
    # No frame waits for more than one: it came when the one before it had been taken. Some may
    # look otherwise, as a thread may be held up between two looks at the clock.
    ends = ages + 1e3 * np.array([message.header.stamp.sec - messages[0].header.stamp.sec
                                  + message.header.stamp.nanosec / 1e9 for message in messages])
    arrivals, taken = ends - callbacks, ends - callbacks + waits
    assert np.mean(arrivals[1:] >= taken[:-1]) > 0.8


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


def _flood(robot: Robot, over: Event) -> None:
    image = scene()
    while not over.wait(1 / RATE):
        robot.send(raw_image(robot.header(), image))
