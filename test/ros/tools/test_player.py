# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The camera player: what a folder holds comes out as a camera's messages."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import cv2
from metricseg_ros.ros.process.launching import ARGUMENTS, camera_players
from metricseg_ros.ros.tools.player import parse_arguments
import numpy as np
import pytest
from ros.robot import Robot, wait_for
from sensor_msgs.msg import CameraInfo, Image

pytestmark = pytest.mark.ros
INTRINSICS = {'fx': 50.0, 'fy': 60.0, 'cx': 20.5, 'cy': 10.5}
TOPICS = {'image': Image, 'depth': Image, 'camera_info': CameraInfo}


def test_depth_is_played_with_the_stamp_of_its_image(tmp_path: Path,
                                                     start: Callable[..., Any]) -> None:
    for folder, pixels in (('images', np.full((24, 40, 3), 200, np.uint8)),
                           ('depth', np.full((24, 40), 1250, np.uint16))):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / 'wall.png'), pixels)
    (tmp_path / 'camera.json').write_text(json.dumps(INTRINSICS))
    robot = start(Robot())
    heard: dict[str, dict[int, Any]] = {name: {} for name in TOPICS}

    def keep(name: str) -> Callable[[Any], None]:
        return lambda message: heard[name].setdefault(
            message.header.stamp.sec * 10**9 + message.header.stamp.nanosec, message)
    for name, kind in TOPICS.items():
        robot.node.create_subscription(kind, name, keep(name), 10)
    player = subprocess.Popen([sys.executable, '-m', 'metricseg_ros.ros.tools.player', '--input',
                               str(tmp_path), '--frames', '1000000', '--rate', '10'])
    try:
        wait_for(lambda: set.intersection(*map(set, heard.values())), 'all three of one stamp')
    finally:
        player.terminate()
        player.wait()
    stamp = min(set.intersection(*map(set, heard.values())))
    depth, info = heard['depth'][stamp], heard['camera_info'][stamp]
    assert (depth.encoding, depth.height, depth.width) == ('32FC1', 24, 40)
    assert np.allclose(np.frombuffer(depth.data, np.float32), 1.25)
    assert list(info.k) == [50, 0, 20.5, 0, 60, 10.5, 0, 0, 1]
    assert list(info.p) == [50, 0, 20.5, 0, 0, 60, 10.5, 0, 0, 0, 1, 0]


def test_the_player_knows_what_the_demos_launch_file_gives_it() -> None:
    (player,) = camera_players({
        **{name: default for name, (default, _) in ARGUMENTS.items()},
        'input': '/photos', 'rate': '5', 'image_transport': 'compressed'})
    options = parse_arguments(player['arguments'])
    assert (options.input, options.rate, options.compressed) == (Path('/photos'), 5, 'jpeg')
    assert set(TOPICS) | {'image/compressed'} == set(dict(player['remappings']))
