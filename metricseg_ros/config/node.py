# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What only the ROS 2 node is told, beside what the segmenter is."""

from __future__ import annotations

from dataclasses import dataclass, field

from metricseg_ros.config.parameters import parameter
from metricseg_ros.config.segmenter import SegmenterConfig


@dataclass(frozen=True)
class ClicksConfig:
    """From pixels that are pointed at to their masks."""

    frames: int = parameter(
        4, 'Latest frames of each camera whose embeddings are kept, to be clicked into.',
        minimum=1, maximum=1000)


@dataclass(frozen=True)
class DepthConfig:
    """From masks and depth to objects in space."""

    erosion: int = parameter(
        2, 'Width of the rim of a mask whose depth is not trusted, in pixels.', minimum=0,
        maximum=100, live=True)
    outlier_deviations: float = parameter(
        3.0, "Standard deviations from an object's median depth within which a pixel belongs to "
        'it.', minimum=0.1, maximum=100.0, live=True)
    minimum_share: float = parameter(
        0.1, "Smallest share of a mask's pixels with depth for the object to be placed.",
        minimum=0.0, maximum=1.0, live=True)
    minimum_points: int = parameter(
        10, 'Fewest pixels with depth for an object to be placed.', minimum=3, maximum=1000000,
        live=True)


@dataclass(frozen=True)
class DepthInputConfig(DepthConfig):
    """How depth images and segmented images come together in the node."""

    maximum_difference: float = parameter(
        0.02, 'Largest difference between the stamps of an image and of its depth image, in '
        'seconds.', minimum=0.0, maximum=10.0, live=True)
    maximum_wait: float = parameter(
        0.2, 'Longest time that ~/objects, ~/markers and ~/cloud wait for the depth of an image '
        'that has been segmented, in seconds.', minimum=0.0, maximum=60.0, live=True)
    segmentation_wait: float = parameter(
        0.1, 'Longest time that an image waits for its depth before it is segmented without, in '
        'seconds; there is no wait while no depth comes at all.', minimum=0.0, maximum=60.0,
        live=True)
    images: int = parameter(
        10, 'Latest depth images of each camera that are kept while images are segmented.',
        minimum=1, maximum=1000)


@dataclass(frozen=True)
class NodeConfig(SegmenterConfig):
    """The segmenter's parameters and what only the ROS 2 node has."""

    autostart: bool = parameter(
        True, 'Configure and activate the node by itself; false leaves it to a lifecycle manager.')
    cameras: tuple[str, ...] = parameter(
        ('',), 'Names of the cameras; camera NAME is read from NAME/image and published under '
        '~/NAME. One empty name stands for a single camera without a name.', item=str)
    image_transport: str = parameter(
        'raw', 'Subscribe to image (raw) or to image/compressed (compressed).',
        choices=('raw', 'compressed'))
    image_reliability: str = parameter(
        'auto', 'Delivery asked of the image and depth topics; auto asks for what the publishers '
        'offer, and follows them.',
        choices=('auto', 'reliable', 'best_effort'))
    diagnostics_period: float = parameter(
        1.0, 'Time between two diagnostics messages, in seconds.', minimum=0.1, maximum=60.0)
    latency_window: int = parameter(
        200, 'Number of latest frames over which latencies are reported.', minimum=10,
        maximum=10000)
    clicks: ClicksConfig = field(default_factory=ClicksConfig)
    depth: DepthInputConfig = field(default_factory=DepthInputConfig)
