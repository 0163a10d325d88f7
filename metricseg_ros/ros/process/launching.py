# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the launch file makes of its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

CAMERA = '{camera}'
"""Stands for the camera's name in a topic."""


def camera_names(text: str) -> list[str]:
    """
    Read a list of cameras.

    :param text: as `[left,right]` or `left,right`; may be empty.
    :return: the names.
    :raises ValueError: if a name is missing between two commas.
    """
    inside = text.strip().removeprefix('[').removesuffix(']')
    names = [name.strip().strip('\'"') for name in inside.split(',')] if inside.strip() else []
    if not all(names):
        raise ValueError(f'cameras must be a list such as [left,right], got {text!r}')
    return names


def remappings(cameras: Sequence[str], topics: Mapping[str, str]) -> list[tuple[str, str]]:
    """
    Tell which topics the node's inputs are.

    :param cameras: names of the cameras; none for one without a name.
    :param topics: input, such as `image` -> topic; with cameras {camera} stands for the name, and
        a relative topic without it lies under the name.
    :return: pairs of what the node calls it and the topic.
    :raises ValueError: if all cameras would read one topic.
    """
    found = [(f'{camera}/{name}', _of_camera(name, topic, camera))
             for camera in cameras for name, topic in topics.items()] or list(topics.items())
    return found + [(f'{name}/compressed', f'{topic}/compressed') for name, topic in found
                    if name.rpartition('/')[2] == 'image']


def _of_camera(name: str, topic: str, camera: str) -> str:
    if CAMERA in topic:
        return topic.replace(CAMERA, camera)
    if topic.startswith(('/', '~')):
        raise ValueError(f'{name} must hold {CAMERA} where there are several cameras, as '
                         f'/{CAMERA}/image_raw, got {topic!r}')
    return f'{camera}/{topic}'
