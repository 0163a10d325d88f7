# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What was found, as labels that other programs open to be corrected.

```
DIR/labelme/NAME.jpg DIR/labelme/NAME.json          labelme DIR/labelme
DIR/coco/images/NAME.jpg DIR/coco/annotations.json  CVAT, Roboflow, Label Studio and others
```

Masks become outlines, since these are what people move the corners of: holes are filled, and an
edge may be off by a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
import json
from pathlib import Path
import shutil
from typing import Any

import cv2
from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.inputs import Frame
from metricseg_ros.inputs.codec import is_stored_as_seen, write_image
from metricseg_ros.structures import Instances
import numpy as np

FORMATS = ('coco', 'labelme')
SHARP = 2
"""How much a mask is enlarged before its outline is followed, to run along the edges of pixels."""

TOLERANCE = 0.8
"""Largest distance of the outline from the mask's edge, in pixels."""


class PreLabels:
    """Writes a folder of images with their labels."""

    def __init__(self, kind: str, folder: Path, class_names: Sequence[str]) -> None:
        """
        Begin.

        :param kind: one of :data:`FORMATS`.
        :param folder: where the results go; the labels get a folder in it.
        :raises FileExistsError: if there is one: somebody may have corrected what is in it.
        """
        self.kind, self.folder, self.class_names = kind, folder / kind, class_names
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        if self.folder.exists():
            raise FileExistsError(f'{self.folder} exists, and may have been corrected by hand: '
                                  'move it away')
        self.image_folder = self.folder / 'images' if kind == 'coco' else self.folder
        self.image_folder.mkdir(parents=True)

    def write(self, name: str, frame: Frame, instances: Instances) -> None:
        """
        Write an image and its labels.

        :param name: free of other images'.
        """
        file_name = self._write_image(name, frame)
        outlined = [(self.class_names[class_id - 1], outlines(crop, box)) for class_id, crop, box
                    in zip(instances.class_ids.tolist(), instances.crops, instances.boxes)]
        if self.kind == 'labelme':
            write_atomically(self.folder / f'{name}.json', _json(
                labelme_file(file_name, instances.image_size, outlined)))
        else:
            self._add_to_coco(file_name, instances, outlined)

    def close(self) -> None:
        """Write what belongs to all images."""
        if self.kind == 'coco':
            categories = [{'id': number, 'name': name}
                          for number, name in enumerate(self.class_names, start=1)]
            write_atomically(self.folder / 'annotations.json', _json(
                {'images': self.images, 'annotations': self.annotations,
                 'categories': categories}))

    def _write_image(self, name: str, frame: Frame) -> str:
        """Copy the file where it shows what was segmented, or write the image."""
        source = Path(frame.source)
        if is_stored_as_seen(source, frame.image):
            file_name = f'{name}{source.suffix.lower()}'
            shutil.copyfile(source, self.image_folder / file_name)
            return file_name
        write_image(self.image_folder / f'{name}.png', frame.image)
        return f'{name}.png'

    def _add_to_coco(self, file_name: str, instances: Instances,
                     outlined: Sequence[tuple[str, list[np.ndarray]]]) -> None:
        height, width = instances.image_size
        image_id = len(self.images) + 1
        self.images.append({'id': image_id, 'file_name': file_name, 'height': height,
                            'width': width})
        for index, (_, rings) in enumerate(outlined):
            left, top, right, bottom = instances.boxes[index].tolist()
            self.annotations.append({
                'id': len(self.annotations) + 1, 'image_id': image_id,
                'category_id': int(instances.class_ids[index]), 'iscrowd': 0,
                'segmentation': [ring.ravel().tolist() for ring in rings],
                'bbox': [left, top, right - left, bottom - top],
                'area': int(instances.areas[index]), 'score': float(instances.scores[index])})


def outlines(crop: np.ndarray, box: np.ndarray) -> list[np.ndarray]:
    """
    Follow the outline of each piece of a mask.

    :param crop: (h,w) bool, the mask in its box.
    :param box: (4,) left, top, right, bottom in the image.
    :return: (P,2) (x, y) of each, where whole numbers are corners of pixels.
    """
    large = cv2.resize(crop.view(np.uint8), None, fx=SHARP, fy=SHARP,
                       interpolation=cv2.INTER_NEAREST)
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rings = [cv2.approxPolyDP(ring, TOLERANCE * SHARP, closed=True)[:, 0] for ring in found]
    return [(ring + 0.5) / SHARP + box[:2] for ring in rings if len(ring) >= 3]


def labelme_file(image: str, size: tuple[int, int],
                 outlined: Sequence[tuple[str, list[np.ndarray]]]) -> dict[str, Any]:
    """
    Say in labelme's words what an image shows.

    :param image: its file, beside this one.
    :param outlined: class and outlines of each object; the pieces of one object get a group.
    :return: content of its JSON file.
    """
    shapes = [{'label': name, 'points': ring.tolist(), 'shape_type': 'polygon', 'flags': {},
               'group_id': number if len(rings) > 1 else None, 'description': ''}
              for number, (name, rings) in enumerate(outlined, start=1) for ring in rings]
    return {'version': '5.5.0', 'flags': {}, 'shapes': shapes, 'imagePath': image,
            'imageData': None, 'imageHeight': size[0], 'imageWidth': size[1]}


def _json(content: Any) -> bytes:
    return (json.dumps(content) + '\n').encode()
