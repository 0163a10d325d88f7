# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From labelled images to a trained, exported and measured model, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
import shutil

import cv2
from metricseg_ros.cli.exit_codes import BAD_USAGE, DONE
from metricseg_ros.cli.export import Source, without_names
from metricseg_ros.cli.main import main
from metricseg_ros.config import NetworkConfig, SegmenterConfig, with_values
from metricseg_ros.datasets.label_folder import open_label_folder
from metricseg_ros.evaluation.overlap import overlap
from metricseg_ros.models import load_description
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import read_weights
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np
import pytest
import torch
from training_fixtures import TRAINING, write_scenes
import yaml

EAGER = {'backend.device_policy': 'cpu', 'grouping.minimum_score': 1e-6,
         'grouping.maximum_seeds': 5}
"""Whatever two steps have taught, something is found."""


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of a training: scenes, parameters, checkpoint and exported model."""
    root = tmp_path_factory.mktemp('training')
    write_scenes(root / 'first', 3)
    write_scenes(root / 'second', 1)
    (root / 'training.yaml').write_text(yaml.safe_dump(TRAINING))
    assert train(root, 'rng_seed=3') == DONE
    assert main(['export', str(root / 'run'), '-o', str(root / 'model'), '--classes', 'thing',
                 '--input-size', '64x96', '--card', str(write_card(root))]) == DONE
    return root


def train(root: Path, *overrides: str) -> int:
    return main(['train', str(root / 'training.yaml'), '--output', str(root / 'run'),
                 f'data=folder:{root / "first"}', '--workers', '0', '--device', 'cpu', *overrides])


def write_card(root: Path) -> Path:
    path = root / 'card.json'
    path.write_text(json.dumps({'training': {'scenes': 3}}))
    return path


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run what has to be refused as bad input, and return the one line that says why."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == BAD_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_training_took_its_steps_and_its_parameters(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / 'run' / 'log.jsonl').read_text().splitlines()]
    assert [row['step'] for row in rows] == [0, 1]
    assert all(np.isfinite(row['embedding_loss']) and row['embedding_loss'] > 0 for row in rows)
    assert rows[0]['classification_loss'] > 0


def test_training_that_is_done_is_not_done_again(folder: Path) -> None:
    log = (folder / 'run' / 'log.jsonl').read_text()
    assert train(folder) == DONE
    assert (folder / 'run' / 'log.jsonl').read_text() == log


def test_the_model_holds_the_average_of_the_training(folder: Path) -> None:
    average = torch.load(folder / 'run' / 'checkpoint.pt', weights_only=True)['average']
    written = read_weights(folder / 'model' / 'weights.safetensors')
    assert written.keys() == average.keys()
    assert all(torch.equal(written[name], tensor) for name, tensor in average.items())


def test_the_model_says_what_export_was_told(folder: Path) -> None:
    description = load_description(folder / 'model')
    assert (description.classes, description.input_size) == (('thing',), (64, 96))
    assert description.network.backbone == 'resnet18'
    assert description.card == {'training': {'scenes': 3}}


def test_a_model_is_written_as_one_file(folder: Path, tmp_path: Path,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['export', str(folder / 'run'), '-o', str(tmp_path / 'small.onnx'),
                 '--input-size', '64x96', '--json', str(tmp_path / 'report.json')]) == DONE
    assert 'embeddings and scores differ' in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ['report.json', 'small.onnx']
    assert json.loads((tmp_path / 'report.json').read_text())['faults'] == []


def test_evaluation_gives_the_figures_of_overlap(folder: Path) -> None:
    report_path = folder / 'report.json'
    assert main(['evaluate', f'folder:{folder / "first"}', str(folder / 'second'), '--model',
                 str(folder / 'model'), '--json', str(report_path),
                 *(f'{name}={value}' for name, value in EAGER.items())]) == DONE
    report = json.loads(report_path.read_text())
    segmenter = InstanceSegmenter.from_config(
        with_values(SegmenterConfig(), {'model': str(folder / 'model'), **EAGER}))
    assert report['model'] == 'model' and list(report['datasets']) == ['first', 'second']
    for name, measured in report['datasets'].items():
        expected = figures(segmenter, folder / name)
        assert measured['images'].keys() == expected.keys()
        for image, own in expected.items():
            assert {key: measured['images'][image][key] for key in own} == pytest.approx(
                own, abs=1e-6)
            means = {key: np.mean([row[key] for row in expected.values()]) for key in own}
        assert {key: measured['figures'][key] for key in means} == pytest.approx(means, abs=1e-6)
        low, high = measured['intervals']['overlap_f']
        assert low <= measured['figures']['overlap_f'] <= high
        assert measured['stage_ms']['network']['p50'] > 0
    # The mean of the folders, not of the four images together.
    both = np.mean([report['datasets'][name]['figures']['overlap_f']
                    for name in ('first', 'second')])
    assert report['mean']['overlap_f'] == pytest.approx(both, abs=6e-5)


def figures(segmenter: InstanceSegmenter, root: Path) -> dict[str, dict[str, float]]:
    """Measure the images of a folder by hand."""
    rows = {}
    for name in open_label_folder(root).names:
        image = cv2.imread(str(root / 'images' / f'{name}.jpg'))[..., ::-1]
        labels = cv2.imread(str(root / 'labels' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
        score = overlap(segmenter.segment(np.ascontiguousarray(image)).label_map, labels)
        assert score.mean_best_iou > 0
        rows[name] = {'overlap_precision': score.precision, 'overlap_recall': score.recall,
                      'overlap_f': score.f, 'found': score.found,
                      'mean_best_iou': score.mean_best_iou}
    return rows


def test_folders_that_are_none_are_refused(folder: Path, tmp_path: Path,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    model = ('--model', folder / 'model', '--device', 'cpu')
    line = refused(capsys, 'evaluate', f'folder:{tmp_path / "nowhere"}', *model)
    assert str(tmp_path / 'nowhere') in line and 'images and labels' in line
    line = refused(capsys, 'train', folder / 'training.yaml', '--output', tmp_path / 'run',
                   f'data=folder:{tmp_path}')
    assert str(tmp_path) in line and 'images and labels' in line


def test_a_broken_label_map_is_refused(folder: Path, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    scenes = shutil.copytree(folder / 'second', tmp_path / 'scenes')
    (scenes / 'labels' / 'scene0.png').write_bytes(b'no picture')
    line = refused(capsys, 'evaluate', scenes, '--model', folder / 'model', '--device', 'cpu')
    assert 'scene0.png' in line


@pytest.mark.parametrize(('override', 'reason'), [
    ('stepz=3', "did you mean 'steps'?"), ('steps=none', "steps must be of type int, got 'none'"),
    ('steps=0', 'steps must be in [1, inf], got 0'),
    ('network.backbone=vgg', 'network.backbone must be one of'),
    ('data=[{source: x', 'data must be a YAML list, got [{source: x'),
    ('data=[{source: x, wait: 2}]', 'mappings of source, weight and background_known')])
def test_bad_training_parameters_are_refused(folder: Path, tmp_path: Path, override: str,
                                             reason: str,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, 'train', folder / 'training.yaml', '--output', tmp_path / 'run',
                   f'data=folder:{folder / "first"}', override)
    assert reason in line
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('known', [True, False])
def test_data_that_teach_no_background_are_told_of(folder: Path, tmp_path: Path, known: bool,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    source = f'source: folder:{folder / "first"}, background_known: {str(known).lower()}'
    assert main(['train', str(folder / 'training.yaml'), '--output', str(tmp_path / 'run'),
                 f'data=[{{{source}}}]', 'steps=1', '--workers', '0', '--device', 'cpu']) == DONE
    assert ('background is known in none of the data' in capsys.readouterr().err) is not known


def test_a_key_of_the_file_that_is_unknown_is_refused(folder: Path, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'training.yaml').write_text('network: {embeding_dim: 3}')
    line = refused(capsys, 'train', tmp_path / 'training.yaml', '--output', tmp_path / 'run',
                   f'data=folder:{folder / "first"}')
    assert "did you mean 'network.embedding_dim'?" in line


def test_nothing_to_train_on_is_refused(folder: Path, tmp_path: Path,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, 'train', folder / 'training.yaml', '--output', tmp_path / 'run')
    assert 'data=folder:DIR' in line


def test_evaluation_refuses_an_unknown_key(folder: Path,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, 'evaluate', folder / 'first', 'grouping.minimum_scor=0.3')
    assert "did you mean 'grouping.minimum_score'?" in line


def test_export_refuses_what_is_no_training(folder: Path, tmp_path: Path,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, 'export', tmp_path / 'nowhere', '-o', tmp_path / 'model')
    assert str(tmp_path / 'nowhere') in line
    line = refused(capsys, 'export', folder / 'model' / 'weights.safetensors', '-o',
                   tmp_path / 'model')
    assert 'no checkpoint of metricseg train' in line
    assert not (tmp_path / 'model').exists()


def test_export_refuses_another_number_of_classes(folder: Path, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, 'export', folder / 'run', '-o', tmp_path / 'model', '--classes',
                   'cup,book')
    assert '--classes must name 1 classes, got cup, book' in line
    assert not (tmp_path / 'model').exists()


def test_names_can_be_left_out_of_a_model_that_has_some():
    network = MetricSegmentationNetwork(NetworkConfig(
        name_backbone='resnet18', class_count=3, embedding_dim=4)).eval()
    bare = without_names(Source(network, ('a', 'b', 'c'), (64, 96), {'figures': 1}))
    assert (bare.classes, bare.card) == (('object',), {'figures': 1})
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        expected, found = network(image)[1].softmax(2), bare.network.eval()(image)[1].softmax(2)
    torch.testing.assert_close(found[:, :, 1], expected[:, :, 1:].sum(2))


def test_names_that_are_not_there_cannot_be_left_out(folder, capsys):
    line = refused(capsys, 'export', folder / 'model', '-o', folder / 'bare', '--without-names')
    assert 'network.name_backbone is empty' in line
