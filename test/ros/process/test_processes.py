# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Real processes: the node ends cleanly on Ctrl-C, and the demo segments every frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
import re
import signal
import subprocess
import sys
from time import sleep

from benchmarks.transport import measure
import cv2
from metricseg_ros import fast_dds
from metricseg_ros.fast_dds import CHOICES, image_profile, takes_images_by_udp
from metricseg_ros.ros.tools.camera_messages import raw_image
import pytest
from ros.colour_model import COLOURS, scene
from ros.robot import flood, Robot, wait_for

pytestmark = pytest.mark.ros


TIMEOUT_S = 250
FRAMES = 6
INTERRUPTED = """
import os, signal, sys, time
import rclpy
from metricseg_ros.ros.process.lifetime import running

def make():
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    while rclpy.ok():
        time.sleep(0.01)
    return rclpy.create_node('too_late')

with running(make):
    raise AssertionError('there can be no node')
"""

CONVERTING = """
import os, signal, sys, time
import rclpy
from metricseg_ros.ros.process.lifetime import running

with running(lambda: rclpy.create_node('converting')):
    try:
        if sys.argv[1] == 'interrupted':
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
    except KeyboardInterrupt:
        pass
    raise RuntimeError('Unable to convert call argument')
"""


IN_TURN = """
import os
before = dict(os.environ)
import metricseg_ros.ros.process.launching
assert dict(os.environ) == before  # What a launch file imports leaves alone what others inherit.
import rclpy
from metricseg_ros.ros.process.lifetime import running

with running(lambda: rclpy.create_node('own')):
    print(*(os.environ.keys() - before.keys()))
"""


