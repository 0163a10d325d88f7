# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a network starts from: public names, their normalisation, and other models' weights."""

from __future__ import annotations

import hashlib

from metricseg_ros.config import NetworkConfig
from metricseg_ros.network import MetricSegmentationNetwork, pretrained
from metricseg_ros.network.checkpoint import CheckpointError
from metricseg_ros.network.public_weights import CAFFE_MEAN, load_public_weights, resnet_name
from metricseg_ros.network.resnet import ResNet
from metricseg_ros.preprocess import normalise
import pytest
import torch

TORCHVISION = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def trained(depth, deeplab=False):
    """Give the weights of a trunk whose batch normalisations have seen something."""
    torch.manual_seed(depth)
    backbone = ResNet(depth, deeplab=deeplab)
    for name, buffer in backbone.named_buffers():
        if name.endswith('running_mean'):
            buffer.normal_()
    return backbone.eval()


def numbered(name):
    """Rename as the naming does that counts layers and blocks from 1."""
    parts = name.split('.')
    if not parts[0].startswith('layer'):
        return f'layer1.conv1.{"conv" if parts[0] == "conv1" else "bn"}.{parts[1]}'
    roles = {'1': 'reduce', '2': 'conv3x3', '3': 'increase'}
    role, kind = (('proj', ('conv', 'bn')[int(parts[3])]) if parts[2] == 'downsample'
                  else (roles[parts[2][-1]], parts[2][:-1]))
    return f'layer{int(parts[0][-1]) + 1}.block{int(parts[1]) + 1}.{role}.{kind}.{parts[-1]}'


@pytest.mark.parametrize(('theirs', 'ours'), [
    ('layer1.conv1.conv.weight', 'conv1.weight'),
    ('layer1.conv1.bn.running_var', 'bn1.running_var'),
    ('layer2.block1.reduce.conv.weight', 'layer1.0.conv1.weight'),
    ('layer4.block23.conv3x3.bn.bias', 'layer3.22.bn2.bias'),
    ('layer5.block3.increase.conv.weight', 'layer4.2.conv3.weight'),
    ('layer3.block1.proj.conv.weight', 'layer2.0.downsample.0.weight'),
    ('layer3.block1.shortcut.bn.weight', 'layer2.0.downsample.1.weight'),
    ('layer3.1.conv2.weight', 'layer3.1.conv2.weight')])
def test_names_of_public_files_are_translated(theirs, ours):
    assert resnet_name(theirs) == ours


def files(state):
    """Give the same weights as they go around publicly."""
    junk = torch.zeros(1)
    old = {name: tensor for name, tensor in state.items() if 'num_batches' not in name}
    return {
        'torchvision': {**old, 'fc.weight': junk, 'fc.bias': junk},
        'scale': {**{f'Scale.{name}': tensor for name, tensor in state.items()},
                  'Scale.layer5.conv2d_list.0.weight': junk},
        'three scales': {f'{wrapper}.{name}': tensor if wrapper == 'Scale1' else junk
                         for wrapper in ('Scale1', 'Scale2', 'Scale3')
                         for name, tensor in old.items()},
        'numbered': {**{f'module.base.{numbered(name)}': tensor for name, tensor in old.items()},
                     'module.base.aspp.stages.c0.weight': junk},
    }


@pytest.mark.parametrize('naming', ['torchvision', 'scale', 'three scales', 'numbered'])
def test_every_public_naming_loads_the_same_trunk(naming):
    source = trained(50)
    backbone = ResNet(50)
    load_public_weights(backbone, files(source.state_dict())[naming], 'public.pth')
    for name, tensor in source.state_dict().items():
        if name not in ('conv1.weight', 'bn1.running_mean'):
            assert torch.equal(backbone.state_dict()[name], tensor), name


@pytest.mark.parametrize('deeplab', [False, True])
@torch.inference_mode()
def test_features_are_those_of_the_normalisation_the_weights_were_trained_with(deeplab):
    source, backbone = trained(50, deeplab), ResNet(50, deeplab=deeplab).eval()
    load_public_weights(backbone, source.state_dict(), 'public.pth')
    images = torch.randint(0, 256, (1, 40, 48, 3), dtype=torch.uint8)
    theirs = (images.flip(-1).float().permute(0, 3, 1, 2) - torch.tensor(CAFFE_MEAN).view(3, 1, 1)
              if deeplab else normalise(images, *TORCHVISION))

    def stem(network, tensor):
        return network.bn1(network.conv1(tensor))[..., 2:-2, 2:-2]
    expected = stem(source, theirs)
    torch.testing.assert_close(stem(backbone, normalise(images)), expected, rtol=1e-4,
                               atol=1e-4 * float(expected.abs().max()))


