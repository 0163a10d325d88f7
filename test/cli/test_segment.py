# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`metricseg segment` with the shipped model: what it writes, leaves out, and leaves behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import cv2
from inputs.videos import spoil, write_video
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE, FAILED, INTERRUPTED
from metricseg_ros.cli.main import main
from metricseg_ros.config import SegmenterConfig, with_values
from metricseg_ros.inputs.codec import encode, read_image
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np
from PIL import Image
import pytest

EAGER = ['--device', 'cpu', 'grouping.minimum_score=0.1']
"""A low bar, so that there is something to write whatever the weights."""
DEADLINE_S = 250


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of two photographs."""
    path = tmp_path / 'photos'
    path.mkdir()
    for photograph in photographs()[:2]:
        shutil.copy(photograph, path)
    return path


def segment(*words: object) -> int:
    return main(['segment', *map(str, words), '--quiet', *EAGER])


def content(output: Path) -> dict[str, Any]:
    return json.loads((output / 'instances.json').read_text())


def test_the_label_maps_are_those_of_the_library(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / 'out'
    assert segment(folder, '--output', output) == DONE
    segmenter = InstanceSegmenter.from_config(with_values(SegmenterConfig(), {
        'backend.device_policy': 'cpu', 'grouping.minimum_score': 0.1}))
    records = content(output)['images']
    assert len(records) == 2
    for record in records:
        instances = segmenter.segment(read_image(Path(record['source'])))
        written = cv2.imread(str(output / 'label_map' / f'{record["name"]}.png'),
                             cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(written, instances.label_map)
        assert [entry['id'] for entry in record['instances']] == instances.ids.tolist()
        assert set(record['stage_ms']) == {'preprocess', 'network', 'grouping', 'masks'}
    assert sum(len(record['instances']) for record in records) > 0


def test_it_says_what_really_ran(folder: Path, tmp_path: Path,
                                 capsys: pytest.CaptureFixture[str]) -> None:
    assert segment(folder, '--output', tmp_path / 'out', '--json', '-') == DONE
    printed = json.loads(capsys.readouterr().out)
    assert printed == content(tmp_path / 'out')
    assert printed['execution']['device'] == 'cpu'
    assert printed['configuration']['grouping.minimum_score'] == 0.1


def test_an_unreadable_image_is_left_out_and_told(folder: Path, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    (folder / 'broken.jpg').write_bytes(b'not a photograph')
    assert segment(folder, '--output', tmp_path / 'out') == FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert 'left out' in line and 'broken.jpg' in line
    written = content(tmp_path / 'out')
    assert len(written['images']) == 2 and len(written['failures']) == 1


def test_a_damaged_frame_of_a_video_is_told_and_the_rest_written(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_video(tmp_path / 'clip.mp4', 6)
    spoil(path, 2, 'mp4v')
    assert segment(path, '--output', tmp_path / 'out') == FAILED
    assert 'frame 2' in capsys.readouterr().err
    written = content(tmp_path / 'out')
    assert len(written['images']) == 5 and len(written['failures']) == 1


def odd_folder(folder: Path, photograph: bytes) -> list[str]:
    """Add every odd file to a folder of photographs; return what is to be named as left out."""
    image = cv2.imdecode(np.frombuffer(photograph, np.uint8), cv2.IMREAD_COLOR)
    heic = b'\0\0\0\x18ftypheic\0\0\0\0mif1heic' + bytes(99)
    pages = [Image.fromarray(np.full((40, 60, 3), level, np.uint8)) for level in (0, 99, 200)]
    for name in ('anim.gif', 'anim.webp', 'anim.png', 'pages.tif'):
        pages[0].save(folder / name, save_all=True, append_images=pages[1:])
    (folder / 'sub').mkdir()
    for name, data in {
            'c.jfif': photograph, 'y.JPG': photograph, f'{"x" * 250}.jpg': photograph,
            'y.png': encode(image[..., ::-1], '.png'), 'sub/s.jpg': photograph,
            'b.HEIC': heic, 'renamed.jpg': heic, 'clip.mp4': b'-', 'broken.jpg': b'-',
            'cut.jpg': photograph[:9000], 'empty.png': b'', 'raw.dng': b'II*\0', 'x.mcap': b'-',
            'notes.txt': b'-', 'long.png': encode(np.zeros((4, 70000), np.uint8), '.png'),
            'float.tif': cv2.imencode('.tif', np.ones((40, 60), np.float32))[1].tobytes()}.items():
        (folder / name).write_bytes(data)
    Path(os.fsdecode(os.fsencode(folder) + b'/caf\xe9.jpg')).write_bytes(photograph)
    (folder / 'link.jpg').symlink_to('/nowhere')
    return ['anim.gif', 'anim.webp', 'anim.png', 'pages.tif', 'b.HEIC', 'renamed.jpg', 'clip.mp4',
            'broken.jpg', 'cut.jpg', 'empty.png', 'raw.dng', 'x.mcap', 'long.png', 'float.tif',
            'link.jpg', 'sub']


def test_of_a_folder_of_odd_files_all_is_done_that_can_be_and_the_rest_is_listed(
        folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = odd_folder(folder, sorted(folder.iterdir())[0].read_bytes())
    output = tmp_path / 'out'
    assert segment(folder, '--output', output) == FAILED
    told, written = capsys.readouterr().err.splitlines(), content(output)
    assert all(line.startswith('metricseg: left out: ') for line in told)
    assert [line.removeprefix('metricseg: left out: ') for line in told] == written['failures']
    for name in named:
        assert sum(name in line for line in told) == 1, (name, told)
    assert not any('notes.txt' in line for line in told)
    names = {record['name'] for record in written['images']}
    assert len(names) == len(written['images']) == 2 + 9
    assert {'c', 'y', 'y-2', 'anim', 'anim-2', 'anim-3', 'pages', 'caf\udce9'} <= names
    for name in names:
        assert (output / 'label_map' / f'{name}.png').is_file()
        assert (output / 'overlay' / f'{name}.jpg').is_file()


def test_names_that_are_no_utf8_are_no_harm_anywhere(folder: Path, tmp_path: Path,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9'))
    folder.rename(odd)
    assert segment(odd, '--output', odd / 'out') == DONE
    assert len(list((odd / 'out' / 'overlay').iterdir())) == 2
    assert segment(odd, '--output', odd / 'other', '--video', 5) == BAD_USAGE
    assert 'must be UTF-8' in capsys.readouterr().err
    assert main(['segment', str(odd), '--output', str(odd / 'third'), *EAGER]) == DONE
    assert '2 images' in capsys.readouterr().out


def test_a_camera_or_an_address_is_to_be_recorded_first(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ('/dev/null', 'rtsp://camera/stream'):
        assert segment(path, '--output', tmp_path / 'out') == BAD_USAGE
        (line,) = capsys.readouterr().err.splitlines()
        assert path in line and 'or use the node' in line


def test_nothing_readable_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / 'broken.jpg').write_bytes(b'not a photograph')
    assert segment(tmp_path / 'broken.jpg', '--output', tmp_path / 'out') == BAD_USAGE


def test_a_missing_input_is_told_before_anything_is_done(
        folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert segment(folder, '/no/where', '--output', tmp_path / 'out') == BAD_USAGE
    assert 'no such file' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_earlier_results_are_replaced_only_when_asked_for(
        folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = sorted(folder.iterdir())
    output = tmp_path / 'out'
    assert segment(first, '--output', output) == DONE
    assert segment(second, '--output', output) == BAD_USAGE
    assert '--overwrite' in capsys.readouterr().err
    assert segment(second, '--output', output, '--overwrite') == DONE
    assert [path.stem for path in (output / 'overlay').iterdir()] == [second.stem]


@pytest.fixture
def wall(folder: Path) -> Path:
    """Make a folder of two photographs with depth: both show a wall of 5 m that is 1 m away."""
    root = folder.parent / 'wall'
    (root / 'depth').mkdir(parents=True)
    folder.rename(root / 'images')
    for number, path in enumerate(sorted((root / 'images').iterdir())):
        size = read_image(path).shape[:2]
        depth = np.full(size, 1000, np.uint16) if number else np.ones(size, np.float32)
        cv2.imwrite(str(root / 'depth' / f'{path.stem}{".png" if number else ".tiff"}'), depth)
    camera = {'fx': 0.2 * size[1], 'fy': 0.2 * size[1], 'cx': size[1] / 2, 'cy': size[0] / 2}
    (root / 'camera.json').write_text(json.dumps(camera))
    return root


def test_depth_beside_images_drops_masks_of_a_wall_unless_it_is_left_out(
        wall: Path, tmp_path: Path) -> None:
    assert segment(wall, '--output', tmp_path / 'with') == DONE
    assert segment(wall, 'depth=false', '--output', tmp_path / 'without') == DONE
    assert segment(wall / 'images', '--output', tmp_path / 'images') == DONE
    used, without = (content(tmp_path / name) for name in ('with', 'without'))
    assert [record['depth_used'] for record in used['images']] == [True, True]
    assert [record['depth_used'] for record in without['images']] == [False, False]
    assert sum(record['dropped_support'] for record in used['images']) > 0
    assert not any(record['dropped_support'] for record in without['images'])
    for one, other in zip(label_maps(tmp_path / 'without'), label_maps(tmp_path / 'images'),
                          strict=True):
        np.testing.assert_array_equal(one, other)


def test_depth_of_another_size_leaves_the_image_out_in_one_line(
        wall: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sorted((wall / 'depth').iterdir())[1]
    cv2.imwrite(str(path), np.full((48, 64), 1000, np.uint16))
    assert segment(wall, '--output', tmp_path / 'out') == FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert path.name in line and 'depth of 64x48' in line and 'depth=false' in line
    assert len(content(tmp_path / 'out')['images']) == 1


def test_a_camera_that_is_none_is_bad_input(wall: Path, tmp_path: Path,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    (wall / 'camera.json').write_text('[]')
    assert segment(wall, '--output', tmp_path / 'out') == BAD_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert 'camera.json: must hold fx' in line


@pytest.fixture
def panned(tmp_path: Path) -> Path:
    """Make a folder of three views of a photograph, the camera moved by 6 pixels each time."""
    path = tmp_path / 'panned'
    path.mkdir()
    photograph = cv2.imread(str(photographs()[0]))
    for number in range(3):
        view = photograph[:, 6 * number:photograph.shape[1] - 12 + 6 * number]
        cv2.imwrite(str(path / f'{number}.png'), view)
    return path


def label_maps(output: Path) -> list[np.ndarray]:
    return [cv2.imread(str(output / 'label_map' / f'{record["name"]}.png'), cv2.IMREAD_UNCHANGED)
            for record in content(output)['images']]


def ids(output: Path) -> list[set[int]]:
    return [{entry['id'] for entry in record['instances']}
            for record in content(output)['images']]


def test_an_object_keeps_its_id_while_the_camera_moves(panned: Path, tmp_path: Path) -> None:
    output = tmp_path / 'out'
    assert segment(panned, '--output', output, '--track') == DONE
    first, _, last = label_maps(output)
    first, last = first[:, 12:], last[:, :-12]  # What both show.
    found = (first > 0) & (last > 0)
    assert found.any() and (first == last)[found].mean() > 0.9
    assert all('tracking' in record['stage_ms'] for record in content(output)['images'])


def test_an_object_is_not_looked_for_in_another_input(panned: Path, tmp_path: Path) -> None:
    shutil.copytree(panned, tmp_path / 'again')
    output = tmp_path / 'out'
    assert segment(panned, tmp_path / 'again', '--output', output, '--track') == DONE
    found = ids(output)
    assert set.union(*found[:3]).isdisjoint(set.union(*found[3:])) and all(found)


def test_images_given_one_by_one_are_one_sequence(panned: Path, tmp_path: Path) -> None:
    output, other = tmp_path / 'out', tmp_path / 'other'
    assert segment(*sorted(panned.iterdir()), '--output', output, '--track') == DONE
    assert segment(panned, '--output', other, 'tracking.enabled=true') == DONE
    assert ids(output) == ids(other)


def test_images_of_different_sizes_are_tracked_too(folder: Path, tmp_path: Path) -> None:
    sizes = [(200, 300), (300, 200)]
    for path, size in zip(sorted(folder.iterdir()), sizes, strict=True):
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), size))
    output = tmp_path / 'out'
    assert segment(folder, '--output', output, '--track') == DONE
    assert [labels.shape[::-1] for labels in label_maps(output)] == sizes


def test_the_overlays_become_a_video(panned: Path, tmp_path: Path) -> None:
    output = tmp_path / 'out'
    assert segment(panned, '--output', output, '--video', 12.5) == DONE
    video = cv2.VideoCapture(str(output / 'overlay.mp4'))
    assert video.get(cv2.CAP_PROP_FPS) == 12.5
    for record in content(output)['images']:
        shown = cv2.imread(str(output / 'overlay' / f'{record["name"]}.jpg'))
        read, image = video.read()
        assert read and np.abs(image.astype(int) - shown).mean() < 10
    assert not video.read()[0]
    assert segment(panned, '--output', output, '--overwrite') == DONE
    assert not (output / 'overlay.mp4').exists()


@pytest.mark.parametrize('rate', ['0', '-1', 'nan', '1e9'])
def test_a_rate_that_no_video_has_is_refused(rate: str, panned: Path, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    assert segment(panned, '--output', tmp_path / 'out', f'--video={rate}') == BAD_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert '--video' in line and rate in line
    assert not (tmp_path / 'out').exists()


def test_a_model_that_is_not_there_is_told(folder: Path, tmp_path: Path,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    assert segment(folder, '--output', tmp_path / 'out', '--model', 'nonesuch') == BAD_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert "'nonesuch'" in line and 'household-lite' in line


def test_an_interrupt_leaves_whole_results(folder: Path, tmp_path: Path) -> None:
    first = sorted(folder.iterdir())[0]
    for number in range(500):
        (folder / f'{number}.jpg').symlink_to(first)
    output = tmp_path / 'out'
    # A shell lets what it runs in the background ignore the signal, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, '-m', 'metricseg_ros.cli.main', 'segment', str(folder), '--output',
         str(output), *EAGER], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + DEADLINE_S
    while not (output / 'label_map' / '2.png').exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    printed, told = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == INTERRUPTED
    assert told.splitlines() == ['metricseg: interrupted'] and 'images' in printed
    names = {record['name'] for record in content(output)['images']}
    assert 2 <= len(names) < 500
    assert names <= {path.stem for path in (output / 'label_map').iterdir()}


def test_a_topic_of_the_camera_needs_one_of_depth(folder: Path, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    words = ['--output', tmp_path / 'out', '--camera-info-topic', '/camera_info']
    assert segment(folder, *words) == BAD_USAGE
    assert '--camera-info-topic is for --depth-topic' in capsys.readouterr().err
