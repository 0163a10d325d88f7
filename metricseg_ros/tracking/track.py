# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is remembered of one object."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metricseg_ros.structures import Instances
import numpy as np

SMOOTHING = 0.2
"""Share of the newest image in a track's velocity."""
WHOLE_SHARE = 0.9
"""An object is seen as a whole from this share of its whole area."""
SHRINKING = 0.98
"""What an image leaves of the whole area, so that an object may go away from the camera."""


@dataclass(frozen=True)
class View:
    """
    An object in one image.

    :param box: (4,) left, top, right, bottom of its mask in pixels, half open.
    :param crop: (h,w) bool, the mask inside the box.
    :param area: pixels of the mask.
    :param age: images since then.
    """

    box: np.ndarray
    crop: np.ndarray
    area: int
    age: int = 0

    @property
    def middle(self) -> np.ndarray:
        """Return (2,) x and y of the box's middle."""
        return (self.box[:2] + self.box[2:]) / 2

    def moved_box(self, velocity: np.ndarray) -> np.ndarray:
        """
        Tell where the object should be in the next image.

        :param velocity: (2,) x and y, in pixels an image.
        :return: (4,) its box.
        """
        shift = np.rint(velocity * (self.age + 1)).astype(self.box.dtype)
        return self.box + np.tile(shift, 2)


@dataclass(frozen=True)
class Track:
    """
    An object as it was seen.

    :param track_id: its id.
    :param last: the latest view.
    :param whole: the latest view that was not much smaller than those before, as the view of an
        object half hidden is; only such views tell where the object is.
    :param embedding: (D,) float32, the mean over the latest view; None where not known.
    :param velocity: (2,) float64, x and y, in pixels an image.
    :param seen: images in which it was seen.
    """

    track_id: int
    last: View
    whole: View
    embedding: np.ndarray | None
    velocity: np.ndarray
    seen: int = 1


def begun(track_id: int, instances: Instances, index: int) -> Track:
    """
    Begin to remember an object.

    :param track_id: its id.
    :param instances: what was found in an image.
    :param index: which of them.
    :return: its track, at rest.
    """
    view = _view(instances, index)
    return Track(track_id, view, view, _embedding(instances, index), np.zeros(2))


def continued(track: Track, instances: Instances, index: int) -> Track:
    """
    Take over where an object is now.

    :param track: of the object.
    :param instances: what was found in the next image.
    :param index: which of them it is.
    :return: its track.
    """
    view, whole = _view(instances, index), _aged(track.whole)
    velocity = track.velocity
    if view.area >= WHOLE_SHARE * SHRINKING ** whole.age * whole.area:
        step = (view.middle - whole.middle) / whole.age
        share = 1.0 if track.seen == 1 else SMOOTHING
        whole, velocity = view, share * step + (1 - share) * velocity
    return Track(track.track_id, view, whole, _embedding(instances, index), velocity,
                 track.seen + 1)


def missed(track: Track) -> Track:
    """
    Take over that an object is not seen now.

    :param track: of the object.
    :return: its track.
    """
    return replace(track, last=_aged(track.last), whole=_aged(track.whole))


def _aged(view: View) -> View:
    return replace(view, age=view.age + 1)


def _view(instances: Instances, index: int) -> View:
    crop = instances.crops[index]
    return View(instances.boxes[index], crop, int(np.count_nonzero(crop)))


def _embedding(instances: Instances, index: int) -> np.ndarray | None:
    return None if instances.embeddings is None else instances.embeddings[index]
