# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From instances of single images to objects that keep their id."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL, TrackingConfig
from metricseg_ros.structures import Instances
from metricseg_ros.threads import single_threaded
from metricseg_ros.tracking.affinity import affinities
from metricseg_ros.tracking.assignment import assign
from metricseg_ros.tracking.colours import colour_shares
from metricseg_ros.tracking.joining import joined_if_expected, joined_if_similar
from metricseg_ros.tracking.parts import to_largest_parts
from metricseg_ros.tracking.track import ESTABLISHED, new_track, not_seen, seen_again, Track
import numpy as np


class Tracker:
    """
    Give the instances of one camera's images ids that last.

    An object is recognised by its colours, by the mean embedding of its mask and by where its
    mask should be. It is remembered while it is hidden. Parts of one object are joined first.

    :ivar config: may be replaced between two images, by any thread.
    """

    def __init__(self, config: TrackingConfig | None = None) -> None:
        """
        Begin without any object.

        :param config: how to track; by default it is switched on.
        """
        self.config = config or TrackingConfig(enabled=True)
        self._tracks: list[Track] = []
        self._last_id = BACKGROUND

    @single_threaded()
    def update(self, instances: Instances, image: np.ndarray | None = None) -> Instances:
        """
        Tell which objects the instances of the next image are.

        :param instances: N instances, numbered in any way.
        :param image: (H,W,3) uint8 RGB, in which they were found; without it colours are not
            known.
        :return: the same in the same order, parts of one object joined, with the objects' ids.
        """
        config = self.config
        if not config.enabled:
            self.reset()
            return instances
        if image is not None:
            instances = replace(instances, colours=colour_shares(image, instances))
        instances, held = self._joined(instances)
        matches = assign(affinities(self._tracks, instances, config))
        row_of = to_largest_parts({column: row for row, column in matches}, self._tracks,
                                  instances)
        hidden = self._hidden(set(row_of.values()), config.memory)
        present: list[Track] = []
        for index in range(len(instances)):
            present.append(
                seen_again(self._tracks[row_of[index]], instances, index, held[index])
                if index in row_of else new_track(self._new_id(), instances, index))
        self._tracks = present + hidden
        return replace(instances, ids=np.array([track.track_id for track in present], np.uint16))

    def reset(self) -> None:
        """Forget every object, as after a change of the network; no id is given twice."""
        self._tracks = []

    def _joined(self, instances: Instances) -> tuple[Instances, np.ndarray]:
        """Return N' <= N instances, and (N',) bool, which are held together as they were."""
        least = self.config.join_similarity
        if instances.embeddings is None or least == 1:
            return instances, np.zeros(len(instances), bool)
        return joined_if_expected(joined_if_similar(instances, least), self._tracks)

    def _hidden(self, matched: set[int], memory: int) -> list[Track]:
        """Return the tracks that are not seen now and not forgotten yet."""
        hidden = [not_seen(track) for row, track in enumerate(self._tracks) if row not in matched]
        return [track for track in hidden if track.last.age <= (
            memory if track.seen >= ESTABLISHED else min(memory, track.seen))]

    def _new_id(self) -> int:
        """Return the id longest unused: they come again only after all 65534 were given."""
        used = {track.track_id for track in self._tracks}
        while True:
            self._last_id = self._last_id % (IGNORE_LABEL - 1) + 1
            if self._last_id not in used:
                return self._last_id
