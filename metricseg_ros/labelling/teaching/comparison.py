# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Before and after, on the images kept apart: figures with their intervals, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from metricseg_ros.atomic_files import write_atomically
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.evaluation.bootstrap import mean_interval
from metricseg_ros.evaluation.measure import measure
from metricseg_ros.evaluation.report import IMAGE_FIGURES, json_values, meaningful_figure, report
from metricseg_ros.labelling.teaching.pictures import write_pictures
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import Instances
import numpy as np

SHOWN = {'found': 'objects found', 'overlap_f': 'overlap F', 'overlap_precision': 'precision',
         'overlap_recall': 'recall', 'boundary_f': 'boundary F', 'mean_best_iou': 'mean best IoU',
         'apr_50': 'AP^r at .5', 'class_accuracy': 'right classes'}
DECISIVE = ('found', 'overlap_f')
MOST_PICTURES = 12
HEADINGS = ('<div class="parts"><span>image</span><span>labels</span>'
            '<span>before</span><span>after</span></div>')
COLOURS = ('An object has one colour in all pictures; what was found in another colour stands for '
           'no object of the labels. Grey counts for nothing.')
STYLE = (
    'body{font-family:sans-serif;margin:2em auto;padding:0 1em;max-width:82em;line-height:1.5}'
    '.verdict{font-weight:bold}table{border-collapse:collapse;font-variant-numeric:tabular-nums}'
    'td,th{padding:.15em 1.2em .15em 0;text-align:right}td:first-child{text-align:left}'
    'tr+tr{border-top:1px solid #ddd}figure{margin:1.5em 0}img{width:100%}'
    '.parts{display:flex;color:#666}.parts span{flex:1}')

Comparison = dict[str, Any]


def compare(before: InstanceSegmenter, after: InstanceSegmenter,
            samples: Sequence[LabelledImage], classes: Sequence[str],
            folder: Path) -> Comparison:
    """
    Measure two models on the same images, and draw what they find.

    :return: `rows`: before, after and change of each figure, the latter with its 95 % bootstrap
        interval over images where it has one; `images`: the figures of each; `pictures`.
    """
    found: dict[str, list[Instances]] = {'before': [], 'after': []}
    reports = {}
    for name, segmenter in (('before', before), ('after', after)):
        def segment(sample: LabelledImage, segmenter: InstanceSegmenter = segmenter,
                    name: str = name) -> Instances:
            found[name].append(segmenter.segment(sample.image, sample.depth))
            return found[name][-1]
        measured = list(measure(samples, segment, segmenter.description.classes, classes))
        reports[name] = report(measured, classes)
    rows = [row for figure in SHOWN if (row := _row(figure, reports)) is not None]
    pictures = write_pictures(folder, samples[:MOST_PICTURES], found['before'], found['after'])
    return json_values({'rows': rows, 'pictures': pictures, 'images': {
        sample.name: {name: reports[name]['images'][sample.name] for name in reports}
        for sample in samples}})


def _row(figure: str, reports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    before, after = (meaningful_figure(reports[name], figure) for name in ('before', 'after'))
    if after is None:
        return None
    row = {'figure': figure, 'before': before, 'after': after,
           'change': None if before is None else after - before, 'interval': None}
    if figure in IMAGE_FIGURES and before is not None:
        one, other = ([np.nan if image[figure] is None else image[figure]
                       for image in reports[name]['images'].values()]
                      for name in ('before', 'after'))
        row['interval'] = mean_interval(np.subtract(other, one), rng_seed=0)
    return row


def verdict(comparison: Comparison) -> str:
    """
    Say in a sentence what came of it.

    :return: better, worse, the same, or that there are too few images to tell.
    """
    rows = [row for row in comparison['rows'] if row['figure'] in DECISIVE and row['interval']
            and None not in row['interval']]
    count = len(comparison['images'])
    if any(row['interval'][1] < 0 for row in rows):
        return ('WARNING: the model became WORSE on the images kept apart: look at the pictures, '
                'and keep the one before')
    if any(row['interval'][0] > 0 for row in rows):
        return f'better on the {count} images kept apart, by more than chance'
    trend = sum(row['change'] for row in rows)
    if rows and not any(row['change'] for row in comparison['rows']):
        return (f'no step was better on the {count} images kept apart than the model as it was, '
                'and so it stays: label images on which it goes wrong')
    return (f'{"better" if trend > 0 else "not better"} on the {count} images kept apart, but '
            'these are too few to tell: label some more')


def table(comparison: Comparison) -> str:
    """Write the figures for people."""
    lines = [f'{"":15}{"before":>8}{"after":>8}{"change":>9}']
    for row in comparison['rows']:
        lines.append(f'{SHOWN[row["figure"]]:15}{_number(row["before"]):>8}'
                     f'{_number(row["after"]):>8}{_number(row["change"], "+"):>9}'
                     f'{_interval(row)}')
    return '\n'.join(lines)


def _number(value: float | None, sign: str = '') -> str:
    return '-' if value is None else f'{value:{sign}.3f}'


def _interval(row: Mapping[str, Any]) -> str:
    if not row['interval'] or None in row['interval']:
        return ''
    return f'  [{row["interval"][0]:+.3f}, {row["interval"][1]:+.3f}]'


def write_page(path: Path, comparison: Comparison, title: str, notes: Sequence[str]) -> None:
    """
    Write a page with the figures and the pictures.

    :param notes: sentences below it.
    """
    said = escape(comparison['verdict'])
    shown = [row['figure'] for row in comparison['rows'] if row['figure'] in DECISIVE]
    cells = ''.join(f'<tr><td>{escape(SHOWN[row["figure"]])}<td>{_number(row["before"])}'
                    f'<td>{_number(row["after"])}<td>{_number(row["change"], "+")}'
                    f'<td>{_interval(row)}' for row in comparison['rows'])
    pictures = ''.join(f'<figure><figcaption><b>{escape(name)}</b> '
                       f'{_of_image(figures, shown)}'
                       f'</figcaption>{HEADINGS}<img src="pictures/{escape(file)}"></figure>'
                       for (name, figures), file
                       in zip(comparison['images'].items(), comparison['pictures']))
    write_atomically(path, (
        f'<!doctype html><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<style>{STYLE}</style><h1>{escape(title)}</h1>'
        f'<p class="verdict">{said[:1].upper()}{said[1:]}.</p>'
        + ''.join(f'<p>{escape(note)}</p>' for note in notes)
        + '<table><tr><th><th>before<th>after<th>change<th>95 % interval of the change'
        + f'{cells}</table><h2>Images kept apart</h2><p>{COLOURS}</p>{pictures}\n').encode())


def _of_image(figures: Mapping[str, Mapping[str, Any]], shown: Sequence[str]) -> str:
    """Say what some figures of an image were and are."""
    return escape(', '.join(f'{SHOWN[name]} {_number(figures["before"][name])} → '
                            f'{_number(figures["after"][name])}' for name in shown))
