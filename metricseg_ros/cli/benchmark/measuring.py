# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fair timing: alternating runs, medians with spread, and on which machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import os
import platform
import sys
import time
from typing import Any

from metricseg_ros.cli.options import table_stream, write_report
import numpy as np

MODULES = ('numpy', 'torch', 'onnxruntime', 'cv2', 'sklearn', 'rclpy')


def alternate(candidates: Mapping[str, Callable[[], Any]], runs: int,
              warm_ups: int = 1) -> dict[str, np.ndarray]:
    """
    Time functions by turns, so that what slows the machine down slows all of them.

    :param candidates: name -> function without arguments.
    :param warm_ups: how often each is called before.
    :return: name -> (runs,) milliseconds.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for run in range(-warm_ups, runs):
        for name, function in candidates.items():
            start = time.perf_counter()
            function()
            if run >= 0:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: np.array(values) for name, values in times.items()}


def spread(name: str, values: np.ndarray) -> dict[str, Any]:
    """
    Sum repeated measurements up.

    :param name: what was measured, with its unit: `plain_ms`.
    :return: NAME, their median, and NAME_quartiles, between which half of them lie.
    """
    quartiles = [round(float(value), 3) for value in np.percentile(values, [25, 75])]
    return {name: round(float(np.median(values)), 3), f'{name}_quartiles': quartiles}


def distribution(name: str, values: np.ndarray) -> dict[str, Any]:
    """
    Sum repeated measurements up to their end.

    :param name: what was measured, with its unit: `network_ms`.
    :return: what :func:`spread` gives, and `network_p95_ms` and `network_p99_ms`.
    """
    stem, _, unit = name.rpartition('_')
    return {**spread(name, values),
            **{f'{stem}_p{percent}_{unit}': round(float(np.percentile(values, percent)), 3)
               for percent in (95, 99)}}


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """Sum latencies in milliseconds up as `p50_ms` and `p95_ms`."""
    return {f'p{percent}_ms': round(float(np.percentile(times, percent)), 3)
            for percent in (50, 95)}


def load_average() -> float:
    """Count who wanted to run, over the last minute; best before anything is measured."""
    return round(os.getloadavg()[0], 2)


def machine(load: float) -> dict[str, Any]:
    """
    Describe what a measurement ran on.

    :param load: what :func:`load_average` said before.
    :return: processor, cores, threads, that load, versions of what has been imported.
    """
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    versions = {name: getattr(sys.modules[name], '__version__', 'unknown')
                for name in MODULES if name in sys.modules}
    return {
        'cpu': _cpu_name(), 'cores': len(os.sched_getaffinity(0)),
        'torch_threads': torch.get_num_threads(), 'gpus': gpus,
        'load_before': load, 'system': platform.platform(),
        'python': platform.python_version(), 'versions': versions,
    }


def report_rows(benchmark: str, load: float, rows: Sequence[Mapping[str, Any]],
                columns: Sequence[str], target: str | None, **more: Any) -> None:
    """
    Print what was measured as a table, and write it as JSON if that is asked for.

    :param load: what :func:`load_average` said before.
    :param target: what `--json` says.
    :param more: what else the JSON holds.
    """
    print(table(rows, columns), file=table_stream(target))
    write_report({'benchmark': benchmark, 'machine': machine(load), **more, 'rows': rows}, target)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """
    Lay rows out as plain text.

    :param columns: keys to show, in order; a missing one is a dash.
    :return: lines, numbers to the right.
    """
    cells = [list(columns)] + [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    numeric = [any(isinstance(row.get(column), float | int) for row in rows)
               for column in columns]
    return '\n'.join(
        '  '.join(cell.rjust(width) if right else cell.ljust(width)
                  for cell, width, right in zip(line, widths, numeric)).rstrip()
        for line in cells)


def _cell(value: Any) -> str:
    if value is None:
        return '-'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, float):
        return f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'
    return str(value)


def _cpu_name() -> str:
    try:
        with open('/proc/cpuinfo') as lines:
            names = [line.partition(':')[2].strip() for line in lines
                     if line.startswith(('model name', 'Model'))]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
