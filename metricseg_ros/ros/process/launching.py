# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the launch files make of their arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
import difflib
from pathlib import Path
import re
import sys
from typing import Any

from metricseg_ros.config import dotted_fields, NodeConfig, parse_value, with_values
import yaml

CAMERA = '{camera}'
"""Stands for the camera's name in a topic."""

ARGUMENTS = {
    'namespace': ('', 'Namespace of the cameras and of the segmenter.'),
    'cameras': ('', 'Cameras of one node, as [left,right], each with its topics under its name or '
                'where {camera} stands for it; empty for one without a name.'),
    'image': ('image', 'Image topic; its compressed version is <image>/compressed.'),
    'depth': ('depth', 'Topic of the depth that is registered to the image.'),
    'camera_info': ('camera_info', "Topic of the image's intrinsics."),
    'params_file': ('', "Parameter file of the node; empty takes the package's."),
    'model': ('', "Name or path of the model; empty takes the parameter file's."),
    'autostart': ('', "Whether the node activates itself; empty takes the parameter file's."),
    'use_sim_time': ('', 'Whether /clock tells the time, as with a recording; empty leaves it as '
                     'it is.'),
    'log_level': ('info', 'Lowest level that is logged.'),
}
"""Name -> default and description. Every parameter of the node may be given, too."""

SWITCHES = ['', 'true', 'True', 'false', 'False']
CHOICES = {'use_sim_time': SWITCHES, 'autostart': SWITCHES}
"""Name -> values it may have, so that a misspelt one is refused rather than taken for false."""

TOPICS = ('image', 'depth', 'camera_info')
"""Those arguments that are inputs of the node, by its own names."""


ENDLESS = '1000000'
"""Images that a player sends, which is more than anybody waits for."""


def refuse_unknown(file: str, given: Sequence[str], declared: Collection[str]) -> None:
    """
    Refuse an argument that would have no effect.

    :param file: path of the launch file. Where another one was started, which includes it and may
        have arguments of its own, nothing is refused.
    :param given: what stands on the command line, as `name:=value`.
    :param declared: names of the launch file's own arguments.
    :raises ValueError: naming the first one that is neither declared nor a parameter of the node,
        and the nearest name.
    """
    if Path(file).name not in (Path(word).name for word in sys.argv):
        return
    known = [*declared, *(name for name, _, _ in dotted_fields(NodeConfig()))]
    for name in (text.partition(':=')[0] for text in given if ':=' in text):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise ValueError(f'there is no argument {name!r}' + (
                f': did you mean {near[0]}?' if near else '; --show-args lists them'))


def parameters(given: Mapping[str, str]) -> dict[str, Any]:
    """
    Pick the parameters of the node out of launch arguments.

    :param given: name -> text; others are left alone, and so are empty ones.
    :return: name -> value.
    :raises ValueError: for a value that is none, or out of its range or choices.
    """
    kinds = {name: type(value) for name, value, _ in dotted_fields(NodeConfig())}
    chosen = {name: camera_names(text) if name == 'cameras' else parse_value(name, text,
                                                                             kinds[name])
              for name, text in given.items() if name in kinds and text}
    with_values(NodeConfig(), {name: tuple(value) if kinds[name] is tuple else value
                               for name, value in chosen.items()})
    if given.get('use_sim_time'):
        chosen['use_sim_time'] = parse_value('use_sim_time', given['use_sim_time'], bool)
    return chosen


def parameter_file(text: str, node: str) -> Path:
    """
    Check a parameter file.

    :param text: its path; `~` stands for the home folder.
    :param node: full name of the node that is to read it.
    :raises ValueError: if it is not there, no YAML, or has nothing for the node.
    """
    try:
        path = Path(text).expanduser()
        sections = sorted(_sections(yaml.safe_load(path.read_text(encoding='utf-8'))))
    except (OSError, RuntimeError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = ' '.join(str(error).split())
        raise ValueError(f'params_file {text} cannot be read: {reason}') from None
    if not any(_means(section, node) for section in sections):
        found = ', '.join(sections) or 'no ros__parameters under a name'
        raise ValueError(f'params_file {text} has {found}, and nothing for {node}: begin it with '
                         f'{node}: or /**:, or give params_file:="" to take the package\'s')
    return path


def _sections(content: Any, name: str = '') -> Iterator[str]:
    if isinstance(content, Mapping):
        if name and 'ros__parameters' in content:
            yield name
        for key in content.keys() - {'ros__parameters'}:
            yield from _sections(content[key], f'{name}/{str(key).strip("/")}')


def _means(section: str, node: str) -> bool:
    """Tell whether a section is for a node; * is one name there, and ** any number of them."""
    pattern = ''.join({'**': '(/[^/]+)*', '*': '/[^/]+'}.get(token, re.escape(f'/{token}'))
                      for token in section.strip('/').split('/'))
    return re.fullmatch(pattern, node) is not None


def camera_names(text: str) -> list[str]:
    """
    Read a list of cameras.

    :param text: as `[left,right]` or `left,right`; may be empty.
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


def camera_players(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """
    Tell which players stand in for the cameras that the segmenter reads.

    :param given: name -> text of the launch arguments; `input` and `rate` are the players' own.
    :return: of each player, what its node is made of: name, namespace, remappings and arguments.
    :raises ValueError: as :func:`camera_names` and :func:`remappings` do.
    """
    cameras = camera_names(given['cameras'])
    topics = dict(remappings(cameras, {name: given[name] for name in TOPICS}))
    compressed = (['--compressed', 'jpeg'] if given.get('image_transport') == 'compressed' else [])
    return [{'name': '_'.join(['camera_player', *filter(None, camera.split('/'))]),
             'namespace': given['namespace'],
             'remappings': [(name, topics[f'{camera}/{name}' if camera else name])
                            for name in (*TOPICS, 'image/compressed')],
             'arguments': ['--input', given['input'], '--rate', given['rate'],
                           '--frames', ENDLESS, *compressed]} for camera in cameras or ['']]


def _of_camera(name: str, topic: str, camera: str) -> str:
    if CAMERA in topic:
        return topic.replace(CAMERA, camera)
    if topic.startswith(('/', '~')):
        raise ValueError(f'{name} must hold {CAMERA} where there are several cameras, as '
                         f'/{CAMERA}/image_raw, got {topic!r}')
    return f'{camera}/{topic}'
