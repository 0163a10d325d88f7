# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Generation resumes where it stopped, and image i depends on its seed and number alone."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from metricseg_ros.cli import generate as cli
from metricseg_ros.datasets.generate import generate, GenerationTask
from metricseg_ros.datasets.label_folder import open_label_folder, write_pair
import numpy as np
import pytest

pytest.importorskip('tqdm')
SIZE = (48, 64)


@pytest.fixture(scope='module')
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('photographs')
    for part in ('images', 'labels'):
        (root / part).mkdir()
    labels = np.zeros((100, 100), np.uint16)
    labels[20:70, 20:80] = 1
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    write_pair(root, 'a', noise, labels)
    return root


def task(root: Path, photographs: Path, count: int) -> GenerationTask:
    return GenerationTask('composed', root, count, SIZE, 3, 1, (photographs,), packages=False)


def test_resumed_run_equals_one_run(tmp_path: Path, photographs: Path) -> None:
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    assert generate(task(whole, photographs, 4)) == 4
    assert generate(task(parts, photographs, 2)) == 2
    assert generate(task(parts, photographs, 4)) == 2
    for name in open_label_folder(whole).names:
        for part, suffix in (('images', 'jpg'), ('labels', 'png')):
            path = f'{part}/{name}.{suffix}'
            assert (whole / path).read_bytes() == (parts / path).read_bytes()


def test_sources_and_contact_sheet_are_written(tmp_path: Path, photographs: Path) -> None:
    generate(task(tmp_path, photographs, 1))
    content = json.loads((tmp_path / 'sources.json').read_text())
    assert [source['name'] for source in content['sources']] == [photographs.name]
    assert (tmp_path / 'contact_sheet.png').stat().st_size > 1000


@pytest.mark.parametrize(('field', 'value'), [('kind', 'drawn'), ('count', 0), ('jobs', 0)])
def test_impossible_task_is_refused_by_name(tmp_path: Path, field: str, value: object) -> None:
    given = {'kind': 'composed', 'root': tmp_path, 'count': 1, 'size': SIZE, field: value}
    with pytest.raises(ValueError, match=f'{field} must .* got {value!r}'):
        generate(GenerationTask(**given))


def test_command_line_reports_bad_input_in_one_line(
        tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    args = parser.parse_args(['composed', str(tmp_path), '--count', '0'])
    assert cli.run(args) == 2
    assert capsys.readouterr().err == 'metricseg generate: count must be at least 1, got 0\n'


def test_size_must_be_height_x_width() -> None:
    assert cli.image_size('240x320') == (240, 320)
    with pytest.raises(argparse.ArgumentTypeError, match="got '240'"):
        cli.image_size('240')
