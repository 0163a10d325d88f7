# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a network is made of."""

from __future__ import annotations

from dataclasses import dataclass

from metricseg_ros.config.parameters import parameter


@dataclass(frozen=True)
class NetworkConfig:
    """What the network is made of; a model's model.json holds its own."""

    backbone: str = parameter(
        'efficientnet_lite0', 'Trunk of the network.',
        choices=('efficientnet_lite0', 'resnet18', 'resnet34', 'resnet50', 'resnet101',
                 'deeplab_resnet101'))
    embedding_dim: int = parameter(
        64, 'Dimensions d of an embedding (64 in the paper).', minimum=1, maximum=1024)
    class_count: int = parameter(
        1, 'Number C of classes, without the background.', minimum=1, maximum=65534)
    similarity_thresholds: tuple[float, ...] = parameter(
        (0.25, 0.5, 0.75, 0.9), "Similarity thresholds tau of the class head (the paper's).")
    decoder_channels: int = parameter(
        64, "Channels of the pyramid decoder; 0 leaves it out, and the heads read the trunk's "
        'last map, as in the paper.', minimum=0, maximum=2048)
    decoder_stride: int = parameter(
        4, 'Stride of the finest map the decoder reads, and so of the output.', minimum=2,
        maximum=32)
    position_channels: bool = parameter(
        True, "Tell the embedding head each pixel's place.")
    pyramid_scales: tuple[float, ...] = parameter(
        (1.0,), 'Scales at which the trunk sees the image, each n or 1/n (0.25, 0.5, 1, 2 in the '
        'paper).')
    pyramid_fusion: str = parameter(
        'concatenate',
        "Fuse the scales' features before the heads, or average the heads' outputs.",
        choices=('concatenate', 'average'))
    name_backbone: str = parameter(
        '', "Trunk whose last two maps tell objects' names: the one that finds them (shared), or "
        'one of its own; where empty the class head names them.',
        choices=('', 'shared', 'efficientnet_lite0', 'resnet18', 'resnet34', 'resnet50',
                 'resnet101'))
    name_stages_shared: int = parameter(
        0, 'First stages of the trunk that finds objects, from whose map the trunk of names goes '
        'on: 1, 2, 3 or 5, of EfficientNet-Lite0. With 0 it is one of its own from the image on.',
        minimum=0, maximum=5)
    name_blocks: int = parameter(
        0, 'Most blocks of a stage that such a trunk of names has; 0 leaves none out.', minimum=0,
        maximum=4)
    depth: bool = parameter(
        False, 'Take depth beside the image, where it is known.')
    class_scores: str = parameter(
        'class', "What the likeliest class's score tells: how likely this class is, as in the "
        'paper, or how likely any object is, so that an object of doubtful class is found all '
        'the same.', choices=('class', 'object'))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of what the network takes, in the ONNX file and in the engine."""
        return ('image', 'depth', 'camera') if self.depth else ('image',)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of what it gives."""
        names = ('name_logits',) if self.name_backbone else ()
        return ('embeddings', 'class_logits', *names)
