# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`metricseg benchmark`: fair timing, and a comparison that is with the right thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from metricseg_ros.backends.gpus import found_gpu
from metricseg_ros.cli.benchmark_pipeline import stage_rows
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.cli.floors import Floors, network_flops
from metricseg_ros.cli.main import main
from metricseg_ros.cli.measuring import alternate, distribution, spread, table
from metricseg_ros.cli.plain_seeds import plain_seeds
from metricseg_ros.cli.rival_clustering import compare
from metricseg_ros.models import load_description
import numpy as np
import pytest
import torch

THREE_BLOBS = torch.tensor([[0.0, 0.0, 0.1, 4.0, 4.1, 9.0]]).reshape(1, 2, 3)
"""One-dimensional embeddings of a 2x3 image."""


def benchmark(tmp_path: Path, *words: str) -> dict[str, Any]:
    path = tmp_path / 'report.json'
    assert main(['benchmark', *words, '--json', str(path)]) == DONE
    return json.loads(path.read_text())


def test_candidates_run_by_turns_after_a_warm_up() -> None:
    calls: list[str] = []
    times = alternate({name: lambda name=name: calls.append(name) for name in 'ab'}, runs=2)
    assert calls == ['a', 'b'] * 3
    assert {name: len(values) for name, values in times.items()} == {'a': 2, 'b': 2}


def test_the_spread_is_median_and_quartiles() -> None:
    assert spread('x_ms', np.array([1.0, 2, 3, 4, 100])) == {'x_ms': 3, 'x_ms_quartiles': [2, 4]}


def test_a_table_shows_what_is_missing_as_a_dash() -> None:
    lines = table([{'a': 'x', 'b': 1.234, 'c': True}, {'a': 'yy'}], ['a', 'b', 'c']).splitlines()
    assert [line.split() for line in lines] == [['a', 'b', 'c'], ['x', '1.23', 'yes'],
                                                ['yy', '-', '-']]


@pytest.mark.parametrize('expanded', [True, False])
def test_plain_seeds_are_good_and_far_apart(expanded: bool) -> None:
    scores = torch.tensor([[0.9, 0.5, 0.5], [0.8, 0.5, 0.5]])
    # With a large weight distance decides: 9 is farthest from 0, then 4 from both (to 4.1, which
    # is farther from 0 but as near to 9, the score gives the lead).
    seeds = plain_seeds(THREE_BLOBS, scores, 3, 2.0, expanded)
    assert seeds.tolist() == [[0, 0], [1, 2], [1, 0]]


@pytest.mark.parametrize('expanded', [True, False])
def test_plain_seeds_end_with_the_candidates(expanded: bool) -> None:
    scores = torch.tensor([[0.9, 0.1, 0.1], [0.8, 0.1, 0.0]])
    seeds = plain_seeds(THREE_BLOBS, scores, 10, 0.3, expanded, minimum_score=0.5)
    assert seeds.tolist() == [[0, 0], [1, 0]]


def test_both_plain_forms_pick_the_same_seeds(rng: np.random.Generator) -> None:
    embeddings = torch.from_numpy(rng.normal(size=(8, 20, 30)))
    scores = torch.from_numpy(rng.uniform(size=(20, 30)))
    assert torch.equal(plain_seeds(embeddings, scores, 50, 0.3, True),
                       plain_seeds(embeddings, scores, 50, 0.3, False))


def test_grouping_is_compared_with_the_formula(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'grouping', '--grid', '48x64', '--seeds', '20', '--runs', '2',
                       '--clustering-limit', '0')
    assert [(row['kind'], row['ends']) for row in report['rows']] == [
        ('random', 'at 20'), ('real', 'at 20'), ('real', 'once explained')]
    for row in report['rows']:
        assert row['grid'] == '48x64' and row['seeds_identical']
        assert row['plain_ms'] > 0 and row['ours_ms'] > 0 and row['speedup'] > 0
    assert report['rows'][0]['seeds'] == 20 and report['rows'][0]['dimensions'] == 64
    assert {'cpu', 'cores', 'torch_threads', 'versions'} <= set(report['machine'])


def test_clustering_ends_at_its_limit(rng: np.random.Generator) -> None:
    points = np.concatenate([rng.normal(center, 0.01, (50, 4)) for center in (0, 5, 9)])
    points = points.astype(np.float32)
    rows = {row['method']: row for row in compare(points, 3, 1.0, 250,
                                                  skip=['DBSCAN', 'MeanShift'])}
    assert rows['KMeans']['clusters'] == 3 and rows['KMeans']['ms'] > 0
    assert 'not run' in rows['DBSCAN']['stopped']
    late = next(compare(points, 3, 1.0, 0.01))
    assert late['stopped'] == 'after 0.01 s'


