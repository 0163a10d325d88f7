# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Images are segmented with their depth if it comes in time, and without it else.

That depth is used shows in what is found: here all masks lie in a wall, and are longer than any
object, so that with depth there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from metricseg_ros.ros.tools.camera_messages import raw_image
import numpy as np
import pytest
from ros.asking import ask, click, RED
from ros.colour_model import COLOURS, scene
from ros.depth_camera import depth_message, DepthCamera, info_message, SIZE
from ros.robot import Robot, Segmenter, wait_for
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

Start = Callable[..., Any]
WALL = np.ones(SIZE, np.float32)
FOREVER = 60.0


def depth_camera(start: Start, model: Path, wait: float = FOREVER,
                 **parameters: Any) -> DepthCamera:
    """Start a segmenter that takes whatever lies in a wall for a part of it."""
    start(Segmenter(model, image_reliability='reliable', support__largest_object=0.01,
                    depth__segmentation_wait=wait, depth__maximum_difference=0.0, **parameters))
    robot = start(Robot('instances'))
    camera = DepthCamera(robot)
    robot.wait_until_matched()
    return camera


def wall(header: Header, encoding: str = '32FC1', **fields: Any) -> Image:
    return depth_message(header, WALL, encoding, **fields)


def without(_header: Header) -> None:
    return None


def until_used(camera: DepthCamera) -> Any:
    """Send image and depth until both are segmented together; then depth flows."""
    camera.wait_until_heard()
    answers: list[Any] = []

    def used() -> bool:
        answers.append(camera.answer('instances', depth=wall))
        return answers[-1].depth_used
    wait_for(used, 'depth to be used')
    return answers[-1]


def found_in(answer: Any) -> int:
    return len(answer.instances)


@pytest.mark.parametrize('encoding', ['32FC1', '16UC1'])
def test_depth_in_time_is_used_and_said_to_be(start: Start, colour_model: Path,
                                              encoding: str) -> None:
    camera = depth_camera(start, colour_model)
    assert found_in(until_used(camera)) == 0
    answer = camera.answer('instances', depth=lambda header: wall(header, encoding))
    assert answer.depth_used and found_in(answer) == 0
    wait_for(lambda: int(camera.robot.value('with_depth') or 0) >= 2, 'it to be counted')
    dropped = int(camera.robot.value('dropped_support'))
    assert dropped and dropped % len(COLOURS) == 0
    camera.robot.wait_for_status('segmenting', lambda: camera.answer('instances', depth=wall))


