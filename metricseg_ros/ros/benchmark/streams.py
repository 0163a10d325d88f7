# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Feed the segmenter from several cameras at once, and see what becomes of their images."""

from __future__ import annotations

from collections import defaultdict
import os
from pathlib import Path
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from metricseg_msgs.msg import InstanceArray
from metricseg_ros.ros.benchmark.memory import memory_of
from metricseg_ros.ros.benchmark.round_trips import RoundTrips
from metricseg_ros.ros.process.lifetime import running
from metricseg_ros.ros.process.processes import Processes
import numpy as np
from sensor_msgs.msg import Image

WARM_UP_S = 3.0
"""Time before counting begins, in seconds."""

LAST_REPORT_S = 2.5
"""Time for the diagnostics to catch up after the last image, in seconds."""

COUNTS = ('received', 'segmented', 'dropped')

CORES = ('cpu_cores', 'feeder_cores', 'other_cores')
"""Cores that the node, the cameras and everything else on the machine kept busy."""

TICKS = os.sysconf('SC_CLK_TCK')
"""Units of the kernel's accounts in a second."""


def streams(logs: Path, model: str, image: Image, cameras: int, rate: float,
            seconds: float) -> dict[str, Any]:
    """
    Start the segmenter and feed it.

    :param rate: images a second of each.
    :return: counts and ages of each camera, memory of the node, and who kept the cores busy.
    """
    names = [f'camera{number}' for number in range(cameras)]
    with Processes(logs) as processes:
        os.environ.update(processes.environment)
        node = processes.start('metricseg_ros.ros.segmenter_node', '--ros-args',
                               '-p', f'model:={model}', '-p', f'cameras:=[{", ".join(names)}]')
        with running(lambda: RoundTrips({name: f'{name}/image' for name in names})) as trips:
            trips.wait_for_cameras()
            return _measured(trips, node.pid, names, image, rate, seconds)


def _measured(trips: RoundTrips, process: int, names: list[str], image: Image, rate: float,
              seconds: float) -> dict[str, Any]:
    ages: dict[str, list[float]] = defaultdict(list)
    counts: dict[str, dict[str, int]] = {}
    for name in names:
        trips.create_subscription(InstanceArray, f'segmenter/{name}/instances',
                                  lambda message, name=name: ages[name].append(message.age_ms), 5)
    trips.create_subscription(DiagnosticArray, '/diagnostics',
                              lambda message: counts.update(_counts(message)), 5)
    feed(trips, names, image, rate, WARM_UP_S)
    trips.spin_for(LAST_REPORT_S)
    ages.clear()
    before, used, begin = dict(counts), usage(process), monotonic()
    sent = feed(trips, names, image, rate, seconds)
    took = monotonic() - begin
    cores = dict(zip(CORES, ((usage(process) - used) / took).tolist()))
    trips.spin_for(LAST_REPORT_S)
    rows = [{'camera': name, 'sent': sent,
             **{key: counts[name][key] - before[name][key] for key in COUNTS},
             'age_ms_p50': float(np.percentile(ages[name], 50)),
             'age_ms_p99': float(np.percentile(ages[name], 99))} for name in names]
    return {'cameras': len(names), 'seconds': took, 'rate_hz': sent / took, 'rows': rows,
            **cores, 'rss_mb': memory_of(process).total}


def feed(trips: RoundTrips, names: list[str], image: Image, rate: float, seconds: float) -> int:
    """
    Send an image from every camera, again and again.

    :param rate: images a second of each.
    :return: images sent by each.
    """
    begin, sent = monotonic(), 0
    while monotonic() - begin < seconds:
        for name in names:
            trips.send(name, image)
        sent += 1
        trips.spin_for(sent / rate - (monotonic() - begin))
    return sent


def usage(process: int) -> np.ndarray:
    """
    Ask how much processor time was used.

    :param process: id of the node.
    :return: (3,) seconds of one core, as :data:`CORES`.
    """
    node, feeder = cpu_seconds(process), cpu_seconds(os.getpid())
    user, nice, system, _idle, _waiting, *rest = Path('/proc/stat').read_text().split()[1:9]
    machine = sum(map(int, (user, nice, system, *rest))) / TICKS
    return np.array([node, feeder, machine - node - feeder])


def cpu_seconds(process: int) -> float:
    """Ask how much processor time a process has used."""
    fields = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _counts(message: DiagnosticArray) -> dict[str, dict[str, int]]:
    values = [{item.key: item.value for item in status.values} for status in message.status]
    return {item['camera']: {key: int(item[key]) for key in COUNTS}
            for item in values if 'received' in item}
