# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Random changes of a labelled image that leave the scene believable.

Kornia moves image and labels together and recolours; it needs torch alone and is maintained under
the Apache licence. Scaling is OpenCV's, since only that averages the pixels it merges, as the
segmenter does with its input.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import cv2
from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage, visible_instances
from metricseg_ros.preprocess import resize_depth
from metricseg_ros.structures import DepthImage
from metricseg_ros.threads import single_threaded
import numpy as np
import torch


@single_threaded()
def augment(sample: LabelledImage, size: tuple[int, int], rng: np.random.Generator,
            scales: tuple[float, float]) -> LabelledImage:
    """
    Scale, crop, mirror, turn and recolour.

    :param size: (height, width) of the result.
    :param rng: source of randomness; the same state gives the same result.
    :param scales: smallest and largest size of the image relative to one that just fits into
        the result.
    :return: of that size. Instances that are no longer seen are left out, the others numbered
        without gaps, and what lies outside the image is ignored; there the image is mirrored, as
        a scene would go on, and depth is not known.
    """
    sample = random_window(sample, size, rng, scales)
    sample = replace(sample, label_map=without_grounds(sample.label_map))
    with torch_seeded(rng):
        sample = warp_and_recolour(sample)
    return visible_instances(sample)


def random_window(sample: LabelledImage, size: tuple[int, int], rng: np.random.Generator,
                  scales: tuple[float, float]) -> LabelledImage:
    """
    Take a window of random scale and place.

    :param size: (height, width) of the window.
    :param scales: smallest and largest scale, of which the logarithm is uniform.
    :return: of that size; its pinhole is scaled and moved along.
    """
    before = sample.label_map.shape
    scale = min(np.divide(size, before)) * np.exp(rng.uniform(*np.log(scales)))
    scaled = tuple(max(1, round(side * scale)) for side in before)
    image = cv2.resize(sample.image, scaled[::-1],
                       interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    label_map = cv2.resize(sample.label_map, scaled[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    depth = sample.depth and DepthImage(resize_depth(sample.depth.metres, scaled),
                                        sample.depth.camera.scaled(*np.divide(scaled, before)))
    slack = np.subtract(size, scaled)
    start = np.rint(slack * rng.random(2)).astype(int)
    crop = tuple(slice(max(0, -first), max(0, -first) + length)
                 for first, length in zip(start, size, strict=True))
    above, below = np.maximum(start, 0), np.maximum(slack - start, 0)
    borders = (above[0], below[0], above[1], below[1])
    return replace(
        sample, image=cv2.copyMakeBorder(image[crop], *borders, cv2.BORDER_REFLECT),
        label_map=cv2.copyMakeBorder(label_map[crop], *borders, cv2.BORDER_CONSTANT,
                                     value=IGNORE_LABEL),
        depth=depth and DepthImage(
            cv2.copyMakeBorder(depth.metres[crop], *borders, cv2.BORDER_CONSTANT, value=0.0),
            depth.camera.moved(*-start)))


def without_grounds(label_map: np.ndarray) -> np.ndarray:
    """
    Take what fills the view for the ground that other things lie on.

    Close up nothing tells a tray from a table. What reaches all four sides becomes background,
    what reaches three is ignored.

    :param label_map: (h,w) uint16.
    :return: the same shape and type.
    """
    sides = (label_map[0], label_map[-1], label_map[:, 0], label_map[:, -1])
    met = sum(np.bincount(np.unique(side), minlength=IGNORE_LABEL + 1) for side in sides)
    met[[BACKGROUND, IGNORE_LABEL]] = 0
    new = np.arange(IGNORE_LABEL + 1, dtype=np.uint16)
    new[met == 3], new[met == 4] = IGNORE_LABEL, BACKGROUND
    return new[label_map]


def warp_and_recolour(sample: LabelledImage) -> LabelledImage:
    """
    Mirror and turn image, labels and depth by one warp, and change the image's colours.

    A plane stays a plane: 1/z is linear in the pixel, and so is the warp. The pinhole is left as
    it is.

    :param sample: (h,w).
    :return: the same size; labels are ignored and depth not known where the warp looked outside.
    """
    pixels = torch.from_numpy(sample.image).permute(2, 0, 1)[None].float() / 255
    # One more, so that the zeros that come from outside are told from background.
    maps = [torch.from_numpy(sample.label_map.astype(np.float32)) + 1]
    maps += [torch.from_numpy(sample.depth.metres)] if sample.depth else []
    pixels, warped = kornia_pipeline()(pixels, torch.stack(maps)[None])
    image = (pixels[0] * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    labels = warped[0, 0].numpy().astype(np.int64)
    return replace(sample, image=image.contiguous().numpy(),
                   label_map=np.where(labels == 0, IGNORE_LABEL, labels - 1).astype(np.uint16),
                   depth=sample.depth and replace(sample.depth, metres=warped[0, 1].numpy()))


@cache
def kornia_pipeline() -> Any:
    """
    Build the changes that Kornia makes.

    :return: a module that takes (B,3,h,w) float32 pixels in [0,1] and (B,C,h,w) float32 maps.
    """
    from kornia import augmentation as kornia
    from kornia.constants import DataKey, Resample, SamplePadding

    return kornia.AugmentationSequential(
        kornia.RandomHorizontalFlip(p=0.5),
        kornia.RandomAffine(15.0, shear=8.0, padding_mode='reflection', p=0.3),
        # Light and camera: exposure, contrast, saturation; its colour; its response; its lens.
        kornia.ColorJiggle(brightness=0.4, contrast=0.2, saturation=0.3, p=0.8),
        kornia.RandomRGBShift(0.1, 0.1, 0.1, p=0.5),
        kornia.RandomGamma((0.7, 1.4), p=0.5),
        kornia.RandomGrayscale(p=0.15),
        kornia.RandomGaussianBlur((5, 5), (0.3, 1.2), p=0.2),
        kornia.RandomGaussianNoise(std=0.02, p=0.4),
        data_keys=['input', 'mask'],
        extra_args={DataKey.MASK: {'resample': Resample.NEAREST, 'align_corners': False,
                                   'padding_mode': SamplePadding.ZEROS}})


@contextmanager
def torch_seeded(rng: np.random.Generator) -> Iterator[None]:
    """Let torch's CPU randomness follow from a generator, and put it back at the end."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        yield
