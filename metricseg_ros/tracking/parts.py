# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An object that is seen in parts keeps its id on the largest of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metricseg_ros.structures import Instances
from metricseg_ros.tracking.overlap import mask_overlaps, touch
from metricseg_ros.tracking.track import ESTABLISHED, Track

PART = 0.6
"""Share of a part that must lie where the object should be."""
LARGER = 1.1
"""How many times larger another part must be to take the id over."""


def to_largest_parts(row_of: Mapping[int, int], tracks: Sequence[Track],
                     instances: Instances) -> dict[int, int]:
    """
    Move ids of objects known for long to larger parts of them that just came up.

    The id would else stay on a small part, and pass to the large one when that is all that is
    seen. The small part takes what the large one had.

    :param row_of: instance -> object.
    """
    row_of = dict(row_of)
    recent = [index for index in range(len(instances))
              if index not in row_of or tracks[row_of[index]].seen <= ESTABLISHED]
    known = {row: index for index, row in row_of.items() if tracks[row].seen > 2 * ESTABLISHED}
    if not recent or not known:
        return row_of
    areas, objects = instances.areas, [tracks[row] for row in known]
    _, inside = mask_overlaps([track.whole for track in objects], objects, instances)
    for index in sorted(recent, key=lambda index: -areas[index]):
        for (row, small), shares in zip(known.items(), inside, strict=True):
            if (min(shares[index], shares[small]) >= PART
                    and areas[index] > LARGER * areas[small] and touch(instances, index, small)):
                had = row_of.pop(index, None)
                row_of.pop(small)
                row_of |= {index: row} if had is None else {index: row, small: had}
                known[row] = index
                break
    return row_of