def started_node(model: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, '-m', 'metricseg_ros.ros.segmenter_node', '--ros-args', '-p',
         f'model:={model}', '-p', 'image_reliability:=reliable'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@contextmanager
def running_node(model: Path) -> Iterator[tuple[subprocess.Popen, Robot]]:
    """Start the node as a process of its own, with a robot around it."""
    node = started_node(model)
    robot = Robot('instances')
    try:
        robot.wait_until_matched()
        yield node, robot
    finally:
        node.kill()
        robot.close()


def test_an_interrupted_node_finishes_and_ends_without_a_traceback(colour_model: Path) -> None:
    with running_node(colour_model) as (node, robot):
        answer = robot.answer(raw_image(robot.header(), scene()))
        assert len(answer.instances) == len(COLOURS)
        node.send_signal(signal.SIGINT)
        sleep(0.05)  # As from a terminal and from a launcher.
        node.send_signal(signal.SIGINT)
        output, _ = node.communicate(timeout=TIMEOUT_S)
    assert node.returncode == 0, output
    assert 'Traceback' not in output


def test_two_nodes_of_one_name_are_told_of_while_images_flow(colour_model: Path) -> None:
    with running_node(colour_model) as (node, robot), \
            flood(lambda: robot.send(raw_image(robot.header(), scene())), 5):
        robot.wait_for_status('segmenting')
        twin = started_node(colour_model)
        try:
            robot.wait_for_status('another node is called /segmenter')
            said = wait_for(lambda: next((line for line in iter(twin.stdout.readline, '')
                                          if 'another node' in line), ''), 'the log to say so')
            assert 'every image is answered twice' in said
        finally:
            twin.kill()
            twin.wait(TIMEOUT_S)
        robot.wait_for_status('segmenting')
        node.send_signal(signal.SIGINT)
        output, _ = node.communicate(timeout=TIMEOUT_S)
    assert 'another node is called /segmenter' in output


def test_a_node_interrupted_at_an_image_says_nothing_of_it(slow_model: Path) -> None:
    with running_node(slow_model) as (node, robot), \
            flood(lambda: robot.send(raw_image(robot.header(), scene()))):
        wait_for(lambda: len(robot.received['instances']) >= 3, 'one in work and one that waits')
        node.send_signal(signal.SIGINT)
        output, _ = node.communicate(timeout=TIMEOUT_S)
    assert node.returncode == 0, output
    assert 'image lost' not in output and 'Failed' not in output, output


def test_the_demo_segments_every_frame_and_sums_up(colour_model: Path, tmp_path: Path) -> None:
    photos = tmp_path / 'photos'
    photos.mkdir()
    for name in ('a', 'b'):
        cv2.imwrite(str(photos / f'{name}.png'), scene()[..., ::-1])
    result = _demo(tmp_path, '--input', photos, '--model', colour_model, '--frames', FRAMES,
                   '--json', 'out.json')
    assert result.returncode == 0, result.stdout + result.stderr
    assert f'{FRAMES} of {FRAMES} frames segmented' in result.stdout
    summary = json.loads((tmp_path / 'out.json').read_text())
    assert summary['frames_in'] == summary['frames_segmented'] == FRAMES
    assert summary['frames_with_instances'] == summary['overlays'] == FRAMES
    assert summary['instances'] == FRAMES * len(COLOURS)
    # An image is sent again if it was lost before camera and segmenter knew of each other.
    assert summary['dropped'] in (0, 1)
    assert summary['fps'] > 0
    for stage in ('network', 'grouping', 'age'):
        values = summary['stages_ms'][stage]
        assert 0 < values['p50'] <= values['p95'] <= values['p99']
    pictures = sorted((tmp_path / 'demo_output').glob('overlay_*.png'))
    assert len(pictures) == FRAMES
    assert cv2.imread(str(pictures[0])).shape == scene().shape
    video = cv2.VideoCapture(str(tmp_path / 'demo_output' / 'overlay.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES


@pytest.mark.parametrize(('arguments', 'text'), [
    (('--model', '/nowhere/model'), 'no model at /nowhere/model'),
    (('--input', '/nowhere.png'), '/nowhere.png'),
    (('--frames', '0'), '--frames: must be a whole number of at least 1')])
def test_the_demo_names_bad_input_in_one_line(colour_model: Path, tmp_path: Path,
                                              arguments: tuple[str, ...], text: str) -> None:
    result = _demo(tmp_path, '--model', colour_model, *arguments)
    assert result.returncode == 2
    assert text in result.stderr
    assert result.stderr.count('\n') == 1


@pytest.mark.parametrize('sent', ['SIGINT', 'SIGTERM'])
def test_an_interrupt_before_there_is_a_node_ends_without_a_traceback(sent: str) -> None:
    ended = subprocess.run([sys.executable, '-c', INTERRUPTED, sent], capture_output=True,
                           text=True, timeout=TIMEOUT_S)
    assert (ended.returncode, ended.stderr) == (0, '')


@pytest.mark.parametrize(('how', 'code', 'lines'), [
    ('interrupted', 0, []), ('by itself', 1, ['RuntimeError: Unable to convert call argument'])])
def test_a_message_that_an_interrupt_spoils_is_no_fault_and_any_other_is(
        how: str, code: int, lines: list[str]) -> None:
    ended = subprocess.run([sys.executable, '-c', CONVERTING, how], capture_output=True, text=True,
                           timeout=TIMEOUT_S)
    assert (ended.returncode, ended.stderr.splitlines()[-1:]) == (code, lines)


@pytest.mark.parametrize(('arguments', 'text'), [
    (('--params-file', '/nowhere.yaml'), '/nowhere.yaml'), (('-r', 'image:=/a//b'), '/a//b'),
    (('-p', 'cameras:=[]'), 'empty list')])
def test_what_ros_cannot_read_is_named_in_one_line(arguments: tuple[str, ...], text: str) -> None:
    ended = subprocess.run([sys.executable, '-m', 'metricseg_ros.ros.segmenter_node',
                            '--ros-args', *arguments], capture_output=True, text=True,
                           timeout=TIMEOUT_S)
    assert ended.returncode == 1
    assert 'Traceback' not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith('cannot start: ') and text in ended.stderr


def test_the_profile_of_the_user_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    (name, path), = image_profile().items()
    assert Path(path).is_file()
    monkeypatch.setenv(name, 'mine.xml')
    assert image_profile() == {}


@pytest.mark.parametrize(('allowed', 'name'), [
    ('212992', 'fastdds.xml'), ('4194304', 'fastdds_node.xml'), ('', 'fastdds.xml')])
def test_images_come_by_udp_where_the_kernel_has_room_for_them(
        allowed: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for choice in CHOICES:
        monkeypatch.delenv(choice, raising=False)
    limit = tmp_path / 'rmem_max'
    limit.write_text(allowed)
    monkeypatch.setattr(fast_dds, 'RECEIVE_BUFFER', limit)
    (path,) = image_profile().values()
    assert Path(path).name == name and Path(path).is_file()


@pytest.mark.skipif(not takes_images_by_udp(),
                    reason='sysctl net.core.rmem_max is below 4 MiB')
def test_most_images_of_a_best_effort_camera_without_a_profile_arrive() -> None:
    row = measure({'camera': 'best_effort', 'profile': 'node', 'size': '640x480', 'rate': 10}, 20)
    assert row['heard'] >= 16, row  # About 2 through shared memory.


def test_a_profile_does_not_override_the_transports_of_the_user(
        monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    assert image_profile()
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    assert image_profile() == {}


def test_the_profile_is_that_of_our_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    (name,) = image_profile()
    ended = subprocess.run([sys.executable, '-c', IN_TURN], capture_output=True, text=True,
                           timeout=TIMEOUT_S)
    assert (ended.returncode, ended.stdout.split()) == (0, [name]), ended.stderr
    for path in (Path(__file__).parents[3] / 'launch').glob('*.launch.py'):
        assert not re.search('environ|additional_env|SetEnv', path.read_text()), path


def _demo(folder: Path, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-m', 'metricseg_ros.ros.tools.demo',
                           *map(str, arguments)],
                          cwd=folder, env=os.environ, capture_output=True, text=True,
                          timeout=TIMEOUT_S)


@pytest.mark.parametrize('name', ['segmenter_node', 'camera_player', 'viewer'])
def test_an_interrupt_during_imports_is_quiet(name: str) -> None:
    code = ('import builtins, sys\n'
            f'from metricseg_ros.ros.process.executables import {name}\n'
            'real = builtins.__import__\n'
            'def interrupted(name, *rest):\n'
            '    if name == "numpy":\n'
            '        raise KeyboardInterrupt\n'
            '    return real(name, *rest)\n'
            'builtins.__import__ = interrupted\n'
            f'sys.exit({name}())\n')
    ended = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                           timeout=TIMEOUT_S)
    assert (ended.returncode, ended.stderr) == (130, '')


def test_an_argument_that_ros_would_leave_alone_is_refused() -> None:
    ended = subprocess.run([sys.executable, '-m', 'metricseg_ros.ros.segmenter_node',
                            '--model', 'household-lite'], capture_output=True, text=True,
                           timeout=TIMEOUT_S)
    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot start: '--model' would have no effect")
    assert ended.stderr.count('\n') == 1