def test_the_network_is_measured_by_backend(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'network', '--size', '60x64', '--runs', '3',
                       'backend.device_policy=cpu')
    assert [row['backend'] for row in report['rows']] == ['onnxruntime', 'torch']
    for row in report['rows']:
        assert row['size'] == '64x64'
        assert 0 < row['network_ms'] <= row['network_p95_ms'] <= row['network_p99_ms']
        assert 0 < row['grouping_ms'] < row['segment_ms'] <= row['segment_p99_ms']


@pytest.mark.skipif(bool(found_gpu()), reason='there is a GPU')
def test_a_preferred_gpu_that_is_missing_gives_each_backend_one_row(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'network', '--size', '32x32', '--runs', '1')
    assert [row['backend'] for row in report['rows']] == ['onnxruntime', 'torch']


@pytest.mark.gpu
def test_on_a_gpu_all_run_there_beside_its_floors(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'network', '--size', '240x320', '--runs', '5')
    floors = [row for row in report['rows'] if row['backend'] == 'floor']
    assert len(floors) == 2 and all(row['network_ms'] > 0 for row in floors)
    ways = {row['provider'].split()[0]: row for row in report['rows'] if row not in floors}
    assert {'torch', 'torch.compile'} <= set(ways)
    assert all(row['device'].startswith('cuda') for row in ways.values())


def test_a_way_longer_than_the_median_shows_in_the_percentiles() -> None:
    values = np.concatenate([np.full(98, 1.0), [50.0, 50.0]])
    assert distribution('x_ms', values) == {'x_ms': 1, 'x_ms_quartiles': [1, 1], 'x_p95_ms': 1,
                                            'x_p99_ms': 50}


def test_the_products_of_a_network_are_counted(small_model: Path) -> None:
    description = load_description(small_model)
    small, large = (network_flops(description.network, size) for size in ((64, 64), (128, 64)))
    assert large == 2 * small  # Convolutions alone.
    # The stem: 32 filters of 3x3x3 at half the size; it is one of many.
    assert small > 2 * 32 * 27 * 32 * 32


def test_floors_are_of_the_machine_and_the_network(small_model: Path) -> None:
    description = load_description(small_model)
    floors = Floors('cpu', description, (64, 96), (16, 24))
    copies, products = floors.rows(alternate(floors.candidates, 3))
    assert copies['network_ms'] > 0 and copies['provider'] == 'copies'
    # A product that takes a second gives the rate, and so the network's time.
    _, products = floors.rows({'copies': np.ones(3), 'products': np.full(3, 1000.0)})
    flops = network_flops(description.network, (64, 96))
    assert products['network_ms'] == pytest.approx(1000 * flops / (2 * 1024 ** 3), abs=1e-3)


def test_the_pipeline_is_measured_by_stage(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'pipeline', '--rounds', '2')
    rows = {row['stage']: row for row in report['rows']}
    assert list(rows) == ['preprocess', 'network', 'grouping', 'masks', 'segment', 'overlay']
    shares = [int(rows[stage]['share'].removesuffix(' %'))
              for stage in ('preprocess', 'network', 'grouping', 'masks')]
    # A little is lost between the stages, on a busy machine more; and four shares are rounded.
    assert 50 < sum(shares) <= 102
    assert all(row['p50_ms'] <= row['p95_ms'] for row in rows.values())


def test_clicks_are_measured_against_the_network(tmp_path: Path) -> None:
    report = benchmark(tmp_path, 'clicks', '--runs', '2', '--size', '120x160')
    network, one, three = report['rows']
    assert network['what'] == 'network' and network['network_times'] == 1
    for row in (one, three):
        assert 0 < row['p50_ms'] <= row['p95_ms']
        assert row['network_times'] == pytest.approx(network['p50_ms'] / row['p50_ms'], abs=0.06)


def test_shares_are_of_the_whole_of_all_images() -> None:
    times = {'preprocess': [1.0, 3.0], 'network': [5.0, 7.0], 'grouping': [2.0, 0.0],
             'masks': [1.0, 1.0], 'segment': [9.0, 11.0], 'overlay': [30.0, 50.0]}
    rows = stage_rows(times)
    assert [row['share'] for row in rows] == ['20 %', '60 %', '10 %', '10 %', None, None]
    assert [row['p50_ms'] for row in rows] == [2, 6, 1, 1, 10, 40]


@pytest.mark.parametrize('words', [
    ['grouping', '--runs', '0'], ['network', '--runs', '0'], ['pipeline', '--rounds', '0'],
    ['clicks', '--runs', '0'], ['grouping', '--grid', '240'], ['pipeline', '/no/where.jpg']])
def test_nonsense_is_refused(words: list[str]) -> None:
    assert main(['benchmark', *words]) == BAD_USAGE
