# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is remembered of one object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from metricseg_ros.structures import Instances
import numpy as np

SMOOTHING = 0.2
"""Share of the newest image in a track's velocity."""
WHOLE_SHARE = 0.9
"""An object is seen as a whole from this share of its whole area."""
SHRINKING = 0.98
"""What an image leaves of the whole area, so that an object may go away from the camera."""
GROWING = 1.25
"""An object that has so much more area than before may be two that are seen as one."""
DOUBT = 3
"""Images for which that is not believed; most often a single image shows two as one."""
PATIENCE = 3
"""Images an object is held together for each image in which it was seen in one piece."""
WHOLE_IMAGES = 30
"""More images in one piece do not count."""
ESTABLISHED = 3
"""An object seen in fewer images may be a chance find."""
RECENT = 0.5
"""Share of the newest whole view in the colours."""


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
        """Give the box, (4,), where it should be next, by a velocity of x and y a step."""
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
    :param colours: (B,) float32, the mean over the latest whole views; None where not known.
    :param seen: images in which it was seen.
    :param whole_images: images in which it was seen whole and in one piece.
    :param broken_images: images since then in which its parts were held together.
    :param grown_images: latest images in which it suddenly had much more area.
    """

    track_id: int
    last: View
    whole: View
    embedding: np.ndarray | None
    velocity: np.ndarray
    colours: np.ndarray | None = None
    seen: int = 1
    whole_images: int = 1
    broken_images: int = 0
    grown_images: int = 0

    @property
    def holds_together(self) -> bool:
        """Tell whether it was seen in one piece often enough to be put together again."""
        return self.broken_images <= PATIENCE * self.whole_images


def new_track(track_id: int, instances: Instances, index: int) -> Track:
    """Begin to remember an object."""
    view = _view(instances, index)
    return Track(track_id, view, view, _row(instances.embeddings, index), np.zeros(2),
                 _row(instances.colours, index))


def seen_again(track: Track, instances: Instances, index: int, held: bool = False) -> Track:
    """
    Take over where an object is now.

    :param held: whether it was put together of parts because it should be whole.
    """
    view, whole = _view(instances, index), _aged(track.whole)
    track = replace(track, last=view, whole=whole, seen=track.seen + 1,
                    embedding=_row(instances.embeddings, index),
                    broken_images=track.broken_images + held,
                    grown_images=track.grown_images + 1
                    if view.area > GROWING * whole.area else 0)
    if 0 < track.grown_images <= DOUBT and track.seen > ESTABLISHED:
        return track
    if view.area < WHOLE_SHARE * SHRINKING ** whole.age * whole.area:
        return track
    step = (view.middle - whole.middle) / whole.age
    share = 1.0 if track.seen == 2 else SMOOTHING
    return replace(track, whole=view, velocity=share * step + (1 - share) * track.velocity,
                   colours=_mixed(track.colours, _row(instances.colours, index)),
                   **({} if held else _seen_whole(track, view)))


def _seen_whole(track: Track, view: View) -> dict[str, Any]:
    """Return the counts of a track after an image in which it is whole and in one piece."""
    if view.area > GROWING * track.whole.area:
        return {'whole_images': 1, 'broken_images': 0}
    return {'whole_images': min(track.whole_images + 1, WHOLE_IMAGES),
            'broken_images': max(track.broken_images - 1, 0)}


def _mixed(before: np.ndarray | None, now: np.ndarray | None) -> np.ndarray | None:
    return now if before is None or now is None else RECENT * now + (1 - RECENT) * before


def not_seen(track: Track) -> Track:
    """Take over that an object is not seen now."""
    return replace(track, last=_aged(track.last), whole=_aged(track.whole))


def _aged(view: View) -> View:
    return replace(view, age=view.age + 1)


def _view(instances: Instances, index: int) -> View:
    crop = instances.crops[index]
    return View(instances.boxes[index], crop, int(np.count_nonzero(crop)))


def _row(values: np.ndarray | None, index: int) -> np.ndarray | None:
    return None if values is None else values[index]
