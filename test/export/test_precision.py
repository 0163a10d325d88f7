# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Exports of lower precision and with grouping compute what they should, and say how far."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from metricseg_ros.backends.onnxruntime_backend import OnnxRuntimeBackend
from metricseg_ros.backends.tensorrt.flavour import find_flavour
from metricseg_ros.backends.torch_backend import TorchBackend
from metricseg_ros.cli.main import main
from metricseg_ros.config import BackendConfig, GroupingConfig
from metricseg_ros.export.grouped import export_grouped, GroupedNetwork, onnx_session
from metricseg_ros.export.half import to_half
from metricseg_ros.export.onnx import lower_precision
from metricseg_ros.export.opset import lowered
from metricseg_ros.export.parity import BOUNDS, Bounds, compare, grouped_by, Parity
from metricseg_ros.grouping import seediness, select_seeds
from metricseg_ros.grouping.masks import drop_duplicates, drop_unlikely, grow_masks
from metricseg_ros.grouping.mean_shift import shift_to_mean
from metricseg_ros.models import load_description
from metricseg_ros.structures import NetworkOutput, Seeds
from model_fixtures import small_network
import numpy as np
import onnx
from onnx import helper, TensorProto
import pytest
import torch

CPU = BackendConfig(device_policy='cpu')
EAGER = GroupingConfig(maximum_seeds=6, minimum_score=0.0, minimum_area=0.0, connected=False)


def built(path: Path) -> bytes:
    """Build an engine of a file, where the builder is installed."""
    pytest.importorskip('tensorrt_rtx')
    sizes = ((32, 32), (64, 96), (96, 96))
    return find_flavour().build(path.read_bytes(), sizes, 'fp16', 0, '8.9', lambda share: None)


def test_the_opset_is_one_that_tensorrt_8_5_reads(small_model: Path) -> None:
    model = onnx.load(small_model / 'model.onnx')
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [('', 17)]
    assert model.ir_version <= 10


def test_what_the_older_opset_has_not_is_refused() -> None:
    size = [1, 3, 8, 8]
    graph = helper.make_graph(
        [helper.make_node('Resize', ['x', '', 'scale'], ['y'], mode='linear', antialias=1)], 'g',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor('scale', TensorProto.FLOAT, [4], [1, 1, 2, 2])])
    with pytest.raises(ValueError, match=r'opset 17, which TensorRT 8.5 needs.*antialias'):
        lowered(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)]))


def test_half_precision_stops_before_the_projections(own_model: Path) -> None:
    lower_precision(own_model, 'fp16')
    model = onnx.shape_inference.infer_shapes(onnx.load(own_model / 'model.onnx'))
    kinds = {info.name: info.type.tensor_type.elem_type
             for info in [*model.graph.value_info, *model.graph.output, *model.graph.input]}
    convolutions = Counter(kinds[node.output[0]] for node in model.graph.node
                           if node.op_type == 'Conv')
    assert convolutions[TensorProto.FLOAT] == 2 and convolutions[TensorProto.FLOAT16] > 40
    assert {kinds[item.name] for item in [*model.graph.output, *model.graph.input]} \
        == {TensorProto.FLOAT}


def test_half_precision_agrees_and_says_what_it_is(own_model: Path) -> None:
    before = (own_model / 'model.onnx').stat().st_size
    lower_precision(own_model, 'fp16')
    assert (own_model / 'model.onnx').stat().st_size < 0.6 * before
    description = load_description(own_model)
    backend = OnnxRuntimeBackend(description, CPU)
    assert backend.report.precision == description.precision == 'fp16'
    tensor = torch.rand(1, 3, 64, 96)
    expected = TorchBackend(description, CPU).run(tensor)
    said = backend.run(tensor)
    worst = (said.embeddings - expected.embeddings).abs().max()
    assert 0 < worst < 0.05 * expected.embeddings.abs().max()
    assert built(own_model / 'model.onnx')


def test_a_weight_beyond_half_precision_is_named(own_model: Path) -> None:
    model = onnx.load(own_model / 'model.onnx')
    node = next(node for node in model.graph.node if node.op_type == 'Conv')
    weight = next(item for item in model.graph.initializer if item.name == node.input[1])
    weight.CopyFrom(onnx.numpy_helper.from_array(
        np.full(tuple(weight.dims), 1e6, np.float32), weight.name))
    with pytest.raises(ValueError, match=f'{weight.name} has values beyond'):
        to_half(model)


def test_int8_is_calibrated_on_images_runs_and_builds(own_model: Path, tmp_path: Path) -> None:
    import cv2

    rng = np.random.default_rng(0)
    for number in range(2):
        cv2.imwrite(str(tmp_path / f'{number}.png'), rng.integers(0, 255, (64, 96, 3), np.uint8))
    lower_precision(own_model, 'int8', tmp_path)
    description = load_description(own_model)
    assert description.card['calibration'] == {'images': 2}
    backend = OnnxRuntimeBackend(description, CPU)
    assert backend.report.precision == 'int8'
    tensor = torch.rand(1, 3, 64, 96)
    error = (backend.run(tensor).embeddings
             - TorchBackend(description, CPU).run(tensor).embeddings).abs().max()
    assert 1e-3 < error < 100  # It costs accuracy, which the report of the export tells.
    zero_points = [item for item in onnx.load(own_model / 'model.onnx').graph.initializer
                   if item.name.endswith('zero_point')]
    assert zero_points and not any(onnx.numpy_helper.to_array(item).any() for item in zero_points)
    assert built(own_model / 'model.onnx')