def test_depth_that_comes_late_is_waited_for(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    header = until_one_waits(camera)
    assert not camera.received('instances', header)
    camera.depth.publish(wall(header))
    wait_for(lambda: camera.received('instances', header), 'the instances')
    answer, = camera.received('instances', header)
    assert answer.depth_used and answer.wait_ms > 0


def test_without_its_depth_an_image_is_segmented_alone_after_a_while(start: Start,
                                                                     colour_model: Path) -> None:
    camera = depth_camera(start, colour_model, wait=0.3)
    until_used(camera)
    header = camera.send(depth=without)
    wait_for(lambda: camera.received('instances', header), 'the instances')
    answer, = camera.received('instances', header)
    assert not answer.depth_used and found_in(answer) == len(COLOURS)
    assert answer.wait_ms >= 300
    camera.robot.wait_for_status('segmented without depth: the nearest depth image is',
                                 lambda: camera.answer('instances', depth=without))


def test_depth_that_is_only_sometimes_there_is_used_then(start: Start,
                                                         colour_model: Path) -> None:
    camera = depth_camera(start, colour_model, wait=0.1)
    until_used(camera)
    for there in (True, False, False, True, False, True):
        answer = camera.answer('instances', depth=wall if there else without)
        assert answer.depth_used == there
        assert found_in(answer) == (0 if there else len(COLOURS))


def test_nothing_waits_while_no_depth_comes_at_all(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    camera.wait_until_heard()
    answer = camera.answer('instances', depth=without)
    assert not answer.depth_used and found_in(answer) == len(COLOURS)
    camera.robot.wait_for_status('segmented without depth: nothing came on /depth, which has a '
                                 'publisher: is it paused?',
                                 lambda: camera.answer('instances', depth=without))


@pytest.mark.parametrize(('make', 'reason'), [
    ({'depth': {'height': 120, 'width': 640, 'step': 2560}},
     'the depth image is of 640x120 pixels and the image of 320x240'),
    ({'depth': {'frame': 'depth_frame'}}, "the depth image is in frame 'depth_frame'"),
    ({'info': {'height': 480, 'width': 640}}, 'camera_info is of 640x480 pixels'),
    ({'depth': {'data': b'12'}}, 'depth not read: truncated image')])
def test_depth_that_is_not_registered_is_told_in_one_sentence(
        start: Start, colour_model: Path, make: dict[str, Any], reason: str) -> None:
    camera = depth_camera(start, colour_model)
    until_used(camera)

    def alone() -> Any:  # Image and depth may overtake their camera_info.
        answer = camera.answer('instances',
                               depth=lambda header: wall(header, **make.get('depth', {})),
                               info=lambda header: info_message(header, **make.get('info', {})))
        return not answer.depth_used and answer
    assert found_in(wait_for(alone, 'an image without depth')) == len(COLOURS)
    camera.robot.wait_for_status(f'segmented without depth: {reason}', alone)
    wait_for(lambda: camera.robot.warnings(f'segmented without depth: {reason}'), 'the warning')


def test_depth_in_another_unit_is_told_of_once(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    until_used(camera)
    for _ in range(2):
        assert camera.answer('instances', depth=lambda header: depth_message(
            header, 1000 * WALL)).depth_used
    told = 'the median of the depth is 1e+03 m'
    wait_for(lambda: camera.robot.warnings(told), 'the warning')
    camera.robot.wait_for_status('segmenting', lambda: camera.answer('instances', depth=wall))
    assert len(camera.robot.warnings(told)) == 1


def test_depth_of_nothing_but_nan_is_none(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    until_used(camera)

    def empty(header: Header) -> Image:
        return depth_message(header, np.full(SIZE, np.nan, np.float32))
    answer = camera.answer('instances', depth=empty)
    assert not answer.depth_used and found_in(answer) == len(COLOURS)
    camera.robot.wait_for_status('segmented without depth: the depth image is empty',
                                 lambda: camera.answer('instances', depth=empty))


def test_without_intrinsics_depth_is_of_no_use(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    camera.wait_until_heard()
    answer = camera.answer('instances', depth=wall, info=without)
    assert not answer.depth_used
    camera.robot.wait_for_status('segmented without depth: nothing came on /camera_info',
                                 lambda: camera.answer('instances', depth=wall, info=without))


def test_depth_is_left_out_at_once_when_told_so(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    until_used(camera)
    assert camera.robot.set_parameter('input.depth', False).successful
    answer = camera.answer('instances', depth=wall)
    assert not answer.depth_used and found_in(answer) == len(COLOURS)
    wait_for(lambda: not camera.depth.get_subscription_count(), 'depth to be left alone')


def test_masks_of_the_wall_stay_when_told_so(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    until_used(camera)
    assert camera.robot.set_parameter('support.largest_object', 10.0).successful
    answer = camera.answer('instances', depth=wall)
    assert answer.depth_used and found_in(answer) == len(COLOURS)  # Each of another colour.


def test_a_newer_image_with_depth_overtakes_one_that_waits(start: Start,
                                                           colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    older = until_one_waits(camera)
    before = int(camera.robot.value('dropped'))
    assert camera.answer('instances', depth=wall).depth_used
    wait_for(lambda: int(camera.robot.value('dropped')) > before, 'it to be counted')
    assert not camera.received('instances', older)


def test_an_image_that_waits_is_let_go_when_the_node_is_deactivated(start: Start,
                                                                    colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    until_one_waits(camera)
    before = int(camera.robot.value('dropped'))
    assert camera.robot.change_state('deactivate')
    wait_for(lambda: int(camera.robot.value('dropped')) > before, 'it to be let go')
    assert camera.robot.change_state('activate')
    camera.robot.wait_until_matched()
    assert until_used(camera).depth_used


def test_one_pairing_serves_objects_in_space_too(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model, support__enabled=True,
                          depth__maximum_wait=FOREVER)
    camera.robot.subscribe('objects')
    until_used(camera)
    assert camera.robot.set_parameter('support.largest_object', 10.0).successful
    objects = camera.answer('objects', depth=wall)
    assert not objects.problem and len(objects.objects) == len(COLOURS)
    seen, = camera.received('instances', objects.header)
    assert seen.depth_used
    for item in objects.objects:
        assert item.centroid.z == pytest.approx(1)


def test_clicks_say_whether_their_frame_was_seen_with_depth(start: Start,
                                                            colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    stamp = until_used(camera).header.stamp
    response = click(camera.robot, RED, stamp=stamp)
    assert response.success and response.result.depth_used


def test_an_image_of_a_request_brings_its_own_depth(start: Start, colour_model: Path) -> None:
    camera = depth_camera(start, colour_model)
    header = camera.robot.header()
    image, depth, info = raw_image(header, scene(*SIZE)), wall(header), info_message(header)
    response = ask(camera.robot, 'segment', image=image, depth=depth, camera_info=info)
    assert response.success and response.result.depth_used and not response.result.instances
    alone = ask(camera.robot, 'segment', image=image)
    assert alone.success and not alone.result.depth_used
    assert found_in(alone.result) == len(COLOURS)
    refused = ask(camera.robot, 'segment', image=image, depth=depth)
    assert not refused.success and 'depth needs camera_info' in refused.message
    small = wall(header, height=120, width=640, step=2560)
    refused = ask(camera.robot, 'segment', image=image, depth=small, camera_info=info)
    assert not refused.success and 'is of 640x120 pixels' in refused.message
    until_used(camera)
    assert ask(camera.robot, 'segment', image=image, depth=depth, camera_info=CameraInfo()
               ).result.depth_used
    latest = ask(camera.robot, 'segment')
    assert latest.success and latest.result.depth_used


def test_each_camera_waits_for_its_own_depth(start: Start, colour_model: Path) -> None:
    start(Segmenter(colour_model, image_reliability='reliable', support__largest_object=0.01,
                    depth__segmentation_wait=0.2, depth__maximum_difference=0.0,
                    cameras=['left', 'right']))
    robot = start(Robot('left/instances', 'right/instances'))
    left, right = DepthCamera(robot, 'left/'), DepthCamera(robot, 'right/')
    until_used(left)
    until_used(right)
    assert not left.answer('instances', depth=without).depth_used
    assert right.answer('instances', depth=wall).depth_used

    def told() -> bool:
        left.answer('instances', depth=without)
        right.answer('instances', depth=wall)
        return (robot.status_of('left').message.startswith('segmented without depth')
                and robot.status_of('right').message.startswith('segmenting'))
    wait_for(told, 'the reports of both')


def until_one_waits(camera: DepthCamera) -> Header:
    """
    Send images until one waits for its depth; a slow machine may think that none comes any more.

    It waits when it has come and is not segmented, dropped, idle or bad two reports later: a
    report may be made between its arrival and its end.
    """
    robot = camera.robot

    def rest() -> int:
        done = sum(int(robot.value(key)) for key in ('segmented', 'dropped', 'idle', 'bad'))
        return int(robot.value('received')) - done

    def waits() -> Header | None:
        until_used(camera)
        reports = len(robot.reports)
        wait_for(lambda: len(robot.reports) > reports + 1 and not rest(), 'all to be done')
        header, reports = camera.send(depth=without), len(robot.reports)
        with suppress(AssertionError):
            wait_for(lambda: camera.received('instances', header) or (
                len(robot.reports) > reports + 2 and rest()), 'it to wait or be segmented', 5.0)
        return header if rest() and not camera.received('instances', header) else None
    return wait_for(waits, 'an image to wait')
