# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Models as they lie on disk: a folder of model.json, model.onnx and weights.safetensors.

model.json tells how the network is built and fed, what its classes are, how it was trained and
measured, and the checksum of each file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
import hashlib
import json
import os
from pathlib import Path
import sys
from typing import Any

from metricseg_ros.config import from_dict, NetworkConfig

FORMAT_VERSION = 1
DESCRIPTION_FILE = 'model.json'
PACKAGE = 'metricseg_ros'


class ModelError(ValueError):
    """A model that is missing, damaged or not of this package; the text names the remedy."""


@dataclass(frozen=True)
class ModelDescription:
    """
    What a model's model.json says.

    :param input_size: (height, width) of the box images are fitted into.
    :param size_multiple: the network's input sides are multiples of this.
    :param mean: normalisation of each channel, of RGB values in [0,1].
    :param std: the same.
    :param classes: name of class id 1, 2, ...
    :param network: what the network is made of.
    :param checksums: file name -> SHA-256, in hexadecimal.
    :param precision: of model.onnx: fp32 or fp16; weights.safetensors is always fp32.
    :param card: everything else: training, figures, attributions.
    """

    folder: Path
    name: str
    input_size: tuple[int, int]
    size_multiple: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...]
    network: NetworkConfig
    checksums: dict[str, str]
    precision: str = 'fp32'
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def similarity_thresholds(self) -> tuple[float, ...]:
        """Return the similarity thresholds of the class head."""
        return self.network.similarity_thresholds

    @property
    def minimum_score(self) -> float | None:
        """Return the smallest score that was chosen for this model, None where none was."""
        return self.card.get('grouping', {}).get('minimum_score')

    @property
    def takes_depth(self) -> bool:
        """Return whether the network takes depth beside the image."""
        return self.network.depth

    def checked_file(self, name: str) -> Path:
        """
        Give a file of the model, once its checksum has been found right.

        :raises ModelError: if it is missing or not the file model.json speaks of.
        """
        path = self.folder / name
        if name not in self.checksums:
            raise ModelError(f'{self.folder / DESCRIPTION_FILE} lists no {name}: export the model '
                             'again, or use another backend')
        if not path.is_file():
            raise ModelError(f'{path} is missing: copy the whole model folder again')
        if sha256(path) != self.checksums[name]:
            raise ModelError(f'{path} is damaged or not the file of {DESCRIPTION_FILE} beside it '
                             '(its checksum differs): copy the whole model folder again')
        return path


def sha256(path: Path) -> str:
    """Compute a file's checksum: SHA-256 in hexadecimal."""
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def model_roots() -> list[Path]:
    """
    List the folders that shipped models may lie in, best first.

    :return: the source tree's, and the share folder of each prefix ROS or Python installed to.
    """
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    roots = [Path(__file__).resolve().parent.parent / 'models']
    roots += [Path(prefix) / 'share' / PACKAGE / 'models' for prefix in prefixes if prefix]
    return [root for root in roots if root.is_dir()]


def shipped_models() -> dict[str, Path]:
    """List the shipped models; return name -> folder."""
    found: dict[str, Path] = {}
    for root in model_roots():
        for path in sorted(root.glob(f'*/{DESCRIPTION_FILE}')):
            found.setdefault(path.parent.name, path.parent)
    return found


def find_model(name_or_path: str | Path) -> Path:
    """
    Find a model's folder.

    :param name_or_path: a shipped model's name, a model folder, or a file inside one.
    :raises ModelError: if there is no such model.
    """
    path = Path(name_or_path).expanduser()
    folder = path if path.is_dir() else path.parent
    if os.sep in str(name_or_path) or path.exists():
        if (folder / DESCRIPTION_FILE).is_file() and path.exists():
            return folder
        raise ModelError(f'no model at {path}: a model is a folder with {DESCRIPTION_FILE} and '
                         'model.onnx, as metricseg export writes it')
    shipped = shipped_models()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    raise ModelError(f'no shipped model is named {str(name_or_path)!r}: there are '
                     f'{", ".join(shipped) or "none"}; or give the path of a model folder')


def load_description(name_or_path: str | Path) -> ModelDescription:
    """
    Read a model's model.json.

    :param name_or_path: as for :func:`find_model`.
    :raises ModelError: if there is no such model, or model.json is not one of this package's.
    """
    folder = find_model(name_or_path)
    path = folder / DESCRIPTION_FILE
    try:
        content = json.loads(path.read_text())
        version = content['format_version']
        if version != FORMAT_VERSION:
            raise ModelError(f'{path} has format_version {version!r}, this package reads '
                             f'{FORMAT_VERSION}: use a model and a package that belong together')
        return _description(folder, content)
    except ModelError:
        raise
    except KeyError as error:
        raise ModelError(f'{path} lacks {error}: it is no model of this package') from error
    except (TypeError, ValueError, OSError) as error:
        raise ModelError(f'{path} cannot be read as a model ({error}): copy the whole model '
                         'folder again') from error


def _description(folder: Path, content: dict[str, Any]) -> ModelDescription:
    network = from_dict(NetworkConfig, content['network'])
    classes = tuple(content['classes'])
    if len(classes) != network.class_count:
        raise ValueError(f'classes must name the {network.class_count} classes of the network, '
                         f'got {classes}')
    score = content.get('grouping', {}).get('minimum_score', 0.0)
    if not isinstance(score, (int, float)) or not 0 <= score <= 1:
        raise ValueError(f'grouping.minimum_score must be in [0, 1], got {score!r}')
    known = {'format_version', 'name', 'input', 'classes', 'network', 'files', 'precision'}
    given = content['input']
    return ModelDescription(
        folder, content['name'], tuple(given['size']), given['size_multiple'],
        tuple(given['mean']), tuple(given['std']), classes, network, dict(content['files']),
        content.get('precision', 'fp32'),
        {key: value for key, value in content.items() if key not in known})