@pytest.fixture(scope='module')
def grouped(tmp_path_factory: pytest.TempPathFactory) -> tuple[GroupedNetwork, Path]:
    """Export network and grouping."""
    network = GroupedNetwork(small_network(), EAGER).eval()
    path = tmp_path_factory.mktemp('grouped') / 'grouped.onnx'
    export_grouped(network, path, (64, 96), 'fp32')
    return network, path


def test_the_grouped_graph_gives_what_grouping_does(grouped: tuple[GroupedNetwork, Path]) -> None:
    network, path = grouped
    tensor = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    embeddings, logits, scores, classes, positions, thresholds, margins = onnx_session(path)(
        tensor)
    output = NetworkOutput(embeddings[0], logits[0],
                           network.network.config.similarity_thresholds)
    best = seediness(output)
    rows, columns = select_seeds(output.embeddings, best.scores, EAGER.maximum_seeds,
                                 EAGER.diversity_weight).unbind(1)
    seeds = Seeds(torch.stack([rows, columns], 1), best.scores[rows, columns],
                  best.class_ids[rows, columns], best.similarity_thresholds[rows, columns])
    assert sorted(map(tuple, positions.tolist())) == sorted(map(tuple, seeds.positions.tolist()))
    masks = shift_to_mean(grow_masks(output.embeddings, seeds), output.embeddings,
                          EAGER.mean_shift_steps)
    masks = drop_unlikely(masks, best.scores, EAGER.minimum_mean_score)
    masks = drop_duplicates(masks, EAGER.suppression_iou)
    kept = scores > 0
    assert kept.sum() == len(masks.seeds)
    assert torch.equal(positions[kept], masks.seeds.positions)
    assert torch.equal(classes[kept], masks.seeds.class_ids)
    assert torch.equal(thresholds[kept], masks.seeds.similarity_thresholds)
    disagreeing = (margins[kept] >= 0) != masks.masks
    assert disagreeing.float().mean() < 1e-3  # Rounding on the very edge.


def test_the_grouped_graph_builds(grouped: tuple[GroupedNetwork, Path]) -> None:
    network, path = grouped
    plan = built(path)
    assert all(item.name.encode() in plan for item in onnx.load(path).graph.output)
    assert len(plan) > 4 * sum(weight.numel() for weight in network.parameters())  # In fp32.


def test_agreement_is_total_with_itself_and_lost_with_another(small_model: Path,
                                                              own_model: Path) -> None:
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(2)]
    description = load_description(small_model)
    reference = grouped_by(TorchBackend(description, CPU))
    same = compare(reference, grouped_by(OnnxRuntimeBackend(description, CPU)), description,
                   images)
    assert same.faults(BOUNDS['fp32']) == []
    assert same.images == 2 and same.found == same.masks == 1.0

    def other(tensor: torch.Tensor, geometry: object) -> object:
        output, masks = reference(tensor, geometry)
        return NetworkOutput(output.embeddings + 1, output.class_logits,
                             output.similarity_thresholds), masks[torch.arange(0)]

    worse = compare(reference, other, description, images)
    assert worse.difference == pytest.approx(1.0, abs=1e-5)
    assert 'is not below 0.001' in worse.faults(BOUNDS['fp32'])[0]
    if worse.instances:
        assert worse.found == 0


def test_every_bound_can_fail() -> None:
    parity = Parity(1, 0.5, 0.1, 0.5, 0.5, 0.5, 4)
    assert parity.faults(Bounds(1, 0.5, 0.5)) == []
    assert [len(parity.faults(bounds)) for bounds in (
        Bounds(0.5, 0, 0), Bounds(1, 0.6, 0), Bounds(1, 0, 0.6), Bounds(0, 1, 1))] == [1, 1, 1, 3]


@pytest.mark.parametrize('words', [
    ['--precision', 'int8'], ['--calibrate', '.'], ['--with-grouping', '5'],
    ['--with-grouping', '0', '-o', 'x.onnx']])
def test_options_that_do_not_go_together_are_refused(small_model: Path, tmp_path: Path,
                                                     words: list[str],
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['export', str(small_model), '-o', str(tmp_path / 'out'), *words]) == 2
    assert '--' in capsys.readouterr().err and not (tmp_path / 'out').exists()


def test_a_calibration_without_images_is_refused_before_anything_is_made(
        small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'empty').mkdir()
    for folder in ('empty', 'none'):
        assert main(['export', str(small_model), '-o', str(tmp_path / 'out'), '--precision',
                     'int8', '--calibrate', str(tmp_path / folder)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert str(tmp_path / folder) in line and not (tmp_path / 'out').exists()


def test_a_model_is_exported_in_half_precision_for_another_size_without_noise(
        small_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / 'half'
    assert main(['export', str(small_model), '-o', str(out), '--precision', 'fp16',
                 '--input-size', '32x64']) == 0
    description = load_description(out)
    assert (description.precision, description.input_size) == ('fp16', (32, 64))
    assert (out / 'weights.safetensors').stat().st_mode & 0o044  # Others may read it.
    printed = capfd.readouterr()
    assert printed.out.startswith(f'{out}: fp16: on 6 photographs')
    assert 'torchvision' not in printed.err and 'Warning' not in printed.err


def test_fp8_is_refused_with_what_it_would_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['export', 'some-model', '-o', 'never-made', '--precision', 'fp8']) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'TensorRT 10' in line and 'compute capability 8.9' in line and 'take fp16' in line
