# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From the start of a node's process to its end, which is quiet however it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
import signal
from time import monotonic, sleep
from typing import TypeVar

from metricseg_ros.fast_dds import image_profile
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

NodeType = TypeVar('NodeType', bound=Node)

ENDING_S = 1.0
"""Longest time in which ROS ends after an interrupt, by a thread of its own, in seconds."""


@contextmanager
def running(make: Callable[[], NodeType]) -> Iterator[NodeType]:
    """
    Bring ROS and a node up, and take both down at the end or at an interrupt.

    :raises SystemExit: with one line, if ROS cannot make sense of the command line; without one,
        if the process is interrupted before there is a node.
    """
    os.environ.update(image_profile())  # Fast DDS reads it when ROS comes up.
    try:
        rclpy.init()
    except RuntimeError as error:  # As of a parameter file that is not there, or a bad remapping.
        raise SystemExit(f'cannot start: {error}') from None
    try:
        node = make()
    except KeyboardInterrupt:
        raise SystemExit(0) from None
    except Exception:
        if rclpy.ok():
            raise
        raise SystemExit(0) from None  # An interrupt has ended ROS under the one who makes it.
    try:
        yield node
    except (KeyboardInterrupt, ExternalShutdownException):
        pass  # The usual ways to end.
    except RuntimeError:  # An interrupt while a message is being converted comes out as one, too.
        if not _is_ended():
            raise
    finally:
        # A terminal and a launcher interrupt the same process, one after the other.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        node.destroy_node()
        rclpy.try_shutdown()  # Gives SIGINT back to Python.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _is_ended() -> bool:
    """Tell whether an interrupt has ended ROS, or is about to."""
    latest = monotonic() + ENDING_S
    while rclpy.ok() and monotonic() < latest:
        sleep(0.01)
    return not rclpy.ok()