def test_every_missing_and_misshapen_tensor_is_named():
    weights = trained(18).state_dict()
    dropped = [name for name in weights if name.startswith('layer4.1.') and 'batches' not in name]
    assert len(dropped) == 10
    for name in dropped:
        del weights[name]
    weights['conv1.weight'] = torch.zeros(64, 1, 7, 7)
    with pytest.raises(CheckpointError) as error:
        load_public_weights(ResNet(18), weights, 'broken.pth')
    for text in ('broken.pth', 'conv1.weight has shape (64, 1, 7, 7), expected (64, 3, 7, 7)',
                 *(f'missing {name}' for name in dropped)):
        assert text in str(error.value)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve the weights of a ResNet-18 from a folder, under a name that ends with their hash."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    plain = tmp_path / 'plain.pth'
    torch.save(files(trained(18).state_dict())['torchvision'], plain)
    name = f'resnet18-{hashlib.sha256(plain.read_bytes()).hexdigest()[:8]}.pth'
    plain.rename(tmp_path / name)
    monkeypatch.setattr(pretrained, 'TORCH_URL', f'file://{tmp_path}/')
    monkeypatch.setitem(pretrained.TORCH_FILES, 'resnet18', name)
    return tmp_path / name


def small(**changes):
    """Build a small network."""
    return MetricSegmentationNetwork(NetworkConfig(
        **{'backbone': 'resnet18', 'embedding_dim': 4, 'decoder_channels': 8, **changes}))


def test_imagenet_weights_of_a_resnet_come_from_torchs_url(server):
    network = small()
    assert pretrained.start_from(network, 'imagenet') == 'trunk from ImageNet weights'
    expected = trained(18).state_dict()['layer4.1.conv2.weight']
    assert torch.equal(network.backbone.layer4[1].conv2.weight, expected)


def test_weights_come_from_any_address_that_tells_their_hash(server):
    network, url = small(), f'file://{server}'
    assert pretrained.start_from(network, url) == f'trunk from {url}'
    expected = trained(18).state_dict()['layer4.1.conv2.weight']
    assert torch.equal(network.backbone.layer4[1].conv2.weight, expected)


@pytest.mark.parametrize('name', ['weights.pth', 'resnet18-best.pth', 'resnet18-f37.pth'])
def test_an_address_without_a_hash_is_refused(name):
    with pytest.raises(CheckpointError, match=f'{name} must end with -HASH.pth'):
        pretrained.start_from(small(), f'https://weights.invalid/{name}')


def test_a_download_of_another_hash_is_refused(server):
    server.write_bytes(server.read_bytes() + b'x')
    with pytest.raises(CheckpointError, match='invalid hash value'):
        pretrained.start_from(small(), 'imagenet')


def test_no_network_is_told_with_the_remedy(server):
    server.unlink()
    with pytest.raises(CheckpointError, match='give its path, or start from none'):
        pretrained.start_from(small(), 'imagenet')


def test_deeplab_has_no_imagenet_weights():
    with pytest.raises(CheckpointError, match='converted DeepLab v2'):
        pretrained.load_imagenet_weights(ResNet(50, deeplab=True), 'deeplab_resnet101')


@pytest.mark.parametrize('kind', ['weights.safetensors', 'checkpoint.pt'])
def test_another_number_of_classes_renews_the_class_head_alone(tmp_path, kind):
    from safetensors.torch import save_file

    source, network = small(), small(class_count=5)
    if kind == 'checkpoint.pt':
        torch.save({'config': {}, 'average': source.state_dict()}, tmp_path / kind)
    else:
        save_file(source.state_dict(), tmp_path / kind)
    head = network.class_head.project.weight.clone()
    said = pretrained.start_from(network, str(tmp_path / kind))
    assert 'class head' in said
    assert torch.equal(network.class_head.project.weight, head)
    same = [name for name, tensor in network.state_dict().items() if 'class_head' not in name
            and not torch.equal(tensor, source.state_dict()[name])]
    assert same == []
    assert 'class head' not in pretrained.start_from(small(), str(tmp_path / kind))


def test_a_model_that_names_nothing_gets_names_from_imagenet_and_keeps_the_rest(server, tmp_path):
    source, network = small(), small(name_backbone='resnet18', class_count=5)
    torch.save(source.state_dict(), tmp_path / 'w.pth')
    assert 'names from ImageNet' in pretrained.start_from(network, str(tmp_path / 'w.pth'))
    expected = trained(18).state_dict()['layer4.1.conv2.weight']
    assert torch.equal(network.names.backbone.layer4[1].conv2.weight, expected)
    own = network.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in source.state_dict().items())


def test_other_classes_renew_the_layers_that_name_and_not_their_trunk(tmp_path):
    source = small(name_backbone='resnet18', class_count=5)
    torch.save(source.state_dict(), tmp_path / 'w.pth')
    network = small(name_backbone='resnet18', class_count=3)
    assert 'class head' in pretrained.start_from(network, str(tmp_path / 'w.pth'))
    own, theirs = network.state_dict(), source.state_dict()
    assert {name for name in own if own[name].shape != theirs[name].shape} == {
        f'names.project.{layer}.{kind}' for layer in (0, 1) for kind in ('weight', 'bias')}
    assert torch.equal(own['names.backbone.conv1.weight'], theirs['names.backbone.conv1.weight'])
    pretrained.start_from(without := small(), str(tmp_path / 'w.pth'))
    assert torch.equal(without.class_head.project.weight, source.class_head.project.weight)


def test_another_embedding_is_refused_by_name(tmp_path):
    torch.save(small().state_dict(), tmp_path / 'w.pth')
    with pytest.raises(CheckpointError, match=r'embedding_head.project.weight has shape \(4'):
        pretrained.start_from(small(embedding_dim=6), str(tmp_path / 'w.pth'))
