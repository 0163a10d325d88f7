# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write config/segmenter.yaml and docs/parameters.md from the configuration.

Run `python -m metricseg_ros.ros.tools.parameter_files` in the source tree after changing config.
"""

from __future__ import annotations

from pathlib import Path
import textwrap
from typing import Any

from metricseg_ros.config import dotted_fields, NodeConfig, ParameterInfo

YAML_HEAD = """\
# The segmenter's parameters with their defaults; written from metricseg_ros/config.
# Those marked live take effect at once in a running node, the others at the next configure.
/**:
  ros__parameters:
"""

DOCUMENT_HEAD = """\
# Parameters of the segmenter

Written from `metricseg_ros/config` by `python -m metricseg_ros.ros.tools.parameter_files`.

The same dotted names are used in `config/segmenter.yaml`, as ROS parameters
(`ros2 param set /segmenter grouping.minimum_score 0.7`), on the command line
(`metricseg segment photo.jpg --output out grouping.minimum_score=0.7`) and in Python
(`with_values(SegmenterConfig(), {'grouping.minimum_score': 0.7})`).

*Live* parameters take effect at once in a running node. The others are read when the node is
configured; while the node is active a change of them is refused with the reason:

    ros2 lifecycle set /segmenter deactivate
    ros2 param set /segmenter model household-lite
    ros2 lifecycle set /segmenter cleanup
    ros2 lifecycle set /segmenter configure
    ros2 lifecycle set /segmenter activate

A name that does not exist, or a value out of range, in a parameter file or on the command line
makes `configure` fail and is named with what was probably meant: nothing is ignored in silence.

| parameter | type | default | range or choices | live | what it does |
|---|---|---|---|---|---|
"""


def parameter_yaml() -> str:
    """Write the parameter file; return the text of config/segmenter.yaml."""
    lines, group = [], ''
    for name, value, info in dotted_fields(NodeConfig()):
        *parents, leaf = name.split('.')
        indent = '    ' + '  ' * len(parents)
        if parents and parents[0] != group:
            group = parents[0]
            lines.append(f'    {group}:')
        lines += _comment(info, indent)
        lines.append(f'{indent}{leaf}: {_yaml_value(value)}')
    return YAML_HEAD + '\n'.join(lines) + '\n'


def parameter_document() -> str:
    """Write the parameters' documentation; return the text of docs/parameters.md."""
    return DOCUMENT_HEAD + ''.join(
        f'| `{name}` | {_type_name(value, info)} | `{_yaml_value(value)}` | {_allowed(info)} | '
        f'{"yes" if info.live else ""} | {info.description} |\n'
        for name, value, info in dotted_fields(NodeConfig()))


def _comment(info: ParameterInfo, indent: str) -> list[str]:
    notes = '; '.join(filter(None, (_allowed(info), 'live' if info.live else '')))
    return textwrap.wrap(info.description, 99, initial_indent=f'{indent}# ',
                         subsequent_indent=f'{indent}# ') + [f'{indent}# ({notes})'] * bool(notes)


def _allowed(info: ParameterInfo) -> str:
    return ', '.join(info.choices) or (info.range if info.minimum is not None else '')


def _type_name(value: Any, info: ParameterInfo) -> str:
    return f'list of {info.item.__name__}' if isinstance(value, tuple) else type(value).__name__


def _yaml_value(value: Any) -> str:
    if isinstance(value, tuple):
        return str(list(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def main() -> None:
    """Write both files into the source tree."""
    root = Path(__file__).resolve().parents[3]
    (root / 'config' / 'segmenter.yaml').write_text(parameter_yaml())
    (root / 'docs' / 'parameters.md').write_text(parameter_document())


if __name__ == '__main__':
    main()
