# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every parameter of the running segmenter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from metricseg_ros.config.parameters import parameter

USUAL_MINIMUM_SCORE = 0.5
"""Smallest class score of an instance, of a model for which no other was chosen."""


@dataclass(frozen=True)
class BackendConfig:
    """Who runs the network, and where."""

    name: str = parameter(
        'auto', 'Which backend runs the network; auto takes the best one that works.',
        choices=('auto', 'tensorrt', 'onnxruntime', 'torch'))
    device_policy: str = parameter(
        'prefer_gpu', 'Whether a GPU is required, preferred or not used at all.',
        choices=('require_gpu', 'prefer_gpu', 'cpu'))
    threads: int = parameter(
        0, 'CPU threads of the network; 0 takes one for each core.', minimum=0, maximum=256)
    precision: str = parameter(
        'auto', 'Precision of the convolutions of a TensorRT engine; auto takes fp16. Embeddings '
        'and class scores stay in fp32.', choices=('auto', 'fp32', 'fp16'))
    workspace_mib: int = parameter(
        1024, 'Most GPU memory that one layer of a TensorRT engine may use for itself, in MiB; 0 '
        'for no limit.', minimum=0, maximum=65536)
    engine_cache_mib: int = parameter(
        2048, 'Disk space for TensorRT engines, in MiB: those not used for longest go first; 0 '
        'for no limit.', minimum=0, maximum=1048576)
    device_program: str = parameter(
        'auto', 'Whether everything from the raw frame to its masks runs beside the network as '
        'one program of fixed shapes; auto does so on a GPU, with TensorRT and torch; operators '
        "does the same, but by torch's operators alone, without Triton.",
        choices=('auto', 'always', 'operators', 'never'))


@dataclass(frozen=True)
class InputConfig:
    """The size at which the network sees the image, and whether depth is used."""

    height: int = parameter(
        0, "Height of the box the image is fitted into, in pixels; 0 takes the model's own.",
        minimum=0, maximum=4096)
    width: int = parameter(
        0, "Width of the box the image is fitted into, in pixels; 0 takes the model's own.",
        minimum=0, maximum=4096)
    depth: bool = parameter(
        True, 'Segment with depth where there is some: for models that take it, and to tell what '
        'objects lie on; false leaves it out.', live=True)


@dataclass(frozen=True)
class GroupingConfig:
    """From embeddings and class scores to instances."""

    maximum_seeds: int = parameter(
        100, 'Most seeds picked in one image (T of the paper).', minimum=1, maximum=1000,
        live=True)
    diversity_weight: float = parameter(
        0.3, "Weight alpha of a seed's log distance to the earlier seeds against its log "
        'seediness.', minimum=0.0, maximum=10.0, live=True)
    minimum_score: float = parameter(
        0.0, 'Smallest class score of a seed, and so of an instance; 0 takes the one that '
        f'metricseg teach chose for the model, else {USUAL_MINIMUM_SCORE:g}.', minimum=0.0,
        maximum=1.0, live=True)
    similarity_threshold: float = parameter(
        0.0, 'Similarity threshold tau at which all masks are grown; 0 takes at each seed the one '
        'of highest class score.', minimum=0.0, maximum=1.0, live=True)
    mean_shift_steps: int = parameter(
        1, 'How often a mask is grown again around the mean embedding of its pixels.', minimum=0,
        maximum=10, live=True)
    minimum_mean_score: float = parameter(
        0.15, 'A mask is dropped when the mean seediness of its pixels is below this: they do not '
        'take themselves for parts of an object, only their seed does.', minimum=0.0, maximum=1.0,
        live=True)
    minimum_area: float = parameter(
        0.001, 'Smallest area of an instance, as a share of the image.', minimum=0.0,
        maximum=1.0, live=True)
    suppression_iou: float = parameter(
        0.3, 'A mask is dropped when its IoU with a better one is above this; 1 keeps all.',
        minimum=0.0, maximum=1.0, live=True)
    connected: bool = parameter(
        True, 'Keep only the part of a mask that is connected to its seed.', live=True)
    resolve_overlaps: bool = parameter(
        True, 'Give a pixel claimed by several masks to the one of highest score alone.',
        live=True)
    outline_radius: int = parameter(
        3, "Radius of the guided filter that draws a mask's outline to the image's edges, in "
        "pixels of half the network's input; 0 leaves outlines as the network draws them.",
        minimum=0, maximum=32, live=True)
    zoom: bool = parameter(
        False, 'Look again at each object from near, for sharper outlines. It costs a pass of the '
        'network for each object that is small in the image.', live=True)

    def resolved(self, own_score: float | None = None) -> GroupingConfig:
        """
        Fill in what a smallest score of 0 stands for.

        :param own_score: the one that was chosen for the model; None where none was.
        :return: the same, with a smallest score above 0.
        """
        return replace(self, minimum_score=(
            self.minimum_score or own_score or USUAL_MINIMUM_SCORE))


