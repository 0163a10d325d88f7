# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Convert Wavefront OBJ models inside a zip archive to textured solids."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
import posixpath
import zipfile

import cv2
from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.synthesis.rendered.solids import Solid, solid_of, Surface
import numpy as np

TEXTURE_SIDE = 192
MAX_FACES = 6000  # finer models are thinned: they are seen at 100 pixels


def read_wavefront(archive: zipfile.ZipFile, path: str,
                   size: tuple[float, float, float]) -> list[Surface]:
    """
    Read a model as one surface per material, scaled to its real size.

    :param size: (width, depth, height) in metres of the finished model.
    :return: the surfaces, z up; empty where the model has no faces.
    """
    lines = archive.read(path).decode('latin-1').splitlines()
    arrays, groups, libraries = _parse(lines)
    folder = posixpath.dirname(path)
    materials: dict[str, dict] = {}
    for name in libraries:
        materials |= _materials(archive, posixpath.join(folder, name))
    cell = _thinning_cell(arrays['v'], sum(map(len, groups.values())))
    parts = [_surface(arrays, corners, materials.get(name, {}), cell)
             for name, corners in groups.items()]
    return _scaled([part for part in parts if len(part.faces)], size)


def save_converted(path: Path, surfaces: list[Surface]) -> None:
    """Write surfaces to a compressed file, whole or not at all."""
    content: dict[str, np.ndarray] = {}
    for index, part in enumerate(surfaces):
        content |= {f'{index}_{key}': getattr(part, key)
                    for key in ('vertices', 'normals', 'texcoords', 'faces')}
        content[f'{index}_colour'] = np.array(part.colour)
        content[f'{index}_texture'] = np.zeros(0) if part.texture is None else part.texture
    packed = BytesIO()
    np.savez_compressed(packed, count=len(surfaces), **content)
    write_atomically(path, packed.getvalue())


def load_converted(path: Path, name: str) -> Solid | None:
    """Read what save_converted wrote; None where the model had no faces."""
    with np.load(path) as content:
        count = int(content['count'])
        surfaces = [_stored_surface(content, index) for index in range(count)]
    return solid_of(name, surfaces) if surfaces else None


def _stored_surface(content: np.lib.npyio.NpzFile, index: int) -> Surface:
    arrays = [content[f'{index}_{k}'] for k in ('vertices', 'normals', 'texcoords', 'faces')]
    texture = content[f'{index}_texture']
    return Surface(*arrays, tuple(content[f'{index}_colour']), texture if texture.size else None)


def _parse(lines: list[str]) -> tuple[dict[str, np.ndarray], dict[str, list], list[str]]:
    rows: dict[str, list] = {'v': [], 'vt': [], 'vn': []}
    groups: dict[str, list] = {}
    libraries: list[str] = []
    material = ''
    for line in lines:
        key, _, rest = line.strip().partition(' ')
        if key in rows:
            rows[key].append([float(x) for x in rest.split()[:3 if key != 'vt' else 2]])
        elif key == 'f':
            counts = tuple(len(rows[k]) for k in ('v', 'vt', 'vn'))
            corners = [_corner(text, counts) for text in rest.split()]
            fan = [(corners[0], b, c) for b, c in zip(corners[1:], corners[2:])]
            groups.setdefault(material, []).extend(fan)
        elif key == 'usemtl':
            material = rest.strip()
        elif key == 'mtllib':
            libraries.append(rest.strip())
    arrays = {k: np.array(v or np.zeros((0, 2 if k == 'vt' else 3)), np.float32)
              for k, v in rows.items()}
    return arrays, groups, libraries


def _corner(text: str, counts: tuple[int, ...]) -> tuple[int, int, int]:
    numbers = (text.split('/') + ['', ''])[:3]
    return tuple(-1 if not n else int(n) - 1 if int(n) > 0 else int(n) + count
                 for n, count in zip(numbers, counts))


