# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Clustering of embeddings by scikit-learn, for comparison.

Each method runs in a process of its own, which is ended when its time or memory is spent:
`python -m benchmarks.seeds.clusterings METHOD POINTS.npy CLUSTERS RADIUS` prints JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
import json
from pathlib import Path
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

MEMORY_LIMIT = 8 * 2**30
SMALLEST_CLUSTER = 10


def methods() -> dict[str, tuple[str, Callable[[int, float], Any]]]:
    """
    List the methods.

    :return: name -> what its settings are, and a function of the number of clusters and of the
        radius of a mask that makes the estimator.
    """
    from sklearn.cluster import DBSCAN, KMeans, MeanShift
    return {
        'KMeans': ('n_init=1, as many clusters as seeds', lambda clusters, _:
                   KMeans(n_clusters=clusters, n_init=1, random_state=0)),
        'DBSCAN': (f'eps = mask radius, min_samples={SMALLEST_CLUSTER}', lambda _, radius:
                   DBSCAN(eps=radius, min_samples=SMALLEST_CLUSTER, n_jobs=-1)),
        'MeanShift': ('bandwidth = mask radius, bin_seeding', lambda _, radius:
                      MeanShift(bandwidth=radius, bin_seeding=True, n_jobs=-1)),
    }


def time_clusterings(points: np.ndarray, clusters: int, radius: float, limit_s: float,
                     skip: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """
    Run every method on the same points.

    :param points: (N,D) float32 embeddings.
    :param clusters: how many clusters, for methods that have to be told.
    :param radius: distance at which a mask of the middle similarity threshold ends.
    :param limit_s: most seconds for each method.
    :return: `method`, `settings` and `ms` and `clusters`, or `stopped` with the reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'points.npy')
        np.save(path, points)
        for name, (settings, _) in methods().items():
            result = {'stopped': 'not run: a smaller grid was too large'} if name in skip else \
                _run_apart(name, path, clusters, radius, limit_s)
            yield {'method': name, 'settings': settings, **result}


def main(argv: list[str]) -> None:
    """
    Run one method and print its time.

    :param argv: method, path of (N,D) points, number of clusters, radius.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    points = np.load(argv[1])
    _, make = methods()[argv[0]]
    estimator = make(int(argv[2]), float(argv[3]))
    start = time.perf_counter()
    labels = estimator.fit_predict(points)
    took_ms = 1e3 * (time.perf_counter() - start)
    print(json.dumps({'ms': round(took_ms, 1), 'clusters': int(labels.max()) + 1}))


def _run_apart(name: str, path: Path, clusters: int, radius: float,
               limit_s: float) -> dict[str, Any]:
    command = [sys.executable, '-m', __name__, name, str(path), str(clusters), str(radius)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return {'stopped': f'after {limit_s:g} s'}
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or [f'exit code {ended.returncode}'])[-1]
        return {'stopped': reason}
    return json.loads(ended.stdout)


if __name__ == '__main__':
    main(sys.argv[1:])