@dataclass(frozen=True)
class SupportConfig:
    """Which masks are no object but lie in what objects lie on; only where depth is known."""

    enabled: bool = parameter(
        True, 'Drop masks that lie in a table, a floor or a side of a bin, and do not stand out '
        'of it.', live=True)
    minimum_share: float = parameter(
        0.6, "Smallest share of a mask's pixels with depth that lies in a plane for the mask to "
        'lie in it.', minimum=0.0, maximum=1.0, live=True)
    tolerance: float = parameter(
        0.012, 'Distance from a plane within which a pixel near the camera lies in it, in metres; '
        'far away it grows with the noise of depth.', minimum=0.001, maximum=0.1, live=True)
    minimum_plane: float = parameter(
        0.1, 'Smallest share of all pixels with depth that a plane must hold to be a support.',
        minimum=0.01, maximum=1.0, live=True)
    largest_object: float = parameter(
        0.6, 'Length of the largest object that may be found, in metres: what is longer and lies '
        'in a support is no object, whatever its colour.', minimum=0.0, maximum=100.0, live=True)


@dataclass(frozen=True)
class TrackingConfig:
    """From instances of single images to objects that keep their id."""

    enabled: bool = parameter(
        False, 'Give an object the same id in every image; false numbers each image from 1.',
        live=True)
    minimum_similarity: float = parameter(
        0.02, 'Smallest similarity of the mean embeddings of an object in two images.',
        minimum=0.0, maximum=1.0, live=True)
    overlap_weight: float = parameter(
        0.5, 'Weight of where an object should be against that of its embedding and colours.',
        minimum=0.0, maximum=1.0, live=True)
    minimum_colour_similarity: float = parameter(
        0.5, 'Smallest similarity of the colours of an object in two images.', minimum=0.0,
        maximum=1.0, live=True)
    join_similarity: float = parameter(
        0.75, 'Similarity of the mean embeddings above which masks that touch are one object; 1 '
        'joins none.', minimum=0.0, maximum=1.0, live=True)
    memory: int = parameter(
        90, 'Images for which an object that is not seen is remembered.', minimum=0,
        maximum=10000, live=True)


@dataclass(frozen=True)
class OverlayConfig:
    """How masks are drawn over the image."""

    opacity: float = parameter(
        0.5, 'Opacity of the masks over the image.', minimum=0.0, maximum=1.0, live=True)
    contours: bool = parameter(True, 'Draw the outline of each mask.', live=True)
    labels: bool = parameter(True, 'Write id, class and score beside each mask.', live=True)


@dataclass(frozen=True)
class SegmenterConfig:
    """Everything :class:`metricseg_ros.segmenter.InstanceSegmenter` is built from."""

    model: str = parameter(
        'household-lite', 'Name of a shipped model, or path of a model folder or its model.json.')
    backend: BackendConfig = field(default_factory=BackendConfig)
    input: InputConfig = field(default_factory=InputConfig)
    grouping: GroupingConfig = field(default_factory=GroupingConfig)
    support: SupportConfig = field(default_factory=SupportConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    overlay: OverlayConfig = field(default_factory=OverlayConfig)
