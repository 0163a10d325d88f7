# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A training that is packed, goes on in a copy of the folder, and comes back in parts."""

from __future__ import annotations

import json
from pathlib import Path
import shutil
import subprocess
import sys

from benchmarks.command import main
from benchmarks.training_elsewhere import condensed, expanded, size_of
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.training.checkpoints import read_checkpoint
import pytest
import torch
from training_fixtures import TRAINING, write_scenes, write_wall
import yaml

NAME = 'training_elsewhere'
LIGHT = {**TRAINING, 'network': {'embedding_dim': 4, 'decoder_channels': 8, 'depth': True},
         'steps': 4, 'checkpoint_steps': 2, 'picture_steps': 0}


def elsewhere(*words: object) -> int:
    return main(NAME, [str(word) for word in words])


@pytest.fixture(scope='module')
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('elsewhere')
    for name in ('few', 'many'):
        write_scenes(root / name, 4)
    write_wall(root / 'few', 'scene0', (64, 96))
    path = root / 'training.yaml'
    path.write_text(yaml.safe_dump({**LIGHT, 'data': [
        {'source': f'folder:{root / "few"}', 'sensed': True}, f'folder:{root / "many"}']}))
    return path


def trained_there(settings: Path, tmp_path: Path, leg: int) -> Path:
    """Pack, copy, train until the first checkpoint, and return what comes back."""
    packed, there = tmp_path / f'packed{leg}', tmp_path / f'there{leg}'
    assert elsewhere('pack', settings, packed, '--seconds', 0, '--run', tmp_path / 'run') == DONE
    shutil.copytree(packed, there)
    shutil.rmtree(packed)  # Nothing there may lead back here.
    path = f'{Path(sys.executable).parent}:/usr/bin:/bin'
    subprocess.run(['bash', there / 'run.sh', tmp_path / f'out{leg}'], check=True, timeout=600,
                   cwd=tmp_path, env={'PATH': path, 'HOME': str(tmp_path), 'OMP_NUM_THREADS': '1'})
    return tmp_path / f'out{leg}'


def test_it_goes_on_there_and_here(settings: Path, tmp_path: Path) -> None:
    run, rows = tmp_path / 'run', []
    for leg, step in ((0, 2), (1, 4)):
        out = trained_there(settings, tmp_path, leg)
        assert elsewhere('unpack', out, '--run', run) == DONE
        state = read_checkpoint(run / 'checkpoint.pt')
        assert state['step'] == step
        rows = [json.loads(line) for line in (run / 'log.jsonl').read_text().splitlines()]
        assert [row['step'] for row in rows] == list(range(step))
    exact = read_checkpoint(tmp_path / 'there1' / 'run' / 'checkpoint.pt')
    assert all(torch.equal(state['network'][name], tensor)
               for name, tensor in exact['network'].items())
    for name, tensor in exact['average'].items():
        away = (tensor - exact['network'][name]).abs().float()
        assert ((state['average'][name] - tensor).abs() <= away / 1000 + 1e-7).all()


def test_a_teacher_of_masks_goes_along(settings: Path, tmp_path: Path) -> None:
    teacher, packed = tmp_path / 'older.safetensors', tmp_path / 'packed'
    teacher.write_bytes(b'weights')
    assert elsewhere('pack', settings, packed, f'mask_teacher={teacher}') == DONE
    name = json.loads((packed / 'training.yaml').read_text())['mask_teacher']
    assert (packed / name).read_bytes() == b'weights'


def test_a_condensed_checkpoint_is_half_as_large_and_nearly_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights, moment = torch.randn(1000), torch.randn(1000) * 1e-9
    state = {'network': {'w': weights, 'n': torch.tensor(3)},
             'average': {'w': weights + 1e-3, 'n': torch.tensor(3)},
             'optimiser': {'state': {0: {'step': torch.tensor(7.0), 'exp_avg_sq': moment}},
                           'param_groups': [{'lr': 0.1}]}}
    small = condensed(state)
    assert small['optimiser']['state'][0]['exp_avg_sq'].element_size() == 2
    assert small['average']['w'].element_size() == 2
    back = expanded(small)
    torch.testing.assert_close(back['average']['w'], state['average']['w'], rtol=0, atol=1e-6)
    torch.testing.assert_close(back['optimiser']['state'][0]['exp_avg_sq'], moment, rtol=2 ** -8,
                               atol=0)
    assert back['optimiser']['state'][0]['step'] == 7 and back['network'] is state['network']


def test_as_many_images_go_along_as_fit_by_weight(settings: Path, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (settings.parent / name for name in ('few', 'many'))
    config = tmp_path / 'training.yaml'
    config.write_text(yaml.safe_dump({**LIGHT, 'pretrained': 'none', 'data': [
        {'source': f'folder:{few}', 'weight': 1}, {'source': f'folder:{many}', 'weight': 3}]}))
    assert elsewhere('pack', config, tmp_path / 'all') == DONE
    assert len(list((tmp_path / 'all').rglob('labels/*.png'))) == 8
    without = size_of(tmp_path / 'all') - size_of(tmp_path / 'all' / 'data')
    image = max(path.stat().st_size for path in many.glob('*/*'))
    monkeypatch.setattr('benchmarks.training_elsewhere.MEGABYTE', 1)
    monkeypatch.setattr('benchmarks.training_elsewhere.SPARED', 2000)
    most = without + 2000 + 8 * image
    assert elsewhere('pack', config, tmp_path / 'some', '--megabytes', most) == DONE
    assert size_of(tmp_path / 'some') <= most
    counts = [len(list((tmp_path / 'some' / 'data' / part / 'labels').iterdir()))
              for part in ('0', '1')]
    assert 1 <= counts[0] < counts[1] < 5
    assert elsewhere('pack', config, tmp_path / 'none', '--megabytes', without) == BAD_USAGE


def test_a_part_that_is_damaged_leaves_the_checkpoint_as_it_was(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, run = tmp_path / 'out', tmp_path / 'run'
    for folder in (out, run):
        folder.mkdir()
    (run / 'checkpoint.pt').write_bytes(b'before')
    (out / 'checkpoint.pt.0').write_bytes(b'damaged')
    (out / 'parts.json').write_text(json.dumps({'parts': ['checkpoint.pt.0', 'checkpoint.pt.1'],
                                                'sha256': '0' * 64}))
    assert elsewhere('unpack', out, '--run', run) == BAD_USAGE
    assert 'bring them once more' in capsys.readouterr().err
    assert (run / 'checkpoint.pt').read_bytes() == b'before'


@pytest.mark.parametrize(('data', 'message'), [
    ('coco:images:labels.json', "got 'coco:images:labels.json'"),
    ('household:composed:DIR:names.json', 'to be packed')])
def test_data_of_another_kind_are_refused(tmp_path: Path, data: str, message: str,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'training.yaml').write_text(yaml.safe_dump({**LIGHT, 'data': [data]}))
    assert elsewhere('pack', tmp_path / 'training.yaml', tmp_path / 'packed') == BAD_USAGE
    assert message in capsys.readouterr().err
