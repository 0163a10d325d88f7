# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Variants of one method beside each other: a table, and a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metricseg_ros.evaluation.bootstrap import COVERAGE, RESAMPLES
from metricseg_ros.evaluation.report import mean_over_sets, meaningful_figure
import numpy as np

COLUMNS = {'overlap_f': 'overlap F', 'boundary_f': 'boundary F', 'found': 'found',
           'apr_50': 'AP^r .5', 'coco_ap': 'COCO AP'}
COMPARED = 'overlap_f'

Reports = Mapping[str, Mapping[str, Any]]
"""Name of a data set -> its :func:`metricseg_ros.evaluation.report.report`."""


def difference(first: Reports, other: Reports, rng_seed: int) -> dict[str, Any]:
    """
    Compare two variants image by image.

    :param first: what the first variant reached on each data set.
    :param other: what another one did on the same.
    :return: `mean`, by how much overlap F is higher, over images and then over the data sets in
        which it can be read, and `interval`, the 95 % one over images; None where it cannot.
    """
    groups = [np.array([other[name]['images'][image][COMPARED] - row[COMPARED]
                        for image, row in entry['images'].items()])
              for name, entry in first.items() if meaningful_figure(entry, COMPARED) is not None]
    if not groups:
        return {'mean': None, 'interval': None}
    return {'mean': float(np.mean([group.mean() for group in groups])),
            'interval': mean_over_sets_interval(groups, rng_seed)}


def mean_over_sets_interval(figures: Sequence[np.ndarray],
                            rng_seed: int) -> tuple[float, float]:
    """
    Give the interval of a mean over sets of their means over images.

    :param figures: (N,) a figure of each image, for each set; images are resampled within it.
    :return: the bounds of the middle 95 %.
    """
    rng = np.random.default_rng(rng_seed)
    means = np.mean([figure[rng.integers(len(figure), size=(RESAMPLES, len(figure)))].mean(axis=1)
                     for figure in figures], axis=0)
    low, high = np.quantile(means, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)


def markdown_table(variants: Mapping[str, Mapping[str, Any]], model: str) -> str:
    """
    Write all variants into one table.

    :param variants: name -> `datasets`, their reports; `difference` from the first variant.
    :return: a Markdown table, and the sentence it needs.
    """
    head = ['variant', *COLUMNS.values(), 'overlap F, difference', 'grouping ms']
    rows = [[name, *_means(variant['datasets']), _difference(variant['difference']),
             _grouping_time(variant['datasets'])] for name, variant in variants.items()]
    table = '\n'.join(f'| {" | ".join(row)} |' for row in [head, ['---'] * len(head), *rows])
    return (f'`{model}`, class-agnostic; means over the sets in which a figure can be read. The '
            'difference is to the first variant, image by image, with the 95 % bootstrap '
            f'interval over images.\n\n{table}')


def _means(reports: Reports) -> list[str]:
    means = mean_over_sets(reports)
    return ['-' if (value := means[name]) is None else f'{value:.3f}' for name in COLUMNS]


def _difference(value: Mapping[str, Any]) -> str:
    if value['mean'] is None:
        return '-'
    low, high = value['interval']
    return f'{value["mean"]:+.3f} [{low:+.3f}, {high:+.3f}]'


def _grouping_time(reports: Reports) -> str:
    return f'{np.mean([entry["stage_ms"]["grouping"]["p50"] for entry in reports.values()]):.1f}'


def plot(variants: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """
    Draw overlap F of every variant: on each data set, their mean, and the difference.

    :param variants: as for :func:`markdown_table`.
    :param path: of the PNG file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 1.6 + 0.32 * len(variants)), layout='constrained')
    by_set, differences = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    places = np.arange(len(variants))
    reports = [variant['datasets'] for variant in variants.values()]
    for name in reports[0]:
        by_set.plot([entry[name]['figures'][COMPARED] for entry in reports], places, 'o',
                    alpha=0.5, label=_legend(name, reports[0][name]))
    means = [mean_over_sets(entry)[COMPARED] for entry in reports]
    by_set.plot([np.nan if mean is None else mean for mean in means], places, 'k|',
                markersize=14, markeredgewidth=2, label='mean of those that can be read')
    by_set.set(yticks=places, yticklabels=list(variants), xlabel='overlap F')
    by_set.invert_yaxis()
    _plot_differences(differences, [variant['difference'] for variant in variants.values()])
    figure.legend(*by_set.get_legend_handles_labels(), loc='outside upper center', ncols=3,
                  fontsize=8)
    figure.savefig(path, dpi=110)


def _legend(name: str, entry: Mapping[str, Any]) -> str:
    return f'{name} (not all labelled)' if entry['recall_only'] else name


def _plot_differences(axes: Any, differences: list[Mapping[str, Any]]) -> None:
    axes.axvline(0, color='grey', linewidth=0.8)
    axes.grid(axis='y', alpha=0.3)
    for place, value in enumerate(differences):
        if value['mean'] is not None:
            axes.plot(value['interval'], [place, place], color='tab:blue')
            axes.plot(value['mean'], place, 'o', color='tab:blue')
    axes.set(xlabel='difference to the first (95 % interval)')
