# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network: trunk, decoder, embedding head and class head."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.config import NetworkConfig
from metricseg_ros.network.depth import DepthBranch
from metricseg_ros.network.efficientnet_lite import conv_bn, EfficientNetLite0, TAPS
from metricseg_ros.network.heads import (
    ClassHead,
    EmbeddingHead,
    PyramidDecoder,
    scored_as_objects,
    separable,
)
from metricseg_ros.network.names import NameBranch, NameHead
from metricseg_ros.network.pyramid import rescale, size_multiple
from metricseg_ros.network.resnet import ResNet
import torch
from torch import nn, Tensor

SHARED = 'shared'
"""The `name_backbone` that is the network's own trunk."""


def build_backbone(name: str) -> nn.Module:
    """
    Build a trunk with random weights.

    :param name: `efficientnet_lite0`, or `resnet` and its depth, or `deeplab_resnet` and that.
    :return: a module with `strides` and `channels`, image -> list of feature maps.
    """
    if name == 'efficientnet_lite0':
        return EfficientNetLite0()
    family, depth = name.split('resnet')
    return ResNet(int(depth), deeplab=bool(family))


class MetricSegmentationNetwork(nn.Module):
    """The network of arXiv 1703.10277, figure 2."""

    def __init__(self, config: NetworkConfig) -> None:
        """
        Build it with random weights.

        :raises ValueError: if its parts do not go together.
        """
        super().__init__()
        self.config = config
        several_scales = tuple(config.pyramid_scales) != (1.0,)
        if config.depth and (several_scales or not config.decoder_channels):
            raise ValueError('network.depth needs decoder_channels and pyramid_scales=1, got '
                             f'{config.decoder_channels} and {config.pyramid_scales}')
        self.stages_shared = config.name_stages_shared if self.has_name_trunk else 0
        if several_scales and (config.name_backbone == SHARED or self.stages_shared):
            raise ValueError('names from the trunk of objects need pyramid_scales=1, got '
                             f'{config.pyramid_scales}')
        if self.stages_shared:
            self.name_tap = self._tap_of_names()
        self.backbone = build_backbone(config.backbone)
        if config.decoder_channels:
            self._add_decoder()
        else:
            self.stride = self.backbone.strides[-1]
            self.embedding_features = self.class_features = nn.Identity()
        self.scales = config.pyramid_scales
        self.averages = config.pyramid_fusion == 'average'
        self._add_heads(config.decoder_channels or self.backbone.channels[-1])
        trunks = [self.backbone, *([self.names.backbone] if self.has_name_trunk else [])]
        self.size_multiple = size_multiple(max(stride for trunk in trunks
                                               for stride in trunk.strides), self.scales)

    def _tap_of_names(self) -> int:
        trunks = self.config.backbone, self.config.name_backbone
        if set(trunks) != {'efficientnet_lite0'} or self.stages_shared - 1 not in TAPS:
            raise ValueError('name_stages_shared must be 0, or 1, 2, 3 or 5 with backbone and '
                             'name_backbone efficientnet_lite0, got '
                             f'{self.stages_shared} with {" and ".join(trunks)}')
        return list(TAPS).index(self.stages_shared - 1)

    def _add_decoder(self) -> None:
        strides, channels = self.backbone.strides, self.config.decoder_channels
        # Of maps at equal stride (a dilated trunk's last ones) only the deepest is read.
        self.taps = [index for index, stride in enumerate(strides)
                     if stride >= self.config.decoder_stride and stride not in strides[index + 1:]]
        self.stride = strides[self.taps[0]]
        self.decoder = PyramidDecoder([self.backbone.channels[index] for index in self.taps],
                                      channels)
        if self.config.depth:
            self.depth = DepthBranch([strides[index] for index in self.taps], channels)
        self.embedding_features = conv_bn(channels, channels, 3)
        self.class_features = separable(channels)

    def _add_heads(self, channels: int) -> None:
        config = self.config
        if not self.averages:
            channels *= len(self.scales)
        self.embedding_head = EmbeddingHead(channels, config.embedding_dim,
                                            config.position_channels)
        self.class_head = ClassHead(channels, len(config.similarity_thresholds),
                                    1 if config.name_backbone else config.class_count)
        if self.has_name_trunk:
            self.names = NameBranch(build_backbone(config.name_backbone), config.class_count,
                                    self.stages_shared, config.name_blocks)
        elif config.name_backbone:
            self.names = NameHead(self.backbone.strides, self.backbone.channels,
                                  config.class_count)

    @property
    def has_name_trunk(self) -> bool:
        """Return whether names come from a trunk of their own."""
        return self.config.name_backbone not in ('', SHARED)

    def forward(self, image: Tensor, depth: Tensor | None = None,
                camera: Tensor | None = None) -> tuple[Tensor, ...]:
        """
        Run the network.

        :param image: (B,3,h,w), normalised; h and w multiples of `size_multiple`.
        :param depth: (B,1,h,w) metres, 0 where it is not known; None where it is nowhere.
        :param camera: (B,5), as :func:`metricseg_ros.preprocess.camera_vector` makes it.
        :return: embeddings (B,D,h',w') and class logits (B,T,C+1,h',w'), h' = h / stride; and,
            of a network with names, name logits (B,C,h'',w'').
        """
        added = None if depth is None or not self.config.depth else self.depth(depth, camera)
        trunk_maps = [self.backbone(rescale(image, scale)) for scale in self.scales]
        scaled = [self.features(maps, added) for maps in trunk_maps]
        if self.averages:
            outputs = [self.heads(*features) for features in scaled]
            embeddings, class_logits = (torch.stack(self.on_one_grid(maps)).mean(dim=0)
                                        for maps in zip(*outputs, strict=True))
        else:
            embeddings, class_logits = self.heads(*(torch.cat(self.on_one_grid(maps), dim=1)
                                                    for maps in zip(*scaled, strict=True)))
        class_logits = class_logits.unflatten(1, self.class_head.shape)
        if self.config.name_backbone:
            return embeddings, class_logits, self.names.read(self.name_maps(image, trunk_maps[0]))
        # In training each class learns its own probability.
        as_objects = self.config.class_scores == 'object' and not self.training
        return embeddings, scored_as_objects(class_logits) if as_objects else class_logits

    def name_maps(self, image: Tensor, trunk_maps: Sequence[Tensor] | None = None
                  ) -> Sequence[Tensor]:
        """
        Compute the maps that names are read off, and no more than they need.

        :param image: (B,3,h,w), normalised.
        :param trunk_maps: of the trunk that finds objects, where it has run.
        :return: as the trunk of names gives them.
        """
        if not self.has_name_trunk:
            return self.backbone(image) if trunk_maps is None else trunk_maps
        if self.stages_shared and trunk_maps is not None:
            return self.names.backbone(trunk_maps[self.name_tap])
        if self.stages_shared:
            image = nn.Sequential(*self.backbone.first_stages(self.stages_shared))(image)
        return self.names.backbone(image)

    def name_pixels(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Name each pixel, and compute nothing else.

        :param image: (B,3,h,w), normalised.
        :return: name logits (B,C,h'',w''), and the two maps that they are read off.
        """
        return self.names.named(self.name_maps(image))

    def features(self, maps: Sequence[Tensor],
                 added: Sequence[Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """
        Compute what the heads read.

        :param added: what depth adds to the pyramid's laterals.
        :return: features of the embedding head and of the class head, both (B,channels,h',w').
        """
        features = (self.decoder([maps[index] for index in self.taps], added)
                    if self.config.decoder_channels else maps[-1])
        return self.embedding_features(features), self.class_features(features)

    def heads(self, embedding_features: Tensor, class_features: Tensor) -> tuple[Tensor, Tensor]:
        """
        Run both heads.

        :param embedding_features: (B,channels,h',w').
        :param class_features: (B,channels,h',w').
        :return: embeddings (B,D,h',w') and class logits (B,T(C+1),h',w').
        """
        return self.embedding_head(embedding_features), self.class_head(class_features)

    def on_one_grid(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """
        Bring maps of every scale to the grid of scale 1.

        :param maps: for each scale s, (B,C,h' s,w' s).
        :return: for each scale, (B,C,h',w').
        """
        return [rescale(values, 1 / scale)
                for values, scale in zip(maps, self.scales, strict=True)]
