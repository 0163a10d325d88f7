# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pre-labels for other programs say what was found: read back, the masks are nearly the same."""

from __future__ import annotations

import json
from pathlib import Path

from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.main import main
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.labelling.prelabels import outlines
import numpy as np
import pytest


@pytest.mark.parametrize(('kind', 'text'), [
    ('labelme', 'labelme:{0}/labelme'),
    ('coco', 'coco:{0}/coco/images:{0}/coco/annotations.json')])
def test_read_back_the_masks_are_nearly_the_same(tmp_path: Path, kind: str, text: str) -> None:
    output = tmp_path / 'out'
    assert main(['segment', str(photographs()[0]), '--output', str(output), '--labels', kind,
                 '--device', 'cpu', '--quiet', 'grouping.minimum_score=0.3']) == 0
    record = json.loads((output / 'instances.json').read_text())['images'][0]
    sample = open_dataset(text.format(output))[0]
    found = np.array([own['id'] for own in record['instances']])
    assert sample.instance_count == len(found) > 0
    import cv2
    label_map = cv2.imread(str(next((output / 'label_map').iterdir())), cv2.IMREAD_UNCHANGED)
    for own in found:
        mask = label_map == own
        best = max((mask & (sample.label_map == label)).sum()
                   / (mask | (sample.label_map == label)).sum()
                   for label in range(1, sample.instance_count + 1))
        assert best > 0.9
    assert main(['segment', str(photographs()[0]), '--output', str(output), '--labels', kind,
                 '--device', 'cpu', '--quiet', '--overwrite']) == 2  # Somebody may have corrected.


def test_an_outline_runs_along_the_edges_of_pixels() -> None:
    (ring,) = outlines(np.ones((4, 6), bool), np.array([10, 20, 16, 24]))
    low, high = ring.min(axis=0), ring.max(axis=0)
    np.testing.assert_allclose(low, (10, 20), atol=0.3)
    np.testing.assert_allclose(high, (16, 24), atol=0.3)