def _materials(archive: zipfile.ZipFile, path: str) -> dict[str, dict]:
    if path not in archive.namelist():
        return {}
    materials: dict[str, dict] = {}
    current: dict = {}
    for line in archive.read(path).decode('latin-1').splitlines():
        key, _, rest = line.strip().partition(' ')
        if key == 'newmtl':
            current = materials.setdefault(rest.strip(), {})
        elif key == 'Kd':
            current['colour'] = [float(x) for x in rest.split()[:3]]
        elif key == 'd':
            current['alpha'] = float(rest.split()[-1])
        elif key == 'map_Kd':
            name = posixpath.join(posixpath.dirname(path), rest.strip())
            current['texture'] = _texture(archive, name)
    return materials


def _texture(archive: zipfile.ZipFile, path: str) -> np.ndarray | None:
    if path not in archive.namelist():
        return None
    image = cv2.imdecode(np.frombuffer(archive.read(path), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    scale = TEXTURE_SIDE / max(image.shape)
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[..., ::-1])


def _thinning_cell(vertices: np.ndarray, faces: int) -> float:
    if faces <= MAX_FACES:
        return 0.0
    # A closed surface crosses about 3 n^2 of n^3 cells, with two faces in each.
    return float(np.ptp(vertices, axis=0).max() / np.sqrt(MAX_FACES / 4))


def _surface(arrays: dict[str, np.ndarray], corners: list, material: dict,
             cell: float) -> Surface:
    index, faces = np.unique(np.array(corners).reshape(-1, 3), axis=0, return_inverse=True)
    faces = faces.reshape(-1, 3)
    vertices = arrays['v'][index[:, 0]][:, [0, 2, 1]] * np.array([1, -1, 1], np.float32)
    texcoords = _looked_up(arrays['vt'], index[:, 1], 2) * [1, -1] + [0, 1]
    if cell:
        vertices = np.round(vertices / cell) * cell
    faces = _without_slivers(vertices, faces)
    normals = _looked_up(arrays['vn'], index[:, 2], 3)[:, [0, 2, 1]] * [1, -1, 1]
    weak = np.linalg.norm(normals, axis=1) < 0.1
    normals[weak] = vertex_normals(vertices, faces)[weak]
    faces = _wound_along(normals, vertices, faces)
    texture = material.get('texture')
    colour = (1.0, 1.0, 1.0) if texture is not None else material.get('colour', (0.7,) * 3)
    alpha = max(material.get('alpha', 1.0), 0.35)
    used, faces = np.unique(faces, return_inverse=True)
    parts = [np.asarray(a[used], np.float32) for a in (vertices, normals, texcoords)]
    return Surface(*parts, faces.reshape(-1, 3).astype(np.int32), (*colour, alpha), texture)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """
    Average the normals of the faces around every vertex.

    :param vertices: (V,3).
    :param faces: (F,3).
    :return: (V,3) unit vectors, z where a vertex has no face.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    total = np.zeros((len(vertices), 3))
    for i in range(3):
        np.add.at(total, faces[:, i], across)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-12, total / np.maximum(length, 1e-12), [0.0, 0.0, 1.0])


def _looked_up(rows: np.ndarray, index: np.ndarray, width: int) -> np.ndarray:
    if not len(rows):
        return np.zeros((len(index), width))
    return np.where(index[:, None] >= 0, rows[index], 0.0)


def _without_slivers(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return faces[np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-12]


def _wound_along(normals: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    along = np.einsum('ij,ij->i', np.cross(b - a, c - a), normals[faces].sum(1))
    return np.where(along[:, None] < 0, faces[:, ::-1], faces)


def _scaled(parts: list[Surface], size: tuple[float, float, float]) -> list[Surface]:
    if not parts:
        return []
    points = np.concatenate([part.vertices for part in parts])
    scale = np.array(size) / np.maximum(np.ptp(points, axis=0), 1e-6)
    return [Surface((p.vertices * scale).astype(np.float32), p.normals, p.texcoords, p.faces,
                    p.colour, p.texture, p.gloss) for p in parts]
