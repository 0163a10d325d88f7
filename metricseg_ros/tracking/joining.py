# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Parts of one object become one mask again.

What a thing shows, print or a handle, breaks its mask from one image to the next. Two masks that
touch are one object if their mean embeddings are similar, or if they are less similar, but fill
together the place of an object that was seen whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from metricseg_ros.similarity import similarity, squared_distances
from metricseg_ros.structures import Instances
from metricseg_ros.tracking.overlap import mask_overlaps, touch
from metricseg_ros.tracking.track import Track
import numpy as np
import torch

EXPECTED_SIMILARITY = 0.54
"""Smallest similarity of parts that lie where an object should be; 0.54 is a distance of 1."""
INSIDE = 0.8
"""Share of a part that must lie where the object should be."""
GAIN = 0.05
"""By how much the parts together must fit the object better than the best of them, in IoU."""


def joined_if_similar(instances: Instances, least: float) -> Instances:
    """Join masks that touch and whose mean embeddings are more similar than `least`."""
    return joined(instances, connected(instances, range(len(instances)), least))


def joined_if_expected(instances: Instances, tracks: Sequence[Track]
                       ) -> tuple[Instances, np.ndarray]:
    """
    Join masks that are together where an object should be.

    :param instances: N instances with embeddings.
    :return: N' <= N instances, and (N',) bool, which of them are held together so.
    """
    tracks = sorted((track for track in tracks if track.holds_together),
                    key=lambda track: -track.whole.area)
    ious, inside = mask_overlaps([track.whole for track in tracks], tracks, instances)
    areas, free, groups = instances.areas, set(range(len(instances))), []
    for track, fits, shares in zip(tracks, ious, inside, strict=True):
        parts = sorted(index for index in free if shares[index] >= INSIDE)
        for group in connected(instances, parts, EXPECTED_SIMILARITY):
            shared, area = (shares * areas)[group].sum(), areas[group].sum()
            fit = shared / (track.whole.area + area - shared)
            if len(group) > 1 and fit >= fits[group].max() + GAIN:
                groups.append(group)
                free -= set(group)
    everything = sorted([*groups, *([index] for index in free)])
    return joined(instances, everything), np.array([len(group) > 1 for group in everything], bool)


def connected(instances: Instances, chosen: Iterable[int], least: float) -> list[list[int]]:
    """
    Group masks that touch and are similar, one to the next.

    :param instances: N instances with embeddings.
    :param chosen: which of them to look at, in order.
    :param least: similarities above this one are enough.
    :return: groups of them, in order.
    """
    chosen = np.array(list(chosen), int)
    if len(chosen) < 2:
        return [[int(index)] for index in chosen]
    assert instances.embeddings is not None
    embeddings = torch.from_numpy(instances.embeddings[chosen])
    similar = similarity(squared_distances(embeddings, embeddings)).numpy() > least
    group_of = np.arange(len(chosen))
    for first, second in zip(*np.nonzero(np.triu(similar, 1)), strict=True):
        if group_of[first] != group_of[second] and touch(instances, chosen[first],
                                                         chosen[second]):
            group_of[group_of == group_of[second]] = group_of[first]
    return sorted(chosen[group_of == group].tolist() for group in np.unique(group_of))


def joined(instances: Instances, groups: Sequence[Sequence[int]]) -> Instances:
    """
    Make one instance of each group.

    :param instances: N instances, by decreasing score, with embeddings.
    :param groups: each of the N in one group, in order; groups in the order of their first.
    :return: the instances, numbered from 1; class, score and seed are those of the best part,
        embedding and colours the means over all pixels.
    """
    if len(groups) == len(instances):
        return instances
    areas, best = instances.areas, [group[0] for group in groups]
    placed = [_union(instances, group) for group in groups]

    def means(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else np.array(
            [np.average(values[group], axis=0, weights=areas[group]) for group in groups],
            values.dtype)
    return replace(
        instances[best], ids=np.arange(1, len(groups) + 1, dtype=np.uint16),
        boxes=np.array([box for box, _ in placed], np.int32),
        crops=tuple(crop for _, crop in placed),
        embeddings=means(instances.embeddings), colours=means(instances.colours))


def _union(instances: Instances, group: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the box around a group, (4,), and its mask in there."""
    if len(group) == 1:
        return instances.boxes[group[0]], instances.crops[group[0]]
    boxes = instances.boxes[group]
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    crop = np.zeros((high - low)[::-1], bool)
    for index, (left, top, right, bottom) in zip(group, boxes - np.tile(low, 2), strict=True):
        crop[top:bottom, left:right] |= instances.crops[index]
    return np.concatenate([low, high]), crop
