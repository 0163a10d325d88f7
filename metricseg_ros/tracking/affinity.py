# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How likely a remembered object and an instance are the same."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.config import TrackingConfig
from metricseg_ros.similarity import similarity, squared_distances
from metricseg_ros.structures import Instances
from metricseg_ros.tracking.track import Track, View
import numpy as np
import torch

MINIMUM_IOU = 0.3
"""Smallest IoU of an object in two images, where nothing is known of its embedding."""
DRIFT = 5
"""Images without a view after which the squared distance of an object to itself has doubled."""


def affinities(tracks: Sequence[Track], instances: Instances,
               config: TrackingConfig) -> np.ndarray:
    """
    Weigh every pair of a track and an instance.

    A pair needs embeddings that are similar enough; the overlap with where the object should be
    adds to that. A part of an object, as is seen when it comes out from behind another, overlaps
    little with the whole: that it lies inside counts half. Without embeddings the overlap with
    the latest view alone decides.

    :param tracks: T objects.
    :param instances: N instances of the next image.
    :param config: how to weigh.
    :return: (T,N) in [0,1], 0 where they cannot be the same.
    """
    overlaps, _ = mask_overlaps([track.last for track in tracks], tracks, instances)
    if not overlaps.size:
        return overlaps
    similarities = embedding_similarities(tracks, instances)
    if similarities is None:
        return np.where(overlaps >= MINIMUM_IOU, overlaps, 0)
    _, inside = mask_overlaps([track.whole for track in tracks], tracks, instances)
    weight = config.overlap_weight
    return np.where(similarities >= config.minimum_similarity,
                    weight * np.maximum(overlaps, inside / 2) + (1 - weight) * similarities, 0)


def embedding_similarities(tracks: Sequence[Track], instances: Instances) -> np.ndarray | None:
    """
    Compare mean embeddings by the similarity of the method (arXiv 1703.10277, eq. 1).

    An embedding tells of the place too, and so drifts while an object moves: the longer ago the
    latest view, the less a distance means.

    :param tracks: T objects, at least one.
    :param instances: N instances.
    :return: (T,N) float32 in [0,1]; None where an embedding is not known.
    """
    known = [track.embedding for track in tracks if track.embedding is not None]
    if instances.embeddings is None or len(known) < len(tracks):
        return None
    first = torch.from_numpy(np.stack(known))
    distances = squared_distances(first, torch.from_numpy(instances.embeddings))
    ages = torch.tensor([track.last.age for track in tracks])[:, None]
    return similarity(distances / (1 + ages / DRIFT)).numpy()


def mask_overlaps(views: Sequence[View], tracks: Sequence[Track],
                  instances: Instances) -> tuple[np.ndarray, np.ndarray]:
    """
    Overlay every instance with every object, moved to where it should be.

    :param views: T views, one of each object.
    :param tracks: T objects.
    :param instances: N instances.
    :return: (T,N) float32, the IoU of the masks, and (T,N), the share of the instance inside.
    """
    areas = instances.areas
    ious, inside = np.zeros((2, len(tracks), len(instances)), np.float32)
    for row, (view, track) in enumerate(zip(views, tracks, strict=True)):
        moved = view.moved_box(track.velocity)
        low = np.maximum(moved[:2], instances.boxes[:, :2])
        high = np.minimum(moved[2:], instances.boxes[:, 2:])
        for column in np.flatnonzero((low < high).all(axis=1)):
            window = np.concatenate([low[column], high[column]])
            shared = np.count_nonzero(
                _part(view.crop, moved, window)
                & _part(instances.crops[column], instances.boxes[column], window))
            ious[row, column] = shared / (view.area + areas[column] - shared)
            inside[row, column] = shared / areas[column]
    return ious, inside


def _part(crop: np.ndarray, box: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Cut a window (left, top, right, bottom), which lies in the box, out of a crop."""
    left, top, right, bottom = window - np.tile(box[:2], 2)
    return crop[top:bottom, left:right]
