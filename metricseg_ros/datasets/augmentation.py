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
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.threads import single_threaded
import numpy as np
import torch
from torch import Tensor


@single_threaded()
def augment(sample: LabelledImage, size: tuple[int, int], rng: np.random.Generator,
            scales: tuple[float, float]) -> LabelledImage:
    """
    Scale, crop, mirror, turn and recolour.

    :param sample: what to change.
    :param size: (height, width) of the result.
    :param rng: source of randomness; the same state gives the same result.
    :param scales: smallest and largest size of the image relative to one that just fits into
        the result.
    :return: of that size. Instances that are no longer seen are left out, the others numbered
        without gaps, and what lies outside the image is ignored; there the image is mirrored, as
        a scene would go on.
    """
    image, label_map = random_window(sample.image, sample.label_map, size, rng, scales)
    label_map = without_grounds(label_map)
    with torch_seeded(rng):
        image, label_map = warp_and_recolour(image, label_map)
    return seen_only(replace(sample, image=image, label_map=label_map))


def random_window(image: np.ndarray, label_map: np.ndarray, size: tuple[int, int],
                  rng: np.random.Generator,
                  scales: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """
    Take a window of random scale and place.

    :param image: (H,W,3) uint8.
    :param label_map: (H,W) uint16.
    :param size: (height, width) of the window.
    :param rng: source of randomness.
    :param scales: smallest and largest scale, of which the logarithm is uniform.
    :return: (h,w,3) uint8 and (h,w) uint16.
    """
    scale = min(np.divide(size, label_map.shape)) * np.exp(rng.uniform(*np.log(scales)))
    scaled = tuple(max(1, round(side * scale)) for side in label_map.shape)
    image = cv2.resize(image, scaled[::-1],
                       interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    label_map = cv2.resize(label_map, scaled[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    slack = np.subtract(size, scaled)
    before = np.rint(slack * rng.random(2)).astype(int)
    crop = tuple(slice(max(0, -start), max(0, -start) + length)
                 for start, length in zip(before, size, strict=True))
    before, after = np.maximum(before, 0), np.maximum(slack - before, 0)
    borders = (before[0], after[0], before[1], after[1])
    return (cv2.copyMakeBorder(image[crop], *borders, cv2.BORDER_REFLECT),
            cv2.copyMakeBorder(label_map[crop], *borders, cv2.BORDER_CONSTANT,
                               value=IGNORE_LABEL))


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


def warp_and_recolour(image: np.ndarray, label_map: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Mirror and turn image and labels by one warp, and change the image's colours.

    :param image: (h,w,3) uint8.
    :param label_map: (h,w) uint16.
    :return: the same shapes and types; labels are ignored where the warp looked outside.
    """
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    # One more, so that the zeros that come from outside are told from background.
    labels = torch.from_numpy(label_map.astype(np.float32))[None, None] + 1
    pixels, labels = kornia_pipeline()(pixels, labels)
    return _as_image(pixels), _as_label_map(labels)


def _as_image(pixels: Tensor) -> np.ndarray:
    rounded = (pixels[0] * 255).round().clamp(0, 255).to(torch.uint8)
    return rounded.permute(1, 2, 0).contiguous().numpy()


def _as_label_map(labels: Tensor) -> np.ndarray:
    numbers = labels[0, 0].numpy().astype(np.int64)
    return np.where(numbers == 0, IGNORE_LABEL, numbers - 1).astype(np.uint16)


@cache
def kornia_pipeline() -> Any:
    """
    Build the changes that Kornia makes.

    :return: a module that takes (B,3,h,w) float32 pixels in [0,1] and (B,1,h,w) float32 labels.
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


def seen_only(sample: LabelledImage) -> LabelledImage:
    """
    Leave out the instances that have no pixel.

    :return: the same with labels 1, 2, ... in the old order, and the class ids that go with them.
    """
    numbers = np.full(IGNORE_LABEL + 1, IGNORE_LABEL, np.uint16)
    seen = np.unique(sample.label_map)
    kept = np.union1d([0], seen[seen != IGNORE_LABEL])
    numbers[kept] = np.arange(len(kept))
    return replace(sample, label_map=numbers[sample.label_map], class_ids=sample.class_ids[kept])
