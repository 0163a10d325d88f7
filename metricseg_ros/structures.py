# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the stages hand each other; shapes and types are checked where a value is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from metricseg_ros.config import BACKGROUND, GroupingConfig
from metricseg_ros.pinhole import Intrinsics
import numpy as np

if TYPE_CHECKING:  # Reading files needs no torch, and starts without it.
    from torch import Tensor

Box = tuple[int, int, int, int]
PlacedMask = tuple[Box, np.ndarray]
"""A box, (left, top, right, bottom), and the (h,w) bool mask inside it."""


@dataclass(frozen=True)
class DepthImage:
    """
    Depth that is registered to an image: at each of its pixels, how far away what it shows is.

    :param metres: (H,W) float32, z of each pixel; 0 where it is not known.
    :param camera: the pinhole that both were seen through, in pixels of the depth image.
    """

    metres: np.ndarray
    camera: Intrinsics

    def __post_init__(self) -> None:
        """Check type and shape."""
        if self.metres.ndim != 2 or self.metres.dtype != np.float32:
            raise ValueError('metres must be (H,W) float32, got '
                             f'{self.metres.shape} {self.metres.dtype}')


@dataclass(frozen=True)
class NetworkOutput:
    """
    What the network says of one image.

    :param embeddings: (D,h,w) float32, one embedding for each pixel of the network's grid.
    :param class_logits: (T,C+1,h,w) float32, for each similarity threshold the logits of
        background and of C classes.
    :param similarity_thresholds: the T thresholds tau, each in (0,1].
    :param name_logits: (N,h'',w'') float32, logits of N names that an object there may have, where
        names are an output of their own and the one class above is any object; its cell (i,j)
        covers name_stride cells along either side of the grid from (i,j) name_stride on.
    :param name_stride: how much coarser that map is.
    """

    embeddings: Tensor
    class_logits: Tensor
    similarity_thresholds: tuple[float, ...]
    name_logits: Tensor | None = None
    name_stride: int = 1

    def __post_init__(self) -> None:
        """Check the shapes against each other."""
        if self.embeddings.ndim != 3:
            raise ValueError(f'embeddings must be (D,h,w), got {tuple(self.embeddings.shape)}')
        if self.class_logits.ndim != 4 or self.class_logits.shape[1] < 2:
            raise ValueError('class_logits must be (T,C+1,h,w) with C >= 1, got '
                             f'{tuple(self.class_logits.shape)}')
        if self.class_logits.shape[2:] != self.embeddings.shape[1:]:
            raise ValueError('embeddings and class_logits must share a grid, got '
                             f'{tuple(self.embeddings.shape[1:])} and '
                             f'{tuple(self.class_logits.shape[2:])}')
        if len(self.similarity_thresholds) != self.class_logits.shape[0]:
            raise ValueError(f'class_logits has {self.class_logits.shape[0]} thresholds, got '
                             f'{len(self.similarity_thresholds)} similarity_thresholds')

        if self.name_logits is not None and self.name_logits.shape[1:] != self._names_size:
            raise ValueError(f'name_logits must be (N,{self._names_size[0]},'
                             f'{self._names_size[1]}), got {tuple(self.name_logits.shape)}')

    @classmethod
    def of(cls, outputs: Sequence[Tensor], thresholds: tuple[float, ...]) -> NetworkOutput:
        """
        Take what the network gives for one image.

        :param outputs: embeddings, class logits and, of a network with such, name logits.
        """
        embeddings, class_logits, *named = outputs
        if not named:
            return cls(embeddings, class_logits, thresholds)
        stride = embeddings.shape[1] // named[0].shape[1]
        return cls(embeddings, class_logits, thresholds, named[0], stride)

    @property
    def _names_size(self) -> tuple[int, int]:
        height, width = (-(-side // self.name_stride) for side in self.grid_size)
        return height, width

    @property
    def grid_size(self) -> tuple[int, int]:
        """Height and width of the network's grid."""
        return self.embeddings.shape[1], self.embeddings.shape[2]


@dataclass(frozen=True)
class Seeds:
    """
    The K seeds of one image, in the order they were picked.

    :param positions: (K,2) int64, (row, col) on the network's grid.
    :param scores: (K,) float32, class score of the mask each seed would grow.
    :param class_ids: (K,) int64, from 1.
    :param similarity_thresholds: (K,) float32, the threshold at which each seed's mask is grown.
    """

    positions: Tensor
    scores: Tensor
    class_ids: Tensor
    similarity_thresholds: Tensor

    def __post_init__(self) -> None:
        """Check that all fields speak of the same number of seeds."""
        count = len(self.positions)
        if self.positions.shape != (count, 2):
            raise ValueError(f'positions must be (K,2), got {tuple(self.positions.shape)}')
        for name in ('scores', 'class_ids', 'similarity_thresholds'):
            if getattr(self, name).shape != (count,):
                raise ValueError(
                    f'{name} must be ({count},), got {tuple(getattr(self, name).shape)}')

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: Tensor | slice) -> Seeds:
        """Select some of the seeds."""
        return Seeds(self.positions[index], self.scores[index], self.class_ids[index],
                     self.similarity_thresholds[index])

    def cpu(self) -> Seeds:
        """Return the seeds on the CPU."""
        return Seeds(self.positions.cpu(), self.scores.cpu(), self.class_ids.cpu(),
                     self.similarity_thresholds.cpu())


@dataclass(frozen=True)
class ImageMasks:
    """
    Masks at the size of the image, by decreasing score.

    :param embeddings: (K,D) float32, the mean embedding of each.
    :param grouping: what they were made by; whether overlaps have been resolved, too.
    """

    seeds: Seeds
    placed: list[PlacedMask]
    embeddings: np.ndarray
    grouping: GroupingConfig


@dataclass(frozen=True)
class EmbeddedImage:
    """
    An image as the network sees it: all that masks are made of.

    :param output: of the network, on the part of its grid that shows the image.
    :param image_size: (height, width) of the image, in pixels.
    :param to_image: (2,2) float64, rows are (scale, offset) of row and of column: image = scale *
        grid + offset, where whole numbers are pixel centres.
    :param stage_ms: what each stage took so far, in milliseconds.
    :param guide: (h,w) float32, brightness of the image at the size of the network's input, which
        outlines follow; None if they shall not. Where the network's output is on a GPU it may be
        there, too.
    :param image: (H,W,3) uint8 RGB, the image itself, where masks need it: with depth, and to
        look again from near.
    :param depth: of the image, where it is known.
    :param masks: its masks, where they were made beside the network; None where they are to be.
    """

    output: NetworkOutput
    image_size: tuple[int, int]
    to_image: np.ndarray
    stage_ms: dict[str, float] = field(default_factory=dict)
    guide: np.ndarray | Tensor | None = None
    image: np.ndarray | None = None
    depth: DepthImage | None = None
    masks: ImageMasks | None = None

    def __post_init__(self) -> None:
        """Check that depth lies over the image."""
        if self.depth is not None and self.depth.metres.shape != tuple(self.image_size):
            raise ValueError(f'depth must be {tuple(self.image_size)} like its image, got '
                             f'{self.depth.metres.shape}')


@dataclass(frozen=True)
class Instances:
    """
    The N instances of one image, by decreasing score.

    Masks are kept as crops, since N masks of a 4K image would take hundreds of megabytes.

    :param image_size: (height, width) of the image, in pixels.
    :param ids: (N,) uint16, label of each instance in :attr:`label_map`; from 1.
    :param class_ids: (N,) uint16, from 1.
    :param scores: (N,) float32 in [0,1].
    :param boxes: (N,4) int32, left, top, right, bottom of each mask in pixels, half open.
    :param crops: N bool arrays, the part of each mask inside its box.
    :param seeds: (N,2) int32, (row, col) of each seed in the image.
    :param similarity_thresholds: (N,) float32, the threshold each mask was grown at.
    :param stage_ms: what each stage of the segmentation took, in milliseconds.
    :param embeddings: (N,D) float32, the mean embedding of each mask; None where not known.
    :param colours: (N,B) float32, share of each mask in bins of colour; None where not counted.
    :param dropped_support: how many masks are left out since they lie in a support.
    """

    image_size: tuple[int, int]
    ids: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    crops: tuple[np.ndarray, ...]
    seeds: np.ndarray
    similarity_thresholds: np.ndarray
    stage_ms: dict[str, float] = field(default_factory=dict)
    embeddings: np.ndarray | None = None
    colours: np.ndarray | None = None
    dropped_support: int = 0

    def __post_init__(self) -> None:
        """Check lengths, and that each crop fills its box."""
        count = len(self.ids)
        shapes = {'ids': (count,), 'class_ids': (count,), 'scores': (count,), 'boxes': (count, 4),
                  'seeds': (count, 2), 'similarity_thresholds': (count,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f'{name} must be {shape}, got {getattr(self, name).shape}')
        for name in ('embeddings', 'colours'):
            values = getattr(self, name)
            if values is not None and (values.ndim != 2 or len(values) != count):
                raise ValueError(f'{name} must be ({count},D), got {values.shape}')
        if len(self.crops) != count:
            raise ValueError(f'crops must hold {count} masks, got {len(self.crops)}')
        for (left, top, right, bottom), crop in zip(self.boxes, self.crops, strict=True):
            if crop.shape != (bottom - top, right - left):
                raise ValueError(f'a crop of shape {crop.shape} does not fill its box '
                                 f'{(left, top, right, bottom)}')

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: np.ndarray | list[int] | slice) -> Instances:
        """Select some of the instances."""
        chosen = np.arange(len(self))[index]
        return replace(
            self, ids=self.ids[chosen], class_ids=self.class_ids[chosen],
            scores=self.scores[chosen], boxes=self.boxes[chosen],
            crops=tuple(self.crops[number] for number in chosen), seeds=self.seeds[chosen],
            similarity_thresholds=self.similarity_thresholds[chosen],
            embeddings=None if self.embeddings is None else self.embeddings[chosen],
            colours=None if self.colours is None else self.colours[chosen])

    @property
    def areas(self) -> np.ndarray:
        """Return (N,) int64, the pixels of each mask."""
        return np.array([np.count_nonzero(crop) for crop in self.crops], dtype=np.int64)

    @property
    def label_map(self) -> np.ndarray:
        """Return (H,W) uint16: background, or the id of the best instance at each pixel."""
        label_map = np.full(self.image_size, BACKGROUND, dtype=np.uint16)
        for index in reversed(range(len(self))):
            left, top, right, bottom = self.boxes[index]
            label_map[top:bottom, left:right][self.crops[index]] = self.ids[index]
        return label_map

    def mask(self, index: int) -> np.ndarray:
        """Return the mask of an instance, (H,W) bool; 0 is the one of highest score."""
        mask = np.zeros(self.image_size, dtype=bool)
        left, top, right, bottom = self.boxes[index]
        mask[top:bottom, left:right] = self.crops[index]
        return mask
