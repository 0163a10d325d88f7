# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A list of data sets that belong together, and the one table they are reported in.

The YAML file of a suite is described in docs/command_line.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from metricseg_ros.evaluation.report import mean_over_sets, meaningful_figure

COLUMNS = {'overlap_precision': 'overlap P', 'overlap_recall': 'overlap R',
           'overlap_f': 'overlap F', 'boundary_f': 'boundary F', 'found': 'found',
           'apr_50': 'AP^r .5', 'apr_vol': 'AP^r vol', 'coco_ap': 'COCO AP',
           'class_accuracy': 'class', 'calibration_error': 'cal. error'}


@dataclass(frozen=True)
class SuiteEntry:
    """
    One data set of a suite.

    :param dataset: as :func:`open_dataset` takes it.
    :param background_known: whether everything is labelled; None leaves it to the data set.
    """

    dataset: str
    name: str
    shows: str = ''
    background_known: bool | None = None


@dataclass(frozen=True)
class Suite:
    """
    A list of data sets, and where their table goes.

    :param output: Markdown file with the two lines between which the table goes, or None.
    :param rng_seed: of the bootstrap.
    """

    entries: tuple[SuiteEntry, ...]
    output: Path | None = None
    marker: str = 'scoreboard'
    rng_seed: int = 0


def read_suite(path: Path) -> Suite:
    """
    Read a suite.

    :return: the suite; its output is relative to the file, data sets to the working folder.
    :raises ValueError: if it is no YAML, lacks something or holds an unknown key.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'suite {path} cannot be read: {error}') from None
    rows = content.get('datasets') if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError(f'suite {path} must have a list of datasets, got {content!r}')
    entries = tuple(_made(SuiteEntry, row, path) for row in rows)
    if len({entry.name for entry in entries}) < len(entries):
        raise ValueError(f'suite {path} must give every data set another name')
    rest = {key: value for key, value in content.items() if key != 'datasets'}
    if 'output' in rest:
        rest['output'] = path.parent / rest['output']
    return _made(Suite, {**rest, 'entries': entries}, path)


def _made(kind: Any, values: Any, path: Path) -> Any:
    try:
        return kind(**values)
    except TypeError as error:
        allowed = ', '.join(name for name in kind.__dataclass_fields__ if name != 'entries')
        raise ValueError(f'suite {path}: allowed keys are {allowed}; {error}') from None


def markdown_table(reports: Mapping[str, Mapping[str, Any]], shows: Mapping[str, str],
                   model: str) -> str:
    """
    Write all data sets into one table.

    :return: a Markdown table, and the sentences it needs.
    """
    head = ['set', 'images', *COLUMNS.values()]
    rows = [_row(name, shows.get(name, ''), entry) for name, entry in reports.items()]
    means = mean_over_sets(reports)
    rows.append(['mean of the sets', '', *(_number(means.get(name)) for name in COLUMNS)])
    lines = [head, ['---'] * len(head), *rows]
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    said = (f'`{model}`, class-agnostic but for *class*. In brackets the 95 % bootstrap interval '
            'over images. Dashes: not everything is labelled, only recall can be read, or there '
            'is no such figure; the mean is over the sets that have one.')
    return f'{fill(said, 100)}\n\n{table}'


def _row(name: str, shows: str, entry: Mapping[str, Any]) -> list[str]:
    said = f'{name}: {shows}' if shows else name
    return [said, str(len(entry['images'])),
            *(_number(meaningful_figure(entry, figure), entry['intervals'].get(figure))
              for figure in COLUMNS)]


def _number(value: float | None, interval: Any = None) -> str:
    if value is None:
        return '-'
    if interval is None or None in interval:
        return f'{value:.2f}'
    return f'{value:.2f} ({interval[0]:.2f}-{interval[1]:.2f})'


def write_between_markers(path: Path, marker: str, text: str) -> None:
    """
    Replace what stands between `<!-- MARKER -->` and `<!-- /MARKER -->`.

    :param path: of a Markdown file with these lines.
    :raises ValueError: if the file does not have each line once, in this order.
    """
    first, last = f'<!-- {marker} -->', f'<!-- /{marker} -->'
    content = path.read_text() if path.is_file() else ''
    before, found, rest = content.partition(first)
    _, end, after = rest.partition(last)
    if not found or not end:
        raise ValueError(f'{path} must hold the lines {first} and {last}, between which the '
                         'table goes')
    path.write_text(f'{before}{first}\n{text}\n{last}{after}')
