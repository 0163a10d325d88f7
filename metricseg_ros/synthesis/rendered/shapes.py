# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Build triangle surfaces of simple shapes with texture coordinates."""

from __future__ import annotations

from metricseg_ros.synthesis.rendered.solids import Surface
from metricseg_ros.synthesis.rendered.wavefront import vertex_normals
import numpy as np

# Corners of a unit cube's six faces, counter-clockwise from outside, from the lower left one on.
_FACES = ((2, 0, 1, 3), (4, 6, 7, 5), (0, 4, 5, 1), (6, 2, 3, 7), (0, 2, 6, 4), (1, 5, 7, 3))


def grid_surface(points: np.ndarray, smooth: bool = True) -> Surface:
    """
    Join a grid of points to a surface whose texture covers it once.

    :param points: (R,C,3) positions; outside lies on the side of (next row) x (next column).
    :param smooth: shade across the edges between faces.
    """
    rows, cols = points.shape[:2]
    index = np.arange(rows * cols).reshape(rows, cols)
    a, b, c, d = (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:])
    quads = np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)
    v, u = np.mgrid[0:1:rows * 1j, 0:1:cols * 1j]
    texcoords = np.stack([u, v], -1).reshape(-1, 2)
    return finish(points.reshape(-1, 3), texcoords, quads, smooth)


def finish(vertices: np.ndarray, texcoords: np.ndarray, faces: np.ndarray,
           smooth: bool = False) -> Surface:
    """
    Add normals to triangles.

    :param vertices: (V,3) metres.
    :param texcoords: (V,2).
    :param faces: (F,3) indices.
    :param smooth: one normal a vertex instead of one a face.
    """
    if not smooth:
        vertices, texcoords = vertices[faces.ravel()], texcoords[faces.ravel()]
        faces = np.arange(len(vertices)).reshape(-1, 3)
    normals = vertex_normals(vertices, faces)
    return Surface(vertices.astype(np.float32), normals.astype(np.float32),
                   texcoords.astype(np.float32), faces.astype(np.int32))


def box(size: np.ndarray) -> Surface:
    """
    Build a box whose six faces show different parts of the texture, three in a row.

    They are those at -x, +x, -y, +y, -z, +z; the first four are upright.

    :param size: (3,) edge lengths in metres.
    """
    corners = (np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) - 0.5) * size
    vertices, texcoords, faces = [], [], []
    for number, face in enumerate(_FACES):
        left, top = number % 3 / 3, number // 3 / 2
        vertices += [corners[i] for i in face]
        texcoords += [[left, top + 0.5], [left + 1 / 3, top + 0.5], [left + 1 / 3, top],
                      [left, top]]
        faces += [[4 * number, 4 * number + 1, 4 * number + 2],
                  [4 * number, 4 * number + 2, 4 * number + 3]]
    return finish(np.array(vertices), np.array(texcoords), np.array(faces))


def superquadric(size: np.ndarray, squareness: tuple[float, float],
                 bumps: np.ndarray | None = None, steps: int = 24) -> Surface:
    """
    Build a sphere, rounded box, pillow or, with bumps, a fruit or stone.

    :param size: (3,) extents in metres.
    :param squareness: exponents along latitude and longitude: 1 round, 0.2 nearly square.
    :param bumps: (steps // 2 + 1, steps + 1) factors of the radius, or None.
    :param steps: points around the equator.
    """
    latitude = np.linspace(np.pi / 2, -np.pi / 2, steps // 2 + 1)[:, None]
    longitude = np.linspace(0, 2 * np.pi, steps + 1)[None]
    ring = _power(np.cos(latitude), squareness[0])
    x = ring * _power(np.cos(longitude), squareness[1])
    y = ring * _power(np.sin(longitude), squareness[1])
    z = _power(np.sin(latitude), squareness[0]) * np.ones_like(longitude)
    points = np.stack([x, y, z], -1) * np.asarray(size) / 2
    return grid_surface(points if bumps is None else points * bumps[..., None])


def lathe(radii: np.ndarray, heights: np.ndarray, steps: int = 24) -> Surface:
    """
    Turn a profile around the z axis.

    :param radii: (n,) metres.
    :param heights: (n,) metres; a profile that goes downwards has its outside outwards.
    :param steps: points around.
    :return: the surface, shaded flat across the sharp turns of the profile.
    """
    angle = np.linspace(0, 2 * np.pi, steps + 1)[None]
    x, y = radii[:, None] * np.cos(angle), radii[:, None] * np.sin(angle)
    return grid_surface(np.stack([x, y, heights[:, None] * np.ones_like(angle)], -1))


def prism(outline: np.ndarray, height: float) -> Surface:
    """
    Extrude a star-shaped outline.

    :param outline: (n,2) points around the origin, counter-clockwise, metres.
    :param height: extent along z in metres.
    """
    n = len(outline)
    flat = np.concatenate([outline, [[0.0, 0.0]]])
    top, bottom = (np.column_stack([flat, np.full(n + 1, h)]) for h in (height / 2, -height / 2))
    vertices = np.concatenate([top, bottom])
    i, j = np.arange(n), (np.arange(n) + 1) % n
    below, centre = n + 1, np.full(n, n)
    faces = np.concatenate([
        np.stack([i, j, centre], 1), np.stack([j, i, centre], 1) + below,
        np.stack([i, i + below, j + below], 1), np.stack([i, j + below, j], 1)])
    texcoords = (np.tile(flat, (2, 1)) - outline.min(0)) / np.ptp(outline, axis=0)
    return finish(vertices, texcoords, faces)


def tube(path: np.ndarray, radius: np.ndarray, steps: int = 8) -> Surface:
    """
    Sweep a circle along a path: pens, rods, handles, rings.

    :param path: (n,3) positions in metres.
    :param radius: (n,) metres.
    :param steps: points around.
    :return: the surface, open ends closed by a point where the radius is 0.
    """
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, np.eye(3)[np.argmin(np.abs(along).max(0))])
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    other = np.cross(along, aside)
    angle = np.linspace(0, 2 * np.pi, steps + 1)[None, :, None]
    circle = np.cos(angle) * aside[:, None] + np.sin(angle) * other[:, None]
    return grid_surface((path[:, None] + radius[:, None, None] * circle)[::-1])


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    return np.sign(values) * np.abs(values) ** exponent
