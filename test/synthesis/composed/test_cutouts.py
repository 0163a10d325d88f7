# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cut-outs are whole things, cropped, feathered and not too large."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.label_folder import open_label_folder, write_pair
from metricseg_ros.synthesis.composed.cutouts import (
    folder_cutouts,
    is_photographic,
    MAX_SIDE,
    stamp_cutouts,
    trimmed,
)
import numpy as np


def test_only_whole_large_instances_are_cut_out(tmp_path: Path) -> None:
    for part in ('images', 'labels'):
        (tmp_path / part).mkdir()
    labels = np.zeros((200, 200), np.uint16)
    labels[20:70, 20:80] = 1  # whole and large: kept
    labels[100:120, 20:80] = 2  # too low
    labels[150:200, 20:80] = 3  # touches the border
    labels[100:150, 100:150] = IGNORE_LABEL
    write_pair(tmp_path, 'a', np.full((200, 200, 3), 90, np.uint8), labels)
    (tmp_path / 'index.json').write_text('[{"key": "a", "names": ["mug", "fork", "pen"]}]')
    found = folder_cutouts(open_label_folder(tmp_path))
    assert [cutout.name for cutout in found] == ['mug']
    height, width = found[0].rgba.shape[:2]
    assert 46 <= height <= 50 and 56 <= width <= 60
    assert found[0].source == tmp_path.name


def test_large_cutout_is_shrunk_without_its_hidden_colours_bleeding_in() -> None:
    rgba = np.zeros((600, 400, 4), np.uint8)
    rgba[..., 1] = 255  # green hides where alpha is 0
    rgba[50:550, 50:350] = (255, 0, 0, 255)
    small = trimmed(rgba)
    assert small.shape[0] == MAX_SIDE
    assert small[small[..., 3] > 0][:, 1].max() < 3


def test_drawing_is_told_from_photograph() -> None:
    rng = np.random.default_rng(0)
    photograph = rng.integers(0, 255, (60, 60, 4)).astype(np.uint8)
    photograph[..., 3] = 255
    assert is_photographic(photograph)
    assert not is_photographic(np.full((60, 60, 4), 255, np.uint8))


def test_absent_package_gives_no_cutouts(tmp_path: Path) -> None:
    assert stamp_cutouts(tmp_path / 'absent') == []
