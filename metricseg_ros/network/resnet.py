# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Dilated ResNets as a trunk: ResNet-18 to the ResNet-101 of the paper, at output stride 8.

Module names are torchvision's, so that public checkpoints load. As in DeepLab, the stages past
the output stride keep their resolution and dilate their convolutions instead. Two details differ
between the families of weights: torchvision's bottlenecks stride in their 3x3 convolution, and the
first block of a dilated stage keeps the dilation before it; DeepLab v2's stride in their first
1x1 convolution, and the whole stage is dilated.
"""

from __future__ import annotations

from torch import nn, Tensor

# Blocks of each stage, and whether they are bottlenecks.
DEPTHS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
}


def conv3x3(inputs: int, outputs: int, stride: int, dilation: int) -> nn.Conv2d:
    """Build a 3x3 convolution without bias that keeps the size but for its stride."""
    return nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        """
        Build the block.

        :param width: channels of its convolutions, and out.
        """
        super().__init__()
        self.conv1 = conv3x3(inputs, width, stride, dilation)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, 1, dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample(inputs, width, stride)

    def forward(self, features: Tensor) -> Tensor:
        """
        Run the block.

        :param features: (B,inputs,h,w).
        :return: (B,width,h/stride,w/stride).
        """
        out = self.relu(self.bn1(self.conv1(features)))
        return self.relu(self.bn2(self.conv2(out)) + self.downsample(features))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, and a shortcut; the stride is in the 3x3."""

    expansion = 4
    strides_early = False
    """Whether the stride is in the first convolution."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        """
        Build the block.

        :param width: channels of the 3x3 convolution; four times as many come out.
        """
        super().__init__()
        outputs = width * self.expansion
        early, late = (stride, 1) if self.strides_early else (1, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, early, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, late, dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample(inputs, outputs, stride)

    def forward(self, features: Tensor) -> Tensor:
        """
        Run the block.

        :param features: (B,inputs,h,w).
        :return: (B,4 width,h/stride,w/stride).
        """
        out = self.relu(self.bn1(self.conv1(features)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(self.bn3(self.conv3(out)) + self.downsample(features))


class DeepLabBottleneck(Bottleneck):
    """The bottleneck of DeepLab v2 and of the first ResNets: the stride is in the first 1x1."""

    strides_early = True


def downsample(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Build the projection of a shortcut; the identity where none is needed."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                         nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """The trunk, giving one feature map for each of its four stages."""

    def __init__(self, depth: int, output_stride: int = 8, deeplab: bool = False) -> None:
        """
        Build it with random weights.

        :param depth: 18, 34, 50 or 101.
        :param output_stride: 8 (the paper's), 16 or 32: stride of the last feature map.
        :param deeplab: stride and dilate as DeepLab v2 does, for its weights; from depth 50.
        :raises ValueError: for another depth or stride.
        """
        super().__init__()
        if depth not in DEPTHS or output_stride not in (8, 16, 32):
            raise ValueError('ResNet needs a depth of 18, 34, 50 or 101 and an output_stride of '
                             f'8, 16 or 32, got {depth!r} and {output_stride!r}')
        counts, bottleneck = DEPTHS[depth]
        if deeplab and not bottleneck:
            raise ValueError(f'DeepLab v2 is built of a depth of 50 or 101, got {depth!r}')
        self.deeplab = deeplab
        self.block = (DeepLabBottleneck if deeplab else Bottleneck) if bottleneck else BasicBlock
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs, stride, dilation, strides = 64, 4, 1, []
        for index, count in enumerate(counts):
            step, before = (1 if index == 0 else 2), dilation
            if stride * step > output_stride:
                step, dilation = 1, dilation * 2
            stride *= step
            # As in torchvision, a stage's first block still has the dilation before it.
            dilations = [dilation if deeplab else before] + [dilation] * (count - 1)
            self.add_module(f'layer{index + 1}', self._stage(inputs, 64 * 2 ** index, step,
                                                             dilations))
            inputs = 64 * 2 ** index * self.block.expansion
            strides.append(stride)
        self.strides = tuple(strides)
        self.channels = tuple(64 * 2 ** index * self.block.expansion for index in range(4))

    def _stage(self, inputs: int, width: int, stride: int, dilations: list[int]) -> nn.Sequential:
        outputs = width * self.block.expansion
        return nn.Sequential(*(self.block(inputs if number == 0 else outputs, width,
                                          stride if number == 0 else 1, dilation)
                               for number, dilation in enumerate(dilations)))

    def first_stages(self, count: int) -> list[nn.Module]:
        """Return the stem and so many stages after it."""
        return [self.conv1, self.bn1, self.layer1, self.layer2, self.layer3,
                self.layer4][:count + 2]

    def forward(self, image: Tensor) -> list[Tensor]:
        """
        Compute the features.

        :param image: (B,3,h,w), normalised.
        :return: four maps, (B,channels,h/s,w/s) at each stride s of :attr:`strides`.
        """
        features, taps = self.maxpool(self.relu(self.bn1(self.conv1(image)))), []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            features = stage(features)
            taps.append(features)
        return taps
