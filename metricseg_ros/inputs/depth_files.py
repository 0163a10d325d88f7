# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth images and cameras in files, beside the images they belong to.

```
DIR/images/NAME.jpg   DIR/depth/NAME.png   DIR/camera.json
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Any
import warnings

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.inputs.codec import read_stored, write_image
from metricseg_ros.inputs.frame import DataWarning
from metricseg_ros.pinhole import depth_in_metres, implausible_depth, Intrinsics
from metricseg_ros.structures import DepthImage
import numpy as np

DEPTH_SUFFIXES = ('.png', '.tif', '.tiff', '.exr', '.npy')
OF_FILES = ('floating point must hold metres, 16 bits millimetres; or leave depth out by '
            'depth=false')
USUAL_FOCAL_LENGTH = 525 / 640
"""Focal length of the first depth cameras (Kinect, Xtion), in longer sides of the image."""
OF_A_CAMERA = ('fx', 'fy', 'cx', 'cy')
MILLIMETRES = 1000.0


@dataclass(frozen=True)
class DepthFolder:
    """
    Depth images beside images of the same names.

    :param root: the folder that holds depth/.
    :param paths: name of an image -> file of its depth.
    :param cameras: what camera.json says; None where there is none.
    """

    root: Path
    paths: Mapping[str, Path]
    cameras: Mapping[str, Any] | None = None

    def read(self, name: str, image_size: tuple[int, int]) -> DepthImage | None:
        """
        Read the depth of an image.

        :return: its depth; None where there is none.
        :raises ValueError: if a file cannot be read, or is for images of another size.
        """
        if name not in self.paths:
            return None
        metres = read_depth(self.paths[name])
        if metres.shape != tuple(image_size):
            raise ValueError(f'{self.paths[name]}: depth of {_size(metres.shape)} for an image of '
                             f'{_size(image_size)}; register it to the image, or leave it out by '
                             'depth=false')
        return DepthImage(metres, self._camera(name, image_size))

    def _camera(self, name: str, image_size: tuple[int, int]) -> Intrinsics:
        if self.cameras is None:
            return usual_camera(image_size)
        path = self.root / 'camera.json'
        given = self.cameras if 'fx' in self.cameras else self.cameras.get(name)
        if given is None:
            raise ValueError(f'{path}: no camera for {name!r}: must hold fx, fy, cx and cy, for '
                             'all images or for each by its name without suffix, got '
                             f'{", ".join(list(self.cameras)[:6]) or "nothing"}')
        return read_camera(given, image_size, path)


def open_depth_folder(root: Path, names: Sequence[str]) -> DepthFolder | None:
    """
    Look for depth beside images.

    :param root: the folder that may hold depth/ and camera.json.
    :param names: of the images, without suffix.
    :return: the depth; None where there is no folder depth/.
    :raises ValueError: if no depth image is named like an image, or camera.json is none.
    """
    folder = root / 'depth'
    if not folder.is_dir():
        return None
    found = [path for path in sorted(folder.iterdir())
             if path.suffix.lower() in DEPTH_SUFFIXES and not path.name.startswith('.')]
    files = {path.stem: path for path in found}
    if twice := [path for path in found if files[path.stem] != path]:
        raise ValueError(f'{folder}: {twice[0].name} and {files[twice[0].stem].name} are depth of '
                         'one image: take one of them away')
    paths = {name: files[name] for name in names if name in files}
    if not paths:
        raise ValueError(f'{folder}: no depth image ({" ".join(DEPTH_SUFFIXES)}) is named like an '
                         f'image, such as {names[0]}.png; mend the names, or leave depth out by '
                         'depth=false')
    return DepthFolder(root, paths, read_cameras(root / 'camera.json'))


def add_depth(root: Path, name: str, depth: DepthImage) -> None:
    """
    Write the depth of an image in millimetres, and its camera.

    :param root: the folder that holds images/; it may have depth already.
    :raises ValueError: if there is a camera.json that is none.
    """
    (root / 'depth').mkdir(exist_ok=True)
    before = {path.stem for path in (root / 'depth').iterdir()}
    cameras = dict(read_cameras(root / 'camera.json') or {})
    if 'fx' in cameras:  # One for all of these.
        cameras = dict.fromkeys(sorted(before), cameras)
    cameras[name] = asdict(depth.camera)
    write_atomically(root / 'camera.json', (json.dumps(cameras, indent=1) + '\n').encode())
    write_image(root / 'depth' / f'{name}.png', depth_image(depth.metres))


def depth_image(depth: np.ndarray) -> np.ndarray:
    """Turn (H,W) metres into uint16 millimetres; 0, not measured, from 65.5 m on."""
    millimetres = np.rint(depth * MILLIMETRES)
    return np.where(millimetres <= np.iinfo(np.uint16).max, millimetres, 0).astype(np.uint16)


def read_cameras(path: Path) -> Mapping[str, Any] | None:
    """
    Read camera.json.

    :return: fx, fy, cx and cy, or such by name of the image; None where there is no file.
    :raises ValueError: if it is of another form.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError) as error:
        raise ValueError(f'{path}: not JSON: {error}') from None
    if not isinstance(content, dict):
        raise ValueError(f'{path}: must hold fx, fy, cx and cy, for all images or for each by its '
                         f'name, got {content!r:.60}')
    return content


def read_camera(given: Any, image_size: tuple[int, int], where: Path) -> Intrinsics:
    """
    Read a camera.

    :param given: mapping with fx, fy, cx and cy in pixels; width and height are checked if there.
    :param image_size: (height, width) of the image.
    :param where: the file, for the message.
    :raises ValueError: if it is no camera, or of images of another size.
    """
    try:
        camera = Intrinsics(*(float(given[key]) for key in OF_A_CAMERA))
        size = (int(given.get('height', image_size[0])), int(given.get('width', image_size[1])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f'{where}: must hold fx, fy, cx and cy in pixels, for all images or for '
                         f'each by its name, got {error!r}') from None
    if size != tuple(image_size):
        raise ValueError(f'{where}: a camera of {_size(size)} for an image of '
                         f'{_size(image_size)}')
    return camera


def usual_camera(image_size: tuple[int, int]) -> Intrinsics:
    """Assume a camera where none is given: planes stay planes, heights are about right."""
    focal = USUAL_FOCAL_LENGTH * max(image_size)
    return Intrinsics(focal, focal, (image_size[1] - 1) / 2, (image_size[0] - 1) / 2)


def read_depth(path: Path) -> np.ndarray:
    """
    Read a depth image: 16 bits of millimetres, or floating-point metres.

    :param path: PNG, TIFF, NumPy's npy, or EXR where OpenCV reads it.
    :return: (H,W) float32 metres, 0 where it is not known.
    :raises ValueError: if it is missing, damaged, of another type or unit.
    """
    stored = _stored(path)
    if stored.ndim == 3 and (stored == stored[..., :1]).all():  # As some EXR files have it.
        stored = stored[..., 0]
    if stored.dtype.kind == 'f':
        stored = stored.astype(np.float32)
    try:
        metres = np.nan_to_num(depth_in_metres(stored), copy=False)
    except ValueError as error:
        raise ValueError(f'{path}: {error} (millimetres or metres)') from None
    if doubt := implausible_depth(metres, OF_FILES):
        raise ValueError(f'{path}: {doubt}')
    if not metres.any():
        warnings.warn(f'{path}: no pixel has a depth: all of it is 0, NaN or negative',
                      DataWarning, stacklevel=2)
    return metres


def _stored(path: Path) -> np.ndarray:
    try:
        return (np.load(path, allow_pickle=False) if path.suffix.lower() == '.npy'
                else read_stored(path))
    except (OSError, ValueError, EOFError) as error:
        remedy = (' (set OPENCV_IO_ENABLE_OPENEXR=1 for EXR)' if path.suffix.lower() == '.exr'
                  else '')
        reason = str(error).removeprefix(f'{path}: ').splitlines()[0]
        raise ValueError(f'{path}: not a depth image that can be read{remedy}: {reason}'
                         ) from None


def _size(size: tuple[int, ...]) -> str:
    return f'{size[1]}x{size[0]}'
