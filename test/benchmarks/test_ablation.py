# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every variant of an ablation is measured as `metricseg evaluate` does, and trained if asked."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.ablation import read_variants
from benchmarks.command import main
import cv2
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.cli.main import main as metricseg
import pytest
from training_fixtures import TRAINING, write_scenes, write_wall
import yaml

COMMON = ('--device', 'cpu', 'grouping.minimum_score=1e-6', 'grouping.maximum_seeds=4')
VARIANTS = {
    'as it is': {}, 'fixed 0.9': {'grouping.similarity_threshold': 0.9},
    'oracle': {'oracle_thresholds': True}}


@pytest.fixture(scope='module')
def done(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Path:
    """Run an ablation of variants that do not train."""
    root = tmp_path_factory.mktemp('ablation')
    ablate(root, {'variants': VARIANTS}, '--model', str(small_model))
    return root


def ablate(root: Path, content: dict[str, object], *words: str) -> None:
    if not (root / 'scenes').is_dir():
        write_scenes(root / 'scenes', 2)
    (root / 'variants.yaml').write_text(yaml.safe_dump(content, sort_keys=False))
    assert main('ablation', [str(root / 'variants.yaml'), f'folder:{root / "scenes"}', '--output',
                             str(root / 'out'), *COMMON, *words]) == DONE


def figures_of(root: Path, *words: str) -> dict[str, float]:
    report = root / 'report.json'
    assert metricseg(['evaluate', f'folder:{root / "scenes"}', '--json', str(report), *COMMON,
                      *words]) == DONE
    return json.loads(report.read_text())['datasets']['scenes']['figures']


def test_variants_have_the_figures_that_evaluate_gives(done: Path, small_model: Path) -> None:
    variants = json.loads((done / 'out' / 'ablation.json').read_text())['variants']
    assert list(variants) == list(VARIANTS)
    found = {name: entry['datasets']['scenes']['figures'] for name, entry in variants.items()}
    model = ('--model', str(small_model))
    assert found['as it is'] == figures_of(done, *model)
    assert found['fixed 0.9'] == figures_of(done, *model, 'grouping.similarity_threshold=0.9')
    assert found['oracle'] == figures_of(done, *model, '--oracle-thresholds')
    assert len({entry['overlap_f'] for entry in found.values()}) > 1, 'nothing made a difference'


def test_a_variant_may_leave_depth_out(tmp_path: Path, small_model: Path) -> None:
    for path in (write_scenes(tmp_path / 'scenes', 2) / 'images').iterdir():
        height, width = cv2.imread(str(path)).shape[:2]
        write_wall(tmp_path / 'scenes', path.stem, (height, width))
    ablate(tmp_path, {'variants': {'depth': {}, 'colour': {'input.depth': False}}},
           '--model', str(small_model))
    variants = json.loads((tmp_path / 'out' / 'ablation.json').read_text())['variants']
    depth, colour = (entry['datasets']['scenes']['figures']['overlap_recall']
                     for entry in variants.values())
    # In a wall of 50 m, 1 m away, nothing is an object.
    assert depth == 0 < colour


def test_table_and_plot_are_written(done: Path) -> None:
    table = (done / 'out' / 'ablation.md').read_text()
    assert [line.split(' | ')[0][2:] for line in table.splitlines()[4:]] == list(VARIANTS)
    assert cv2.imread(str(done / 'out' / 'ablation.png')).std() > 1


def test_a_variant_that_trains_is_measured_with_its_own_model(tmp_path: Path) -> None:
    ablate(tmp_path, {
        'training': {**TRAINING, 'steps': 1, 'data': [f'folder:{tmp_path / "scenes"}']},
        'variants': {'d = 2': {'training': {'network.embedding_dim': 2}}}})
    folder = tmp_path / 'out' / 'd_2' / 'model'
    model = json.loads((folder / 'model.json').read_text())
    assert model['network']['embedding_dim'] == 2
    assert model['network']['backbone'] == TRAINING['network']['backbone']
    (variant,) = json.loads((tmp_path / 'out' / 'ablation.json').read_text())['variants'].values()
    assert variant['datasets']['scenes']['figures'] == figures_of(
        tmp_path, '--model', str(folder))


@pytest.mark.parametrize(('text', 'reason'), [
    ('variants: {a: {grouping.maximum_seed: 3}}', "did you mean 'grouping.maximum_seeds'"),
    ('variants: {a: {grouping.maximum_seeds: 0}}', 'must be in [1, 1000], got 0'),
    ('variants: {a: {training: {stepz: 3}}}', "did you mean 'steps'"),
    ('variants: {a: 3}', 'must be a mapping, got 3'), ('variants: []', 'must hold variants'),
    ('{variants: {a: {}}, train: {}}', 'must hold variants'), ('{', 'cannot be read'),
    ('variants: {d=2: {training: {}}, D 2: {training: {}}}', "'d=2' and 'D 2' would both train")])
def test_bad_variants_are_refused(tmp_path: Path, text: str, reason: str,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'variants.yaml').write_text(text)
    write_scenes(tmp_path / 'scenes', 1)
    assert main('ablation', [str(tmp_path / 'variants.yaml'), str(tmp_path / 'scenes'), '--output',
                             str(tmp_path / 'out')]) == BAD_USAGE
    line = capsys.readouterr().err
    assert reason in line and 'variants.yaml' in line
    assert not (tmp_path / 'out').exists()


def test_the_shipped_variants_can_be_read() -> None:
    folder = Path(__file__).parents[2] / 'benchmarks' / 'ablations'
    grouping, training = (read_variants(folder / f'{name}.yaml')
                          for name in ('grouping', 'training'))
    assert sum(variant.oracle_thresholds for variant in grouping) == 1
    assert not any(variant.training for variant in grouping)
    assert len({variant.training for variant in training} - {None}) == len(training)
