# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Public weights of ResNets, in the names and the input normalisation of this package.

Known are torchvision's names, and the two in which DeepLab v2's Caffe weights (ResNet-101 trained
on COCO, the paper's start) go around as converted to torch: one that keeps torchvision's names
under `Scale`, `Scale1` or `module`, one that numbers layers and blocks from 1 and names the
convolutions `reduce`, `conv3x3`, `increase`, and `proj` or `shortcut`.
"""

from __future__ import annotations

import re

from metricseg_ros.network.checkpoint import load_weights
from metricseg_ros.network.resnet import ResNet
from metricseg_ros.preprocess import MEAN, STD
import torch
from torch import Tensor

TORCH_URL = 'https://download.pytorch.org/models/'
TORCH_FILES = {
    'resnet18': 'resnet18-f37072fd.pth',
    'resnet34': 'resnet34-b627a593.pth',
    'resnet50': 'resnet50-0676ba61.pth',
    'resnet101': 'resnet101-63fe2227.pth',
}
"""ImageNet weights of torchvision's ResNets; the name ends with the file's hash."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Normalisation of torchvision's ResNets, of RGB values in [0,1]."""

CAFFE_MEAN = (104.008, 116.669, 122.675)
"""What DeepLab v2 subtracts from BGR values in [0,255]."""

WRAPPERS = re.compile(r'^(module\.|Scale1?\.|scale\.|base\.)+')
OTHERS = re.compile(r'^(Scale[23]\.|fc\.|aspp\.|layer5\.conv2d_list\.)')
BLOCK = re.compile(r'^layer(\d+)\.block(\d+)\.(\w+)\.(conv|bn)\.')
LAYERS = {'reduce': '1', 'conv3x3': '2', 'increase': '3'}  # Else the shortcut's.


def load_public_weights(backbone: ResNet, weights: dict[str, Tensor], source: str) -> None:
    """
    Put public weights of a ResNet into this package's trunk.

    Classifiers and DeepLab's copies for other scales are left out. The normalisation of the input
    that the weights were trained with is moved into the first layers, which gives the same
    features but for a border of three pixels, where the image is padded.

    :param backbone: the trunk; whether it is built as DeepLab's tells the normalisation.
    :param source: where they come from, for the message.
    :raises CheckpointError: naming each missing, unexpected or misshapen tensor.
    """
    own = backbone.state_dict()
    # Older files lack this counter, which nothing reads.
    counters = {name: torch.zeros_like(tensor) for name, tensor in own.items()
                if name.endswith('.num_batches_tracked')}
    load_weights(backbone, {**counters, **renamed(weights)}, source)
    backbone.load_state_dict(with_own_normalisation(backbone.state_dict(), backbone.deeplab))


def renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take a trunk's weights from a public state dict, by torchvision's names."""
    inner = ((WRAPPERS.sub('', name), tensor) for name, tensor in weights.items()
             if not OTHERS.match(name))
    return {resnet_name(name): tensor for name, tensor in inner if not OTHERS.match(name)}


def resnet_name(name: str) -> str:
    """
    Translate a tensor's name from the numbered naming to torchvision's.

    :param name: without wrappers, in either naming.
    """
    stem = re.match(r'^layer1\.conv1\.(conv|bn)\.(\w+)$', name)
    if stem:
        return f'{stem[1]}1.{stem[2]}'
    match = BLOCK.match(name)
    if not match:
        return name
    layer, block, role, kind = match.groups()
    place = f'layer{int(layer) - 1}.{int(block) - 1}.'
    inner = (f'{kind}{LAYERS[role]}' if role in LAYERS
             else f'downsample.{("conv", "bn").index(kind)}')
    return f'{place}{inner}.{name[match.end():]}'


def with_own_normalisation(weights: dict[str, Tensor], caffe: bool) -> dict[str, Tensor]:
    """
    Make the first layers take images normalised as everywhere in this package.

    With x_theirs = gain x_ours + offset the first convolution takes gain into its weights; what
    offset adds to its output is taken from the mean that batch normalisation subtracts.

    :param weights: state dict of a trunk.
    :param caffe: whether it expects BGR in [0,255] less a mean, else RGB as torchvision's.
    :return: the same with another `conv1.weight` and `bn1.running_mean`.
    """
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    convolution = weights['conv1.weight'].float()
    if caffe:
        convolution = convolution.flip(1)
        gain, offset = 255 * std, 255 * mean - torch.tensor(CAFFE_MEAN).flip(0)
    else:
        gain = std / torch.tensor(IMAGENET_STD)
        offset = (mean - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)
    added = (convolution * offset.view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
    return {**weights, 'conv1.weight': convolution * gain.view(1, 3, 1, 1),
            'bn1.running_mean': weights['bn1.running_mean'] - added}
