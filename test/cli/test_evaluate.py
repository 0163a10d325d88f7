# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line evaluates suites, writes tables and galleries, and refuses what it must."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
from evaluation.scenes import random_scene
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.cli.main import main
from metricseg_ros.datasets.label_folder import write_pair
from metricseg_ros.evaluation.gallery import as_instances, best_median_worst
from metricseg_ros.evaluation.suite import write_between_markers
import numpy as np
import pytest
from training_fixtures import write_wall
import yaml

ALL = ('grouping.minimum_score=1e-6', 'grouping.maximum_seeds=4', '--device', 'cpu')


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """Write two folders of three images, and a suite of both."""
    rng = np.random.default_rng(0)
    for name in ('desk', 'shelf'):
        for part in ('images', 'labels'):
            (tmp_path / name / part).mkdir(parents=True)
        index = []
        for number in range(3):
            sample, _ = random_scene(rng)
            write_pair(tmp_path / name, f'{number}', sample.image, sample.label_map)
            index.append({'key': f'{number}', 'names': sample.instance_count * ['object']})
        (tmp_path / name / 'index.json').write_text(json.dumps(index))
    (tmp_path / 'table.md').write_text('before\n<!-- scoreboard -->\nold\n<!-- /scoreboard -->\n')
    write_suite(tmp_path, shelf={'background_known': False})
    return tmp_path


def write_suite(root: Path, **changed: dict[str, object]) -> None:
    rows = [{'dataset': f'folder:{root / name}', 'name': name, **changed.get(name, {})}
            for name in ('desk', 'shelf')]
    (root / 'suite.yaml').write_text(yaml.safe_dump({'datasets': rows, 'output': 'table.md'}))


def test_a_suite_fills_its_table_and_a_gallery(sets: Path, small_model: Path) -> None:
    assert main(['evaluate', '--suite', str(sets / 'suite.yaml'), '--gallery', str(sets / 'out'),
                 '--model', str(small_model), '--json', str(sets / 'r.json'), *ALL]) == DONE
    reports = json.loads((sets / 'r.json').read_text())['datasets']
    assert [reports[name]['recall_only'] for name in ('desk', 'shelf')] == [False, True]
    assert reports['desk']['per_class']['object']['objects'] > 3
    table = (sets / 'table.md').read_text()
    assert table.startswith('before\n') and 'old' not in table
    desk, shelf = (next(line.split(' | ') for line in table.splitlines()
                        if line.startswith(f'| {name}')) for name in ('desk', 'shelf'))
    assert desk[4].startswith(f'{reports["desk"]["figures"]["overlap_f"]:.2f} (')
    assert shelf[4] == '-' and shelf[3].startswith(
        f'{reports["shelf"]["figures"]["overlap_recall"]:.2f} (')
    page = (sets / 'out' / 'index.html').read_text()
    for name in ('best_1.jpg', 'median_1.jpg', 'worst_1.jpg', 'calibration.png'):
        assert f'desk/{name}' in page
        assert cv2.imread(str(sets / 'out' / 'desk' / name)) is not None


@pytest.mark.parametrize(('suite', 'reason'), [
    ('datasets: []', 'must have a list of datasets'), ('{', 'cannot be read'),
    ('datasets: [{dataset: a, name: b, show: c}]', 'allowed keys are dataset, name, shows'),
    ('datasets: [{dataset: a, name: b}, {dataset: c, name: b}]', 'another name'),
    ('{datasets: [{dataset: a, name: b}], out: c}', 'allowed keys are output, marker')])
def test_a_bad_suite_is_refused(tmp_path: Path, suite: str, reason: str,
                                capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'suite.yaml').write_text(suite)
    assert main(['evaluate', '--suite', str(tmp_path / 'suite.yaml')]) == BAD_USAGE
    assert reason in capsys.readouterr().err


def test_nothing_to_evaluate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['evaluate', 'grouping.minimum_score=0.3']) == BAD_USAGE
    assert 'give a DATASET' in capsys.readouterr().err


def test_a_table_without_its_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'table.md').write_text('<!-- scoreboard -->')
    with pytest.raises(ValueError, match='must hold the lines'):
        write_between_markers(tmp_path / 'table.md', 'scoreboard', 'text')
    assert (tmp_path / 'table.md').read_text() == '<!-- scoreboard -->'


def test_best_median_and_worst_are_chosen_by_value() -> None:
    values = [0.1, None, 0.9, 0.5, 0.3, 0.7, 0.0]
    assert best_median_worst(values, 2) == {'best': [2, 5], 'median': [3, 4], 'worst': [0, 6]}
    assert best_median_worst([0.5], 2) == {'best': [0], 'median': [0], 'worst': [0]}


def test_the_truth_is_drawn_as_it_is(rng: np.random.Generator) -> None:
    sample, _ = random_scene(rng)
    assert np.array_equal(as_instances(sample).label_map, sample.label_map)


def test_images_that_are_missing_are_refused_or_left_out(
        sets: Path, small_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (sets / 'desk' / 'labels' / '1.png').unlink()
    words = ['evaluate', f'folder:{sets / "desk"}', '--model', str(small_model),
             '--json', str(sets / 'r.json'), *ALL]
    assert main(words) == BAD_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert '1 of 3 images' in line and '1.jpg has no label map' in line
    assert '--skip-missing' in line
    assert main([*words, '--skip-missing']) == DONE
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if line.startswith('metricseg: warning: 1 of 3 images')]
    report = json.loads((sets / 'r.json').read_text())['datasets']['desk']
    assert set(report['images']) == {'0', '2'}


def test_depth_beside_the_images_is_used_unless_it_is_left_out(sets: Path,
                                                               small_model: Path) -> None:
    desk = sets / 'desk'
    for path in (desk / 'images').iterdir():
        height, width = cv2.imread(str(path)).shape[:2]
        write_wall(desk, path.stem, (height, width))

    def recall(*words: str) -> float:
        assert main(['evaluate', str(desk), '--model', str(small_model), *words,
                     '--json', str(sets / 'r.json'), *ALL]) == DONE
        return json.loads((sets / 'r.json').read_text())['datasets']['desk']['figures'][
            'overlap_recall']
    # In a wall of 50 m, 1 m away, nothing is an object.
    assert recall() == 0 < recall('depth=false')
    (desk / 'camera.json').write_text('[]')
    assert main(['evaluate', str(desk), '--model', str(small_model), *ALL]) == BAD_USAGE
    assert recall('depth=false') > 0  # What is not asked for cannot be wrong.
