# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What an engine was built for: all that must be the same for it to be used again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
import hashlib
import json
from typing import Any, NamedTuple


class InputSizes(NamedTuple):
    """
    Input sizes an engine takes, each (height, width).

    :param best: the one it is tuned for.
    """

    least: tuple[int, int]
    best: tuple[int, int]
    most: tuple[int, int]

    def __str__(self) -> str:
        """Return the sizes as 32x32 256x320 320x320."""
        return ' '.join(f'{height}x{width}' for height, width in self)


@dataclass(frozen=True)
class EngineKey:
    """
    What an engine depends on.

    :param onnx_sha256: checksum of the ONNX file.
    :param library: tensorrt or tensorrt_rtx.
    :param version: of TensorRT.
    :param multiprocessors: of the GPU, which large and small Orins do not tell by their name; 0
        where engines do not depend on their number.
    :param precision: fp32 or fp16.
    :param input_sizes: an :class:`InputSizes` as text.
    """

    onnx_sha256: str
    library: str
    version: str
    gpu: str
    compute_capability: str
    multiprocessors: int
    precision: str
    input_sizes: str

    @property
    def digest(self) -> str:
        """Return a name for the engine: another for every difference."""
        return _digest(asdict(self))

    @property
    def builder_digest(self) -> str:
        """Return a name for what engines of one TensorRT version and GPU have in common."""
        return _digest({name: getattr(self, name)
                        for name in ('library', 'version', 'gpu', 'compute_capability',
                                     'multiprocessors')})

    def difference(self, other: EngineKey) -> str:
        """
        Say what this is for and another engine is not.

        :return: such as 'version 10.7.0 (but for 10.3.0)'; empty if in nothing.
        """
        return ', '.join(
            f'{item.name} {getattr(self, item.name)} (but for {getattr(other, item.name)})'
            for item in fields(self) if getattr(self, item.name) != getattr(other, item.name))


def input_sizes(box: tuple[int, int], multiple: int) -> InputSizes:
    """
    Tell which input sizes images of any proportions need, upright or turned.

    :param box: (height, width) of the box images are fitted into.
    :param multiple: input sides are multiples of this.
    :return: from one multiple to the box's longer side, tuned for an image that fills the box.
    """
    height, width = (-(-side // multiple) * multiple for side in box)
    longest = max(height, width)
    return InputSizes((multiple, multiple), (height, width), (longest, longest))


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]
