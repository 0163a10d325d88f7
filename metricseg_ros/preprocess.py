# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From an image to the network's input, and from the network's grid back to the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.planes import fit_dominant_plane, sample_grid
from metricseg_ros.structures import DepthImage, NetworkOutput
from metricseg_ros.threads import single_threaded
import numpy as np
import torch
from torch import Tensor

MEAN = (127 / 255, 127 / 255, 127 / 255)
STD = (128 / 255, 128 / 255, 128 / 255)
"""Normalisation EfficientNet-Lite was trained with, of RGB values in [0,1]."""

SAME_SURFACE = 1.02
"""Depths up to this many times the nearest are averaged with it when depth is resized."""
MOST_TAPS = 3
"""Pixels along a side that are looked at for one pixel of resized depth."""


class DepthTensors(NamedTuple):
    """
    What the network takes of the depth of B images.

    :param depth: (B,1,h,w) float32 metres, 0 where not known.
    :param camera: (B,5) float32, of :func:`camera_vector`.
    """

    depth: Tensor
    camera: Tensor


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
        rows, columns = (-(-content * grid // padded) for content, grid, padded in
                         zip(self.content_size, grid_size, self.input_size, strict=True))
        return rows, columns

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
    height, width = (max(1, round(side * scale)) for side in image_size)
    below, right = (-(-side // multiple) * multiple for side in (height, width))
    return ImageGeometry((image_size[0], image_size[1]), (height, width), (below, right))


def check_image(image: np.ndarray) -> None:
    """Raise ValueError unless an image is (H,W,3) uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f'image must be (H,W,3) uint8, got {image.shape} {image.dtype}')


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
    :return: (1,3,h,w) float32, and the geometry whose inverse takes masks back.
    :raises ValueError: if the image is not (H,W,3) uint8 with H and W at least 1.
    """
    check_image(image)
    geometry = fit_geometry((image.shape[0], image.shape[1]), box, multiple)
    height, width = geometry.content_size
    shrinks = height < image.shape[0]
    content = cv2.resize(np.ascontiguousarray(image), (width, height),
                         interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    below, right = np.subtract(geometry.input_size, geometry.content_size)
    padded = cv2.copyMakeBorder(content, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return normalise(torch.from_numpy(padded)[None], mean, std), geometry


@single_threaded()
def preprocess_depth(depth: DepthImage, geometry: ImageGeometry) -> DepthTensors:
    """
    Turn depth into the network's inputs.

    :param geometry: how the image lies in the network's input, from :func:`preprocess`.
    :raises ValueError: if the depth is of another size than the image.
    """
    height, width = geometry.content_size
    padded = _resized(depth, geometry, np.arange(height), np.arange(width))
    return DepthTensors(torch.from_numpy(padded)[None, None], _camera(padded, depth, geometry))


@single_threaded()
def preprocess_camera(depth: DepthImage, geometry: ImageGeometry) -> Tensor:
    """
    Turn depth into the network's input of the camera, without resizing more than that takes.

    :return: (1,5) float32, that of :func:`preprocess_depth`.
    :raises ValueError: if the depth is of another size than the image.
    """
    rows, columns = (line[line < side] for line, side in zip(
        sample_grid(geometry.input_size), geometry.content_size, strict=True))
    return _camera(_resized(depth, geometry, rows, columns), depth, geometry)


def _resized(depth: DepthImage, geometry: ImageGeometry, rows: np.ndarray,
             columns: np.ndarray) -> np.ndarray:
    """Return the network's input (h,w), known at some rows and columns alone."""
    if depth.metres.shape != geometry.image_size:
        raise ValueError(f'depth must be of the size of the image, {geometry.image_size}, got '
                         f'{depth.metres.shape}')
    padded = np.zeros(geometry.input_size, np.float32)
    taps = (taken[:, line] for taken, line in zip(
        depth_taps(geometry.image_size, geometry.content_size), (rows, columns), strict=True))
    padded[np.ix_(rows, columns)] = _nearest_surface(depth.metres, *taps)
    return padded


def _camera(padded: np.ndarray, depth: DepthImage, geometry: ImageGeometry) -> Tensor:
    camera = depth.camera.scaled(*np.divide(geometry.content_size, geometry.image_size))
    return torch.from_numpy(camera_vector(padded, camera))[None]


def no_depth(tensors: Tensor) -> DepthTensors:
    """Say of images (B,3,h,w) that depth is known nowhere."""
    batch, _, height, width = tensors.shape
    return DepthTensors(torch.zeros(batch, 1, height, width), torch.zeros(batch, 5))


def network_inputs(names: Sequence[str], tensor: Tensor,
                   depth: DepthTensors | None) -> dict[str, Tensor]:
    """
    Name what a network is given.

    :param names: of its inputs: the image, and for a network with depth what that consists of.
    :param tensor: (1,3,h,w).
    :return: name -> tensor.
    """
    return dict(zip(names, (tensor, *(depth or no_depth(tensor))), strict=False))


def batched(depths: Sequence[DepthTensors | None], tensor: Tensor) -> DepthTensors | None:
    """
    Put the depths of images of one size together.

    :param tensor: (1,3,h,w), one of the images.
    :return: of all of them; None where it is known of none.
    """
    if not any(depths):
        return None
    return DepthTensors(*map(torch.cat, zip(*(depth or no_depth(tensor) for depth in depths),
                                            strict=True)))


def resize_depth(metres: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """
    Resize depth without mixing surfaces: of the pixels that become one, the nearest surface.

    :param metres: (H,W) float32; not known where not positive or not finite.
    :param size: (height, width) wanted.
    :return: of that size; 0 where not known.
    """
    height, width = metres.shape
    return _nearest_surface(metres, *depth_taps((height, width), size))


def _nearest_surface(metres: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Average the nearest surface of the pixels in (T,h) rows and (S,w) columns: (h,w)."""
    stack = np.stack([metres[row][:, column] for row in rows for column in columns])
    stack = np.where((stack > 0) & (stack < np.inf), stack, np.float32(np.inf))
    nearest = stack.min(axis=0)
    same = stack <= nearest * np.float32(SAME_SURFACE)
    mean = np.where(same, stack, 0).sum(axis=0) / same.sum(axis=0)
    return np.where(np.isfinite(nearest), mean, 0).astype(np.float32)


def depth_taps(size: tuple[int, int], target: tuple[int, int]) -> list[np.ndarray]:
    """
    Choose the pixels that one pixel of resized depth is made of.

    :param size: (H,W) before.
    :param target: (h,w) after.
    :return: (T,h) rows and (S,w) columns, evenly in each new pixel.
    """
    taps = []
    for before, after in zip(size, target, strict=True):
        count = min(MOST_TAPS, -(-before // after))
        within = (np.arange(count)[:, None] + 0.5) / count
        places = ((np.arange(after) + within) * before / after).astype(int)
        taps.append(np.minimum(places, before - 1))
    return taps


def camera_vector(metres: np.ndarray, camera: Intrinsics) -> np.ndarray:
    """
    Tell the network what it needs of the pinhole and of the plane that things stand on.

    :param metres: (h,w) float32, the network's input; 0 where not known.
    :param camera: the pinhole in its pixels.
    :return: (5,) float32: focal length f in pixels, then A, B, C and d, so that a pixel of depth z
        at row r and column c, in units of the longer side from the centre, is z (A c + B r + C) +
        d above the dominant plane; these four are 0 where there is no such plane.
    """
    focal = np.sqrt(camera.fx * camera.fy)
    plane = fit_dominant_plane(metres, camera)
    if plane is None:
        return np.array([focal, 0, 0, 0, 0], np.float32)
    height, width = metres.shape
    x, y, z = plane.normal
    ahead = (x * ((width - 1) / 2 - camera.cx) / camera.fx
             + y * ((height - 1) / 2 - camera.cy) / camera.fy + z)
    longer = max(height, width)
    return np.array([focal, x * longer / camera.fx, y * longer / camera.fy, ahead, plane.offset],
                    np.float32)


def crop_to_content(output: NetworkOutput, geometry: ImageGeometry) -> NetworkOutput:
    """Leave out the part of the grid that shows only padding."""
    rows, columns = geometry.grid_content(output.grid_size)
    names, stride = output.name_logits, output.name_stride
    if names is not None:
        names = names[:, :-(-rows // stride), :-(-columns // stride)].contiguous()
    return replace(output, embeddings=output.embeddings[:, :rows, :columns].contiguous(),
                   class_logits=output.class_logits[:, :, :rows, :columns].contiguous(),
                   name_logits=names)


def brightness(tensor: Tensor, geometry: ImageGeometry) -> np.ndarray:
    """
    Read an image's brightness off the network's input.

    :param tensor: (1,3,h,w) float32, from :func:`preprocess`.
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
    :return: (B,3,h,w) float32.
    """
    scale = torch.tensor([1 / (255 * s) for s in std], device=images.device)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=images.device)
    return (images.float() * scale + shift).permute(0, 3, 1, 2).contiguous()
