# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From an image to the network's input, and from the network's grid back to the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
from metricseg_ros.threads import single_threaded
import numpy as np
import torch
from torch import Tensor

MEAN = (127 / 255, 127 / 255, 127 / 255)
STD = (128 / 255, 128 / 255, 128 / 255)
"""Normalisation EfficientNet-Lite was trained with, of RGB values in [0,1]."""


@dataclass(frozen=True)
class ImageGeometry:
    """
    How an image lies in the network's input: scaled, at the top left, padded below and right.

    :param image_size: (height, width) of the image.
    :param content_size: (height, width) of the image in the input.
    :param input_size: (height, width) of the input.
    """

    image_size: tuple[int, int]
    content_size: tuple[int, int]
    input_size: tuple[int, int]

    def grid_content(self, grid_size: tuple[int, int]) -> tuple[int, int]:
        """
        Tell how much of the network's grid shows the image.

        :param grid_size: (height, width) of the network's grid.
        :return: rows and columns of the grid that show at least part of the image.
        """
        return tuple(-(-content * grid // padded) for content, grid, padded in
                     zip(self.content_size, grid_size, self.input_size, strict=True))

    def grid_to_image(self, grid_size: tuple[int, int]) -> np.ndarray:
        """
        Give the map from the grid's pixel centres to the image's.

        :param grid_size: (height, width) of the network's grid.
        :return: (2,2) float64, rows are (scale, offset) of row and of column: image = scale *
            grid + offset, where whole numbers are pixel centres.
        """
        scale = np.array([padded / grid * image / content for padded, grid, image, content in
                          zip(self.input_size, grid_size, self.image_size, self.content_size,
                              strict=True)])
        return np.stack([scale, scale / 2 - 0.5], axis=1)


def fit_geometry(image_size: tuple[int, int], box: tuple[int, int],
                 multiple: int) -> ImageGeometry:
    """
    Fit an image into a box, upright or turned as the image is, keeping its proportions.

    The work of the network is so never more than the box's, whatever the camera.

    :param image_size: (height, width) of the image.
    :param box: (height, width) of the box.
    :param multiple: the input's sides are multiples of this.
    :raises ValueError: if a side of the image is 0.
    """
    if min(image_size) < 1:
        raise ValueError(f'image_size must be at least 1x1, got {image_size}')
    scale = min(max(box) / max(image_size), min(box) / min(image_size))
    content = tuple(max(1, round(side * scale)) for side in image_size)
    padded = tuple(-(-side // multiple) * multiple for side in content)
    return ImageGeometry(tuple(image_size), content, padded)


@single_threaded()
def preprocess(image: np.ndarray, box: tuple[int, int], multiple: int,
               mean: tuple[float, ...] = MEAN,
               std: tuple[float, ...] = STD) -> tuple[Tensor, ImageGeometry]:
    """
    Turn an image into the network's input.

    :param image: (H,W,3) uint8 RGB.
    :param box: (height, width) the image is fitted into.
    :param multiple: the input's sides are multiples of this.
    :param mean: of each channel, of values in [0,1].
    :param std: of each channel.
    :return: (1,3,h,w) float32, and the geometry whose inverse takes masks back.
    :raises ValueError: if the image is not (H,W,3) uint8 with H and W at least 1.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f'image must be (H,W,3) uint8, got {image.shape} {image.dtype}')
    geometry = fit_geometry(image.shape[:2], box, multiple)
    height, width = geometry.content_size
    shrinks = height < image.shape[0]
    content = cv2.resize(np.ascontiguousarray(image), (width, height),
                         interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    below, right = np.subtract(geometry.input_size, geometry.content_size)
    padded = cv2.copyMakeBorder(content, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return normalise(torch.from_numpy(padded)[None], mean, std), geometry


def brightness(tensor: Tensor, geometry: ImageGeometry) -> np.ndarray:
    """
    Read an image's brightness off the network's input.

    :param tensor: (1,3,h,w) float32, from :func:`preprocess`.
    :param geometry: how the image lies in it.
    :return: (height,width) float32, mean of the normalised channels, without the padding.
    """
    height, width = geometry.content_size
    return tensor[0, :, :height, :width].mean(dim=0).numpy()


def normalise(images: Tensor, mean: tuple[float, ...] = MEAN,
              std: tuple[float, ...] = STD) -> Tensor:
    """
    Normalise images for the network.

    :param images: (B,h,w,3) uint8 RGB.
    :param mean: of each channel, of values in [0,1].
    :param std: of each channel.
    :return: (B,3,h,w) float32.
    """
    scale = torch.tensor([1 / (255 * s) for s in std], device=images.device)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=images.device)
    return (images.float() * scale + shift).permute(0, 3, 1, 2).contiguous()
