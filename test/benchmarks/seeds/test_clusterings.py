# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Other clusterings are timed, and stopped at their limit."""

from __future__ import annotations

from benchmarks.seeds.clusterings import time_clusterings
import numpy as np


def test_clustering_ends_at_its_limit(rng: np.random.Generator) -> None:
    points = np.concatenate([rng.normal(center, 0.01, (50, 4)) for center in (0, 5, 9)])
    points = points.astype(np.float32)
    rows = {row['method']: row for row in time_clusterings(points, 3, 1.0, 250,
                                                           skip=['DBSCAN', 'MeanShift'])}
    assert rows['KMeans']['clusters'] == 3 and rows['KMeans']['ms'] > 0
    assert 'not run' in rows['DBSCAN']['stopped']
    late = next(time_clusterings(points, 3, 1.0, 0.01))
    assert late['stopped'] == 'after 0.01 s'
