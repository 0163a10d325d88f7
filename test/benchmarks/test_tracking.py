# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Identities are measured on the same masks, and the figures are those of the ids."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.command import main
from benchmarks.ids.videos import filmed, labelled
from benchmarks.tracking import (
    BLIND,
    BROKEN,
    GREY,
    make_trackers,
    OURS,
    OVERLAP,
    scene_rows,
    Score,
)
import cv2
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.config import SegmenterConfig
from metricseg_ros.datasets.label_folder import write_pair
import numpy as np
import pytest
from squares import squares


@pytest.mark.parametrize(('red', 'knowing'), [
    (False, {OURS, BROKEN, GREY}), (True, {OURS, BROKEN, GREY, BLIND})])
def test_things_that_change_places_are_known_by_what_a_tracker_knows(
        red: bool, knowing: set[str]) -> None:
    image = np.zeros((10, 200, 3), np.uint8)
    image[:, :50, 0] = 255 * red
    ids = {}
    for name, track in make_trackers(SegmenterConfig()).items():
        track(squares((0, 0), (100, 9)), image)
        ids[name] = track(squares((0, 9), (100, 0)), np.roll(image, 100, 1)).ids.tolist()
    assert ids == {name: [2, 1] if name in knowing else [1, 2] for name in ids}


def test_only_without_joining_and_embeddings_parts_stay_apart() -> None:
    counts = {name: len(track(squares((0, 0), (10, 0)), np.zeros((10, 200, 3), np.uint8)))
              for name, track in make_trackers(SegmenterConfig()).items()}
    assert counts == {OURS: 1, BROKEN: 2, GREY: 1, BLIND: 2, OVERLAP: 2}


def test_rows_are_means_and_shares_of_switches() -> None:
    found = [{OURS: Score(3, 1, 1.0, 0.8, 6.0), OVERLAP: Score(3, 4, 0.5, 0.4, 1.0)},
             {OURS: Score(5, 2, 0.5, 0.6, 7.0), OVERLAP: Score(5, 8, 0.5, 0.4, 1.0)}]
    ours, overlap = scene_rows('crossing', found)
    assert (ours['switches'], overlap['switches'], ours['objects']) == (3, 12, 8)
    assert (ours['share'], overlap['share']) == (0.25, 1.0)
    # In either sequence it is a quarter, and so in every mixture of them.
    assert ours['share_interval'] == [0.25, 0.25]
    assert (ours['switches_each'], ours['idf1'], ours['hota']) == (1.5, 0.75, 0.7)
    assert ours['switches_each_interval'] == [1, 2]
    assert (ours['update_ms'], overlap['update_ms']) == (6.5, 1.0)


def test_a_scene_without_switches_has_no_share() -> None:
    still = Score(1, 0, 1.0, 1.0, 1.0)
    assert np.isnan(scene_rows('shaken', [{OURS: still, OVERLAP: still}])[0]['share'])


def test_every_tracker_is_measured_and_drawn(tmp_path: Path) -> None:
    report = tmp_path / 'report.json'
    assert main('tracking', ['--scene', 'occlusion', '--sequences', '2', '--frames', '4', '--json',
                             str(report), '--pictures', str(tmp_path)]) == DONE
    found = json.loads(report.read_text())
    assert [row['tracker'] for row in found['rows']] == [OURS, BROKEN, GREY, BLIND, OVERLAP]
    assert [row['objects'] for row in found['rows']] == [12] * 5
    assert len(found['sequences']['occlusion']) == 2
    assert all(0 < row['idf1'] <= 1 and 0 < row['hota'] <= 1 for row in found['rows'])
    height, width = cv2.imread(str(tmp_path / 'occlusion.jpg')).shape[:2]
    assert (height, width) == (2 * 216, 4 * 288)


@pytest.fixture
def own_video(tmp_path: Path) -> Path:
    """Write a film of three frames as a labelled video; by their names 10 is before 9."""
    folder = tmp_path / 'own'
    for part in ('images', 'labels'):
        (folder / part).mkdir(parents=True)
    for number, frame in enumerate(filmed('shaken', 3, (0, 0)).frames, 8):
        write_pair(folder, str(number), frame.image, frame.labels)
    return folder


def test_the_frames_of_a_labelled_video_come_in_order(own_video: Path) -> None:
    films, read = filmed('shaken', 3, (0, 0)), labelled(own_video)
    assert read.length == 3
    for film, frame in zip(films.frames, read.frames, strict=True):
        np.testing.assert_array_equal(film.labels, frame.labels)


def test_a_labelled_video_is_measured_and_drawn(own_video: Path, tmp_path: Path) -> None:
    report = tmp_path / 'report.json'
    assert main('tracking', ['--labelled', str(own_video), '--json', str(report), '--pictures',
                             str(tmp_path)]) == DONE
    found = json.loads(report.read_text())
    assert found['labelled'] == [str(own_video)] and 'rng_seed' not in found
    assert [row['scene'] for row in found['rows']] == ['labelled'] * 5
    assert all(0 < row['idf1'] <= 1 for row in found['rows'])
    assert (tmp_path / 'labelled.jpg').exists()


def test_a_bad_labelled_video_is_named(own_video: Path, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    assert main('tracking', ['--labelled', str(tmp_path)]) == BAD_USAGE
    assert str(tmp_path) in capsys.readouterr().err
    write_pair(own_video, '9', np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30), np.uint16))
    assert main('tracking', ['--labelled', str(own_video)]) == BAD_USAGE
    assert f'(20, 30) of 9 in {own_video}' in capsys.readouterr().err


@pytest.mark.parametrize('option', ['--sequences', '--frames'])
def test_nonsense_is_refused(option: str) -> None:
    assert main('tracking', [option, '0']) == BAD_USAGE
