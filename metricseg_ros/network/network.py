# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network: trunk, decoder, embedding head and class head."""

from __future__ import annotations

from metricseg_ros.config import NetworkConfig
from metricseg_ros.network.efficientnet_lite import conv_bn, EfficientNetLite0
from metricseg_ros.network.heads import ClassHead, EmbeddingHead, PyramidDecoder, separable
from metricseg_ros.network.resnet import ResNet
from torch import nn, Tensor


def build_backbone(name: str) -> nn.Module:
    """
    Build a trunk with random weights.

    :param name: `efficientnet_lite0`, or `resnet` and its depth.
    :return: a module with `strides` and `channels`, image -> list of feature maps.
    """
    return (EfficientNetLite0() if name == 'efficientnet_lite0'
            else ResNet(int(name.removeprefix('resnet'))))


class MetricSegmentationNetwork(nn.Module):
    """The network of arXiv 1703.10277, figure 2."""

    def __init__(self, config: NetworkConfig) -> None:
        """
        Build it with random weights.

        :param config: what it is made of.
        """
        super().__init__()
        self.config = config
        self.backbone = build_backbone(config.backbone)
        if config.decoder_channels:
            self._add_decoder()
        else:
            self.stride, channels = self.backbone.strides[-1], self.backbone.channels[-1]
            self.embedding_features = self.class_features = nn.Identity()
        channels = config.decoder_channels or self.backbone.channels[-1]
        self.embedding_head = EmbeddingHead(channels, config.embedding_dim,
                                            config.position_channels)
        self.class_head = ClassHead(channels, len(config.similarity_thresholds),
                                    config.class_count)

    def _add_decoder(self) -> None:
        strides, channels = self.backbone.strides, self.config.decoder_channels
        # Of maps at equal stride (a dilated trunk's last ones) only the deepest is read.
        self.taps = [index for index, stride in enumerate(strides)
                     if stride >= self.config.decoder_stride and stride not in strides[index + 1:]]
        self.stride = strides[self.taps[0]]
        self.decoder = PyramidDecoder([self.backbone.channels[index] for index in self.taps],
                                      channels)
        self.embedding_features = conv_bn(channels, channels, 3)
        self.class_features = separable(channels)

    @property
    def size_multiple(self) -> int:
        """Return the number that the input's height and width must be multiples of."""
        return max(self.backbone.strides)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """
        Run the network.

        :param image: (B,3,h,w), normalised; h and w multiples of :attr:`size_multiple`.
        :return: embeddings (B,D,h',w') and class logits (B,T,C+1,h',w'), h' = h / stride.
        """
        maps = self.backbone(image)
        features = (self.decoder([maps[index] for index in self.taps])
                    if self.config.decoder_channels else maps[-1])
        return (self.embedding_head(self.embedding_features(features)),
                self.class_head(self.class_features(features)))
