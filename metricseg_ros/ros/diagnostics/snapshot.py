# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a configured node and its cameras are doing at one moment, for those who report it."""

from __future__ import annotations

from dataclasses import dataclass

from metricseg_ros.ros.output.conversions import Provenance


@dataclass(frozen=True)
class InputSnapshot:
    """
    A camera's subscription to images.

    :param message_type: its type, as the graph names it.
    :param reliable: whether it asks for delivery now.
    :param follows: whether that is what the publishers offer.
    :param refused: QoS policy because of which a publisher is not heard, or empty.
    :param silent_s: time since the latest image, in seconds.
    :param received: images that came.
    :param lost: images the middleware lost.
    :param loss: share of them among the latest.
    """

    topic: str
    message_type: str
    reliable: bool
    follows: bool
    refused: str
    silent_s: float
    received: int
    lost: int
    loss: float


@dataclass(frozen=True)
class CameraSnapshot:
    """
    One camera.

    :param name: may be empty.
    :param prefix: what stands before the names of its topics.
    :param input: its images; None while the node is not active.
    :param depth_topic: full name of its depth topic, subscribed to or not.
    :param missing: relative name, full name and type of the topics beside the image that are
        subscribed to and on which nothing has come.
    :param outputs: full name -> type of all topics that depend on images.
    :param subscribed: those outputs that have a subscriber, without the tilde.
    :param counts: key -> number, as segmented -> 12, since configure.
    :param bad_image: why the latest image could not be read or segmented, or empty.
    :param no_depth: why the latest image was segmented without depth, or empty.
    :param no_place: why the objects of the latest image have no place in space, or empty.
    :param percentiles: stage -> {'p50': ..., 'p95': ..., 'p99': ...} in milliseconds.
    :param rate: frames segmented a second.
    """

    name: str
    prefix: str
    input: InputSnapshot | None
    depth_topic: str
    missing: tuple[tuple[str, str, str], ...]
    outputs: dict[str, str]
    subscribed: tuple[str, ...]
    counts: dict[str, int]
    bad_image: str
    no_depth: str
    no_place: str
    percentiles: dict[str, dict[str, float]]
    rate: float


@dataclass(frozen=True)
class Snapshot:
    """
    A configured node.

    :param provenance: who makes the instances.
    :param progress: what is under way to run faster, or empty.
    :param transport: raw or compressed.
    :param busy_s: time the worker has been at its present image, in seconds.
    :param busy_with: the camera whose image that is, or empty.
    """

    provenance: Provenance
    progress: str
    transport: str
    busy_s: float
    busy_with: str
    cameras: tuple[CameraSnapshot, ...]


def type_name(kind: type) -> str:
    """
    Name a message's type as the graph does.

    :return: such as 'sensor_msgs/msg/Image'.
    """
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'
