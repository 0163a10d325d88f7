# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Results on disk: overlays, label maps and one JSON file; the overlays as one video, too, if asked.

```
FOLDER/overlay/NAME.jpg      FOLDER/label_map/NAME.png      FOLDER/instances.json
FOLDER/overlay.mp4
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.config import OverlayConfig
from metricseg_ros.inputs import Frame
from metricseg_ros.inputs.codec import encode
from metricseg_ros.overlay import draw_overlay
from metricseg_ros.overlay.video import OverlayVideo
from metricseg_ros.structures import Instances

LONGEST_NAME = 200
"""Bytes of a name, to which a number and a suffix are added; file systems allow 255."""
VIDEO = 'overlay.mp4'


class ResultsFolder:
    """
    Writes the instances of image after image; a context manager.

    The JSON file is written, and the video finished, when the context is left, however it is left.
    """

    def __init__(self, folder: Path, class_names: Sequence[str], overlay: OverlayConfig,
                 about: Mapping[str, Any], overwrite: bool = False,
                 video_rate: float | None = None) -> None:
        """
        Make the folder.

        :param class_names: names of the classes; class id i is `class_names[i - 1]`.
        :param about: what the JSON file says before the images: model, backend and so on.
        :param video_rate: images a second of the video; None for no video.
        :raises FileExistsError: if there are results already and `overwrite` is false.
        :raises NotADirectoryError: if the folder is a file.
        """
        if folder.is_file():
            raise NotADirectoryError(f'{folder} is a file: choose a folder for the results')
        self.folder, self.class_names, self.overlay = folder, class_names, overlay
        self.about, self.records = dict(about), list[dict[str, Any]]()
        self._names = set[str]()
        if self.path.exists():
            if not overwrite:
                raise FileExistsError(f'{self.path} exists: choose another folder or --overwrite')
            _remove_results(folder, self.path)
        for name in ('overlay', 'label_map'):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._video = None if video_rate is None else OverlayVideo(folder / VIDEO, video_rate)
        self.about['video'] = None if video_rate is None else VIDEO

    @property
    def path(self) -> Path:
        """Give the path of the JSON file."""
        return self.folder / 'instances.json'

    @property
    def content(self) -> dict[str, Any]:
        """Give what the JSON file says so far."""
        return {**self.about, 'images': self.records}

    def __enter__(self) -> ResultsFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        """Write the JSON file with all images that are done, and finish the video."""
        if self._video:
            self._video.close()
        write_json(self.path, self.content)

    def write(self, frame: Frame, instances: Instances) -> dict[str, Any]:
        """
        Write one image's overlay and label map.

        :param frame: the image; if its name is taken, a number is added.
        :return: its entry in the JSON file.
        :raises ValueError: if the overlay is too large for a JPEG; then nothing is written.
        :raises OSError: if a file cannot be written.
        """
        drawn = draw_overlay(frame.image, instances, self.class_names, self.overlay)
        overlay = encode(drawn, '.jpg')
        label_map = encode(instances.label_map, '.png')
        name = self._free_name(frame.name)
        (self.folder / 'overlay' / f'{name}.jpg').write_bytes(overlay)
        (self.folder / 'label_map' / f'{name}.png').write_bytes(label_map)
        if self._video:
            self._video.write(drawn)
        self.records.append(image_record(name, frame, instances, self.class_names))
        return self.records[-1]

    def _free_name(self, name: str) -> str:
        name = os.fsdecode(os.fsencode(name)[:LONGEST_NAME])
        free, number = name, 1
        while free in self._names:
            number += 1
            free = f'{name}-{number}'
        self._names.add(free)
        return free


def image_record(name: str, frame: Frame, instances: Instances,
                 class_names: Sequence[str]) -> dict[str, Any]:
    """
    Say of one image what the JSON file says.

    :param name: name of its overlay and label map, without suffix.
    :param class_names: names of the classes; class id i is `class_names[i - 1]`.
    :return: plain values, ready for JSON; sizes are (height, width), boxes xyxy half open, seeds
        (row, col), times milliseconds.
    """
    columns = zip(instances.ids.tolist(), instances.class_ids.tolist(), instances.scores.tolist(),
                  instances.boxes.tolist(), instances.areas.tolist(), instances.seeds.tolist(),
                  instances.similarity_thresholds.tolist(), strict=True)
    return {
        'name': name, 'source': frame.source, 'stamp_ns': frame.stamp_ns,
        'size': list(instances.image_size),
        'stage_ms': {stage: round(took, 3) for stage, took in instances.stage_ms.items()},
        'depth_used': frame.depth is not None, 'dropped_support': instances.dropped_support,
        'instances': [
            {'id': instance_id, 'class_id': class_id, 'class_name': class_names[class_id - 1],
             'score': round(score, 5), 'box': box, 'area': area, 'seed': seed,
             'similarity_threshold': round(threshold, 5)}
            for instance_id, class_id, score, box, area, seed, threshold in columns],
    }


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that it is there whole or not at all; its folder exists."""
    write_atomically(path, (json.dumps(value, indent=1) + '\n').encode())


def _remove_results(folder: Path, path: Path) -> None:
    """Remove the files that an earlier run's JSON file lists, and that file; nothing else."""
    try:
        content = json.loads(path.read_text())
        names = [Path(record['name']).name for record in content['images']]
    except (ValueError, KeyError, TypeError):
        raise FileExistsError(f'{path} is not of this program: choose another folder') from None
    for name in names:
        (folder / 'overlay' / f'{name}.jpg').unlink(missing_ok=True)
        (folder / 'label_map' / f'{name}.png').unlink(missing_ok=True)
    if content.get('video'):
        (folder / VIDEO).unlink(missing_ok=True)
    path.unlink()
