# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch file's arguments become cameras and topics, with launch installed or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metricseg_ros.ros.process.launching import (
    ARGUMENTS,
    camera_names,
    camera_players,
    parameter_file,
    parameters,
    refuse_unknown,
    remappings,
)
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


def test_every_parameter_of_the_node_may_be_given() -> None:
    assert parameters({'grouping.minimum_score': '0.7', 'cameras': '[left,right]', 'image': 'x',
                       'use_sim_time': 'true', 'model': ''}) == {
        'grouping.minimum_score': 0.7, 'cameras': ['left', 'right'], 'use_sim_time': True}


def test_nothing_is_passed_on_unless_told() -> None:
    assert parameters({name: default for name, (default, _) in ARGUMENTS.items()}) == {}


@pytest.mark.parametrize(('name', 'text'), [
    ('grouping.minimum_score', '7'), ('grouping.minimum_score', 'high'),
    ('tracking.enabled', 'flase'), ('backend.name', 'cuda')])
def test_a_bad_value_of_a_parameter_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        parameters({name: text})


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for `ros2 launch metricseg_ros segmenter.launch.py`."""
    monkeypatch.setattr('sys.argv', ['ros2', 'launch', 'metricseg_ros', 'segmenter.launch.py'])


@pytest.mark.usefixtures('started')
def test_a_misspelt_argument_is_refused_with_the_nearest_name() -> None:
    file = '/share/launch/segmenter.launch.py'
    refuse_unknown(file, ['image:=/camera/image', 'grouping.minimum_score:=0.7', '--debug'],
                   ARGUMENTS)
    with pytest.raises(ValueError, match="'imgae': did you mean image"):
        refuse_unknown(file, ['imgae:=/camera/image'], ARGUMENTS)
    with pytest.raises(ValueError, match='did you mean grouping.minimum_score'):
        refuse_unknown(file, ['grouping.minimum_scor:=0.7'], ARGUMENTS)
    with pytest.raises(ValueError, match="'rate'"):  # That is the demo's alone.
        refuse_unknown(file, ['rate:=3'], ARGUMENTS)


@pytest.mark.usefixtures('started')
def test_arguments_of_a_launch_file_that_includes_ours_are_its_own_matter() -> None:
    refuse_unknown('/share/launch/demo.launch.py', ['robot_name:=mine'], ARGUMENTS)


def of_demo(**given: str) -> list[dict[str, Any]]:
    defaults = {name: default for name, (default, _) in ARGUMENTS.items()}
    return camera_players({**defaults, 'input': '/photos', 'rate': '1.0', **given})


def test_the_demos_player_plays_where_the_segmenter_reads() -> None:
    assert of_demo() == [{
        'name': 'camera_player', 'namespace': '',
        'remappings': [('image', 'image'), ('depth', 'depth'), ('camera_info', 'camera_info'),
                       ('image/compressed', 'image/compressed')],
        'arguments': ['--input', '/photos', '--rate', '1.0', '--frames', '1000000']}]
    (player,) = of_demo(namespace='robot', image='/eye/image', depth='depth/image', rate='5',
                        image_transport='compressed')
    assert player['namespace'] == 'robot'
    assert dict(player['remappings']) == {
        'image': '/eye/image', 'image/compressed': '/eye/image/compressed',
        'depth': 'depth/image', 'camera_info': 'camera_info'}
    assert player['arguments'] == ['--input', '/photos', '--rate', '5', '--frames', '1000000',
                                   '--compressed', 'jpeg']


def test_the_demo_has_a_player_for_each_camera() -> None:
    left, right = of_demo(cameras='[left,front/right]', image='/robot/{camera}_eye/image')
    assert (left['name'], right['name']) == ('camera_player_left', 'camera_player_front_right')
    assert dict(left['remappings'])['image'] == '/robot/left_eye/image'
    assert dict(right['remappings']) == {
        'image': '/robot/front/right_eye/image', 'depth': 'front/right/depth',
        'image/compressed': '/robot/front/right_eye/image/compressed',
        'camera_info': 'front/right/camera_info'}


@pytest.mark.parametrize(('section', 'node', 'matches'), [
    ('/**', '/robot/segmenter', True), ('segmenter', '/segmenter', True),
    ('/segmenter', '/segmenter', True), ('segmenter', '/robot/segmenter', False),
    ('/robot/segmenter', '/robot/segmenter', True), ('/*/segmenter', '/robot/segmenter', True),
    ('/*/segmenter', '/a/b/segmenter', False), ('/**/segmenter', '/segmenter', True),
    ('camera', '/segmenter', False)])
def test_a_parameter_file_for_other_nodes_is_refused(tmp_path: Path, section: str, node: str,
                                                     matches: bool) -> None:
    path = tmp_path / 'mine.yaml'
    path.write_text(f'{section}:\n  ros__parameters: {{model: household-lite}}\n')
    if matches:
        assert parameter_file(str(path), node) == path
    else:
        with pytest.raises(ValueError, match=f'nothing for {node}'):
            parameter_file(str(path), node)


def test_a_parameter_file_may_nest_namespaces_and_lie_at_home(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'mine.yaml').write_text('/robot:\n  segmenter:\n    ros__parameters: {}\n')
    assert parameter_file('~/mine.yaml', '/robot/segmenter') == tmp_path / 'mine.yaml'


def test_a_parameter_file_may_be_for_several_nodes(tmp_path: Path) -> None:
    path = tmp_path / 'mine.yaml'
    path.write_text('camera: {ros__parameters: {rate: 3}}\n'
                    '/*:\n  segmenter: {ros__parameters: {opacity: 0.5}}\n')
    assert parameter_file(str(path), '/robot/segmenter') == path
    with pytest.raises(ValueError, match=r'has /\*/segmenter, /camera, and nothing for /segment'):
        parameter_file(str(path), '/segmenter')


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match='~no_such_user/mine.yaml cannot be read'):
        parameter_file('~no_such_user/mine.yaml', '/segmenter')


@pytest.mark.parametrize('content', [
    None, 'a: [', '', 'a: &a {b: *a}', '[' * 3000, 'segmenter: {model: x}',
    'ros__parameters: {model: x}'])
def test_a_parameter_file_that_says_nothing_is_refused(tmp_path: Path,
                                                       content: str | None) -> None:
    path = tmp_path / 'mine.yaml'
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=str(path)):
        parameter_file(str(path), '/segmenter')
