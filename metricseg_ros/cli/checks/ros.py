# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 as a node would meet it: a real message sent and received, and the system's settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import json
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

from metricseg_ros.cli.checks.check import Check, FAIL, OK, WARN
from metricseg_ros.fast_dds import (
    free_shared_memory,
    MORE_RECEIVE_BUFFER,
    MORE_SHARED_MEMORY,
    NEW_VARIABLE,
    OLD_VARIABLE,
    PROFILE,
    PROFILE_VARIABLES,
    receive_buffer,
    SHARED_MEMORY,
    TRANSPORTS_VARIABLE,
    WANTED_RECEIVE_BUFFER,
    WANTED_SHARED_MEMORY,
)
from metricseg_ros.shipped import shipped

PROBE_TIMEOUT_S = 60
HIGHEST_SAFE_DOMAIN = 101
"""Above it the ports may be those that Linux hands out to anyone."""


def check_ros() -> Iterator[Check]:
    """Run the probe and look at what decides how images travel."""
    found = run_probe()
    yield from probe_checks(found)
    if str(found.get('middleware')).startswith('rmw_fastrtps'):
        yield check_profile(os.environ, receive_buffer())
    yield check_domain(os.environ.get('ROS_DOMAIN_ID', '0'))
    yield check_receive_buffer(receive_buffer())
    yield check_shared_memory(free_shared_memory() or 0)


def run_probe() -> dict[str, Any]:
    """
    Use ROS 2 in a process of its own, which a broken middleware may take down.

    :return: what :mod:`metricseg_ros.ros.tools.probe` prints; with 'error' if it could not.
    """
    try:
        ended = subprocess.run([sys.executable, '-m', 'metricseg_ros.ros.tools.probe'],
                               capture_output=True, text=True, timeout=PROBE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return {'error': f'the probe did not end in {PROBE_TIMEOUT_S} s'}
    try:
        return json.loads(ended.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        reason = (ended.stderr.strip().splitlines() or [f'exit code {ended.returncode}'])[-1]
        return {'error': f'the probe ended: {reason}'}


def probe_checks(found: Mapping[str, Any]) -> Iterator[Check]:
    """
    Judge what the probe found.

    :return: checks of rclpy, of each message package, of a message sent and received, and of the
        segmenters that run.
    """
    missing, required = found.get('missing', {}), found.get('required', ())
    yield from missing_checks({name: missing[name] for name in missing if name in required},
                              {name: missing[name] for name in missing if name not in required})
    present = sorted(set(found.get('present', ())) - {'rclpy'})
    if present:
        yield Check('message packages', OK, ', '.join(present))
    if 'error' in found:
        yield Check('ROS 2', FAIL, found['error'],
                    'source a ROS 2 setup file, or use scripts/run, and try again')
    elif 'round_trip_ms' in found:
        yield Check('ROS 2', OK, f'{found["distribution"]}, {found["middleware"]}, domain '
                    f'{found["domain"]}: a 720p image came round in '
                    f'{found["round_trip_ms"]:.1f} ms')
        topics = found['image_topics']
        yield Check('image topics', OK, (', '.join(topics) or 'none is published in this domain')
                    + f' (looked for {found["looked_s"]:.0f} s)')
        for name, (level, message) in sorted(found['segmenters'].items()):
            remedy = 'as it says; `ros2 topic echo /diagnostics` has its figures' if level else ''
            yield Check(name, WARN if level else OK, message, remedy)


def missing_checks(required: Mapping[str, str],
                   optional: Mapping[str, str]) -> Iterator[Check]:
    """
    Tell of packages that cannot be imported, those of ROS itself in one line.

    :param required: package -> the import's error, without which the node does not run.
    :param optional: the same for those it can do without.
    """
    own, others = 'metricseg_msgs', [name for name in required if name != 'metricseg_msgs']
    if others:
        yield Check('ROS 2', FAIL, f'{", ".join(others)} cannot be imported: '
                    f'{required[others[0]]}', 'source a ROS 2 setup file, or use scripts/run')
    if own in required:
        yield Check(own, FAIL, f'cannot be imported: {required[own]}',
                    'build it with scripts/setup or colcon build, and source its setup file')
    for name, problem in optional.items():
        yield Check(name, WARN, f'cannot be imported: {problem}',
                    f'apt install ros-$ROS_DISTRO-{name.replace("_", "-")}, if ROS is from apt; '
                    'without it some topics are not published')


def check_domain(text: str) -> Check:
    """Check ROS_DOMAIN_ID."""
    if not text.isdecimal() or int(text) > 232:
        return Check('ROS_DOMAIN_ID', FAIL, f'{text!r} is no domain',
                     'export ROS_DOMAIN_ID=0, or another number up to 101')
    if int(text) > HIGHEST_SAFE_DOMAIN:
        return Check('ROS_DOMAIN_ID', WARN, f'{text}: its ports may be taken by other programs',
                     f'use a domain from 0 to {HIGHEST_SAFE_DOMAIN}')
    return Check('ROS_DOMAIN_ID', OK, text)


def check_profile(environment: Mapping[str, str], buffer: int | None) -> Check:
    """
    Check the profile of Fast DDS, whose own shared memory is too small for images.

    :param buffer: the largest one for receiving, in bytes; None if the system does not say.
    """
    transports = environment.get(TRANSPORTS_VARIABLE)
    for name in PROFILE_VARIABLES:
        path = environment.get(name)
        if path and transports:
            return Check('Fast DDS profile', WARN, f'{name} is set beside '
                         f'{TRANSPORTS_VARIABLE}={transports}: the profile may override it, '
                         'and nodes with and without it do not hear each other',
                         'unset one of them, for every node alike')
        if path and Path(path).is_file():
            return Check('Fast DDS profile', OK, path)
        if path:
            return Check('Fast DDS profile', WARN, f'{name} names {path}, which is not there',
                         f"unset {name}, or name the package's {PROFILE}")
    if transports:
        return Check('Fast DDS profile', OK, f'none, and {TRANSPORTS_VARIABLE}={transports}')
    if buffer is not None and buffer >= WANTED_RECEIVE_BUFFER:
        return Check('Fast DDS profile', OK,
                     'none: our own nodes bring theirs, and receive images by UDP')
    return Check('Fast DDS profile', WARN, 'none: images of more than 512 KiB do not fit its '
                 'shared memory', f'export {NEW_VARIABLE}={shipped(PROFILE)} for '
                 f'every camera (before Kilted {OLD_VARIABLE}); our own nodes do so by themselves')


def check_receive_buffer(size: int | None) -> Check:
    """
    Check the largest receive buffer, which an image has to fit in.

    :param size: bytes; None if the system does not say.
    """
    if size is None or size >= WANTED_RECEIVE_BUFFER:
        return Check('receive buffer', OK, 'unknown' if size is None else f'{size} bytes')
    return Check('receive buffer', WARN,
                 f'{size} bytes: raw images of best effort cameras and of other machines will be '
                 'lost in part',
                 f'{MORE_RECEIVE_BUFFER}, then start the nodes anew')


def check_shared_memory(free: int) -> Check:
    """Check the room for images between processes of this machine."""
    if free >= WANTED_SHARED_MEMORY:
        return Check('shared memory', OK, f'{free / 2**20:.0f} MiB free in {SHARED_MEMORY}')
    return Check('shared memory', WARN, f'{free / 2**20:.0f} MiB free in {SHARED_MEMORY}: images '
                 'go over the network stack instead', MORE_SHARED_MEMORY)
