# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Masks that show no object but what objects lie on or in: a table, a floor, a bin.

A support is a plane that nothing is below, or the largest plane if it is longer than any object.
A mask that lies in it belongs to it, unless it stands out: flat things such as a card or a sheet
lie in it, too, but rise at their outline or differ in colour there; a box's lid ends where
everything falls off.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
from metricseg_ros.config import SupportConfig
from metricseg_ros.planes import fit_planes, Plane, sample_points, tolerance
from metricseg_ros.structures import DepthImage, PlacedMask
from metricseg_ros.threads import single_threaded
import numpy as np

MOST_PLANES = 5
"""Planes of one image that are looked at: the bottom of a bin and its sides."""
MOST_BELOW = 0.05
"""Share of the known depth that may lie below a plane that nothing is below: noise."""
LEAST_KNOWN = 0.1
"""Share of a mask's pixels whose depth must be known for it to be judged."""
RIM = 1 / 160
"""Width of the rims inside and outside an outline that are compared, in shorter image sides."""
LEAST_RISE = 1 / 3
"""Height of a flat thing above the plane around it, in tolerances of the plane: 4 mm nearby."""
LEAST_CONTRAST = 10.0
"""Change of a colour's value from one pixel to the next that is an edge, on a plain support."""
LEAST_STANDING = 2 / 3
"""Share of the outline with an edge or a fall that a flat thing has at least."""
TEXTURE = 1.5
"""Contrast of an edge, in contrasts that a tenth of a surface's own texture exceeds."""
MOST_POINTS = 500
"""Points of a mask by which its length is measured."""
EXTENT_QUANTILES = (0.02, 0.98)
"""Between which points of a surface its length is measured."""


@single_threaded()
def are_supports(masks: Sequence[PlacedMask], image: np.ndarray, depth: DepthImage,
                 config: SupportConfig) -> np.ndarray:
    """Tell which masks are parts of a support."""
    planes = support_planes(depth, config) if len(masks) else []
    return np.array([any(_belongs(mask, plane, image, depth, config) for plane in planes)
                     for mask in masks], bool)


def support_planes(depth: DepthImage, config: SupportConfig) -> list[Plane]:
    """Find the planes that things may lie on or in."""
    points = sample_points(depth.metres, depth.camera)
    planes = fit_planes(depth.metres, depth.camera, MOST_PLANES, config.minimum_plane)
    found = []
    for index, plane in enumerate(planes):
        heights, tolerances = points @ plane.normal + plane.offset, tolerance(points[:, 2])
        inside = points[np.abs(heights) <= tolerances]
        if ((heights < -2 * tolerances).mean() <= MOST_BELOW
                or (index == 0 and length_of(inside) > config.largest_object)):
            found.append(plane)
    return found


def length_of(points: np.ndarray) -> float:
    """Measure the longest direction of points (M,3), without what sticks out at its ends."""
    if len(points) < 2:
        return 0.0
    along = points @ np.linalg.svd(np.cov(points.T))[0][:, 0]
    low, high = np.quantile(along, EXTENT_QUANTILES)
    return float(high - low)


def _belongs(mask: PlacedMask, plane: Plane, image: np.ndarray, depth: DepthImage,
             config: SupportConfig) -> bool:
    """Tell whether a mask lies in a plane and does not stand out of it."""
    rim = max(2, round(min(image.shape[:2]) * RIM))
    inside, rows, columns = _with_surroundings(mask, 4 * rim, image.shape[:2])
    metres, camera = depth.metres[rows, columns], depth.camera.moved(rows.start, columns.start)
    known = inside & (metres > 0)
    levels = plane.heights(metres, camera) / tolerance(metres, config.tolerance)
    if (np.count_nonzero(known) < max(1, LEAST_KNOWN * np.count_nonzero(inside))
            or (np.abs(levels[known]) <= 1).mean() < config.minimum_share):
        return False
    places = np.argwhere(known)[::-(-np.count_nonzero(known) // MOST_POINTS)]
    is_large = length_of(camera.points(places[:, 1], places[:, 0], metres[tuple(places.T)])
                         ) > config.largest_object
    return not stands_out(inside, levels, image[rows, columns], rim, is_large)


def _with_surroundings(mask: PlacedMask, margin: int, size: tuple[int, int]
                       ) -> tuple[np.ndarray, slice, slice]:
    """Return (h,w) bool, a mask with a margin as far as the image has it, and where that is."""
    (left, top, right, bottom), crop = mask
    rows = slice(max(0, top - margin), min(size[0], bottom + margin))
    columns = slice(max(0, left - margin), min(size[1], right + margin))
    inside = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    inside[top - rows.start:bottom - rows.start, left - columns.start:right - columns.start] = crop
    return inside, rows, columns


def stands_out(inside: np.ndarray, levels: np.ndarray, colours: np.ndarray, rim: int,
               is_large: bool) -> bool:
    """
    Tell a flat thing that lies on a plane from a part of the plane by what is along its outline.

    :param inside: (h,w) bool, a mask with its surroundings.
    :param levels: (h,w), heights above the plane in tolerances; NaN where not known.
    :param colours: (h,w,3) uint8 RGB.
    :param rim: width of the rims that are compared, in pixels.
    :param is_large: whether it is larger than any object; colours and small steps say nothing
        then.
    :return: whether it rises above the plane around it; or whether, along most of its outline,
        the plane falls off or there is an edge.
    """
    def grown(width: int) -> np.ndarray:
        return cv2.dilate(inside.view(np.uint8), _disc(width)).view(bool)

    def shrunk(width: int) -> np.ndarray:
        return cv2.erode(inside.view(np.uint8), _disc(width), borderValue=1).view(bool)

    outer_rim, in_plane = grown(2 * rim) & ~grown(rim), np.abs(levels) <= 1
    # What stands there is seen up to its edge in colour, but not always in depth.
    standing = cv2.morphologyEx((levels > 1).view(np.uint8), cv2.MORPH_OPEN, _disc(1))
    goes_on = outer_rim & in_plane & ~cv2.dilate(standing, _disc(2 * rim)).view(bool)
    falls_off = np.count_nonzero(outer_rim & (levels < -1))
    if is_large:
        return falls_off > LEAST_STANDING * (falls_off + np.count_nonzero(goes_on))
    inner_rim = shrunk(rim) & ~shrunk(2 * rim) & in_plane
    if (goes_on.any() and inner_rim.any()
            and np.median(levels[inner_rim]) - np.median(levels[goes_on]) >= LEAST_RISE):
        return True
    contrast, outside = colour_gradient(colours), in_plane & ~grown(2 * rim)
    # Of a thing of many colours on a plain table, or of a plain one beside others like it.
    texture = min((np.quantile(contrast[part], 0.9) for part in (shrunk(2 * rim), outside)
                   if part.any()), default=0.0)
    edge = (contrast >= max(LEAST_CONTRAST, TEXTURE * texture)) & grown(rim) & ~shrunk(rim)
    edged = np.count_nonzero(goes_on & cv2.dilate(edge.view(np.uint8), _disc(2 * rim)).view(bool))
    return falls_off + edged >= LEAST_STANDING * (falls_off + np.count_nonzero(goes_on))


def colour_gradient(colours: np.ndarray) -> np.ndarray:
    """
    Measure how fast colours change.

    :param colours: (h,w,3) uint8.
    :return: (h,w) float32, change from a pixel to the next of the channel that changes most.
    """
    smooth = cv2.GaussianBlur(colours, (3, 3), 0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    return np.hypot(across, down).max(axis=2)


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
