# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How likely a remembered object and an instance are the same."""

from __future__ import annotations

from collections.abc import Sequence

from metricseg_ros.config import TrackingConfig
from metricseg_ros.similarity import similarity, squared_distances
from metricseg_ros.structures import Instances
from metricseg_ros.tracking.colours import colour_similarities
from metricseg_ros.tracking.overlap import mask_overlaps
from metricseg_ros.tracking.track import Track
import numpy as np
import torch

MINIMUM_IOU = 0.3
"""Smallest IoU of an object in two images, where nothing is known of its looks."""
DRIFT = 5
"""Images without a view after which the squared distance of an object to itself has doubled."""
STEADY_IOU, STEADY_SIMILARITY = 0.5, 0.5
"""From one image to the next an object of such overlap and embedding may change its colours, as
it does when the light changes."""
SENIORITY, SENIOR = 0.15, 30
"""What having been seen counts, against all else that tells who it is, and images after which it
counts no more: what breaks off an object, or is two in one, is most often gone again soon."""
SPREAD, SPREADING = 0.5, 0.3
"""How far an object is from where it should be, and how much farther for each image without a
view, as shares of its size."""


def affinities(tracks: Sequence[Track], instances: Instances,
               config: TrackingConfig) -> np.ndarray:
    """
    Weigh every pair of a track and an instance by place and by looks.

    A pair needs embeddings and colours that are similar enough. Where neither is known, the
    overlap with the latest view alone decides.

    :return: (T,N) in [0,1], 0 where they cannot be the same.
    """
    whole_overlaps, inside = mask_overlaps([track.whole for track in tracks], tracks, instances)
    if not whole_overlaps.size:
        return whole_overlaps
    overlaps = latest_overlaps(tracks, instances, whole_overlaps)
    embeddings = embedding_similarities(tracks, instances)
    colours = colours_of(tracks, instances)
    if embeddings is None and colours is None:
        return np.where(overlaps >= MINIMUM_IOU, overlaps, 0)
    weight = config.overlap_weight
    alike = (weight * nearness(tracks, instances, np.maximum(overlaps, whole_overlaps), inside)
             + (1 - weight) * appearance_similarities(tracks, embeddings, colours))
    known = np.array([min(track.seen, SENIOR) / SENIOR for track in tracks])[:, None]
    return np.where(possible_pairs(tracks, overlaps, embeddings, colours, config),
                    (alike + SENIORITY * known) / (1 + SENIORITY), 0)


def latest_overlaps(tracks: Sequence[Track], instances: Instances,
                    whole_overlaps: np.ndarray) -> np.ndarray:
    """
    Overlay every instance with the latest view of every object.

    :param whole_overlaps: (T,N), IoU with the views of them as a whole, most often the latest.
    :return: (T,N) IoU.
    """
    overlaps = whole_overlaps.copy()
    partly = [row for row, track in enumerate(tracks) if track.last.age < track.whole.age]
    if partly:
        overlaps[partly], _ = mask_overlaps([tracks[row].last for row in partly],
                                            [tracks[row] for row in partly], instances)
    return overlaps


def possible_pairs(tracks: Sequence[Track], overlaps: np.ndarray, embeddings: np.ndarray | None,
                   colours: np.ndarray | None, config: TrackingConfig) -> np.ndarray:
    """
    Tell which pairs can be the same by their looks.

    :param overlaps: (T,N), IoU with the latest views.
    :param embeddings: (T,N) similarities of embeddings, or None.
    :param colours: (T,N) similarities of colours, or None.
    :return: (T,N) bool.
    """
    possible, steady = np.ones(overlaps.shape, bool), np.zeros(overlaps.shape, bool)
    if embeddings is not None:
        possible = embeddings >= config.minimum_similarity
        steady = ((overlaps >= STEADY_IOU) & (embeddings >= STEADY_SIMILARITY)
                  & (_ages(tracks) == 0)[:, None])
    if colours is not None:
        possible &= steady | (colours >= config.minimum_colour_similarity)
    return possible


def nearness(tracks: Sequence[Track], instances: Instances, overlaps: np.ndarray,
             inside: np.ndarray) -> np.ndarray:
    """
    Tell how well instances lie where objects should be.

    A part of an object, as is seen when it comes out from behind another, overlaps little with
    the whole: that it lies inside counts half. The distance of the middles tells where masks do
    not overlap any more.

    :param overlaps: (T,N), IoU with the latest view or the one as a whole, what is more.
    :param inside: (T,N), share of an instance inside the view as a whole.
    :return: (T,N) in [0,1].
    """
    wholes = [track.whole for track in tracks]
    overlaps = np.maximum(overlaps, inside / 2)
    expected = np.array([view.middle + (view.age + 1) * track.velocity
                         for view, track in zip(wholes, tracks, strict=True)])
    middles = (instances.boxes[:, :2] + instances.boxes[:, 2:]) / 2
    distances = np.linalg.norm(middles - expected[:, None], axis=2)
    sizes = np.sqrt([view.area for view in wholes])
    spreads = sizes * (SPREAD + SPREADING * _ages(tracks))
    return (overlaps + np.exp(-(distances / spreads[:, None]) ** 2 / 2) / 2) / 1.5


def appearance_similarities(tracks: Sequence[Track], embeddings: np.ndarray | None,
                            colours: np.ndarray | None) -> np.ndarray:
    """
    Weigh embeddings, which drift, against colours, which stay.

    :param embeddings: (T,N) similarities of embeddings, or None; not both are None.
    :param colours: (T,N) similarities of colours, or None.
    :return: (T,N) in [0,1].
    """
    if embeddings is None or colours is None:
        known = embeddings if colours is None else colours
        assert known is not None
        return known
    return (colours + embeddings / (1 + _ages(tracks) / DRIFT)[:, None] / 2) / 1.5


def embedding_similarities(tracks: Sequence[Track], instances: Instances) -> np.ndarray | None:
    """
    Compare mean embeddings by the similarity of the method (arXiv 1703.10277, eq. 1).

    An embedding tells of the place too, and so drifts while an object moves: the longer ago the
    latest view, the less a distance means.

    :param tracks: T objects, at least one.
    :return: (T,N) float32 in [0,1]; None where an embedding is not known.
    """
    known = [track.embedding for track in tracks if track.embedding is not None]
    if instances.embeddings is None or len(known) < len(tracks):
        return None
    first = torch.from_numpy(np.stack(known))
    distances = squared_distances(first, torch.from_numpy(instances.embeddings))
    ages = torch.from_numpy(_ages(tracks))[:, None]
    return similarity(distances / (1 + ages / DRIFT)).numpy()


def colours_of(tracks: Sequence[Track], instances: Instances) -> np.ndarray | None:
    """Compare colours, (T,N) in [0,1]; None where colours are not known."""
    known = [track.colours for track in tracks if track.colours is not None]
    if instances.colours is None or len(known) < len(tracks):
        return None
    return colour_similarities(known, instances.colours)


def _ages(tracks: Sequence[Track]) -> np.ndarray:
    """Return (T,) float32, images since the latest view of each."""
    return np.array([track.last.age for track in tracks], np.float32)
