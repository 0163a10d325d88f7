# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch file's arguments become cameras and topics, with launch installed or not."""

from __future__ import annotations

from metricseg_ros.ros.process.launching import camera_names, remappings
import pytest

TOPICS = {'image': 'color/image_raw', 'camera_info': 'camera_info'}


@pytest.mark.parametrize(('text', 'names'), [
    ('', []), ('[]', []), ('left', ['left']), ('[left,right]', ['left', 'right']),
    (' [ "left" , \'front/right\' ] ', ['left', 'front/right'])])
def test_cameras_are_a_list_of_names(text: str, names: list[str]) -> None:
    assert camera_names(text) == names


@pytest.mark.parametrize('text', ['[left,]', 'left,,right', ','])
def test_a_camera_without_a_name_among_others_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='cameras must be a list such as'):
        camera_names(text)


def test_one_camera_reads_the_topics_themselves() -> None:
    assert remappings([], {**TOPICS, 'image': '/camera/image_raw'}) == [
        ('image', '/camera/image_raw'), ('camera_info', 'camera_info'),
        ('image/compressed', '/camera/image_raw/compressed')]


def test_several_cameras_read_their_own_topics() -> None:
    assert remappings(['left', 'right'], TOPICS) == [
        ('left/image', 'left/color/image_raw'), ('left/camera_info', 'left/camera_info'),
        ('right/image', 'right/color/image_raw'), ('right/camera_info', 'right/camera_info'),
        ('left/image/compressed', 'left/color/image_raw/compressed'),
        ('right/image/compressed', 'right/color/image_raw/compressed')]


def test_the_cameras_name_may_stand_anywhere_in_a_topic() -> None:
    assert remappings(['left'], {'image': '/robot/{camera}_eye/image'})[0] == (
        'left/image', '/robot/left_eye/image')


def test_two_cameras_on_one_topic_are_refused() -> None:
    with pytest.raises(ValueError, match=r"image must hold {camera} .* got '/camera/image'"):
        remappings(['left', 'right'], {'image': '/camera/image'})
