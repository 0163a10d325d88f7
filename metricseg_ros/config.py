# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Every parameter of the running segmenter: default, range and description, in one place.

The same dotted names (`grouping.minimum_score`) are used in YAML, on the command line, in Python
and as ROS parameters; the node declares them, and the documentation lists them, from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
import difflib
import math
from typing import Any

BACKGROUND = 0
"""Label of the background in a label map, and class id of 'no object'."""

IGNORE_LABEL = 65535
"""Label of pixels that take no part in training and evaluation, in a label map."""


@dataclass(frozen=True)
class ParameterInfo:
    """
    What is said of one parameter.

    :param description: one sentence for people, with the unit.
    :param minimum: smallest value allowed, or None.
    :param maximum: largest value allowed, or None.
    :param choices: the values allowed, or empty for all.
    :param live: whether a running node takes a new value at once; else it is read at configure.
    :param item: type of the items, where the parameter is a tuple.
    """

    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    item: type = float


NO_LIMITS = ParameterInfo('')
"""What is said of the items of a tuple: nothing."""


def parameter(default: Any, description: str, **info: Any) -> Any:
    """
    Declare a configuration field with what :class:`ParameterInfo` says of it.

    :param default: default value; its type is the parameter's type.
    :param description: one sentence for people, with the unit.
    :param info: the other fields of :class:`ParameterInfo`.
    :return: a dataclass field.
    """
    return field(default=default, metadata={'info': ParameterInfo(description, **info)})


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
    workspace_mib: int = parameter(
        0, 'Most GPU memory that one layer of a TensorRT engine may use for itself, in MiB; 0 for '
        'no limit.', minimum=0, maximum=65536)
    engine_cache_mib: int = parameter(
        2048, 'Disk space for TensorRT engines, in MiB: those not used for longest go first; 0 '
        'for no limit.', minimum=0, maximum=1048576)


@dataclass(frozen=True)
class InputConfig:
    """The size at which the network sees the image."""

    height: int = parameter(
        0, "Height of the box the image is fitted into, in pixels; 0 takes the model's own.",
        minimum=0, maximum=4096)
    width: int = parameter(
        0, "Width of the box the image is fitted into, in pixels; 0 takes the model's own.",
        minimum=0, maximum=4096)


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
        0.5, 'Smallest class score of a seed, and so of an instance.', minimum=0.0, maximum=1.0,
        live=True)
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
    images: int = parameter(
        10, 'Latest depth images of each camera that are kept while images are segmented.',
        minimum=1, maximum=1000)


@dataclass(frozen=True)
class SegmenterConfig:
    """Everything :class:`metricseg_ros.segmenter.InstanceSegmenter` is built from."""

    model: str = parameter(
        'household-lite', 'Name of a shipped model, or path of a model folder or its model.json.')
    backend: BackendConfig = field(default_factory=BackendConfig)
    input: InputConfig = field(default_factory=InputConfig)
    grouping: GroupingConfig = field(default_factory=GroupingConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    overlay: OverlayConfig = field(default_factory=OverlayConfig)


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
        'auto', 'Reliability asked of the image and depth topics; auto accepts every publisher.',
        choices=('auto', 'reliable', 'best_effort'))
    diagnostics_period: float = parameter(
        1.0, 'Time between two diagnostics messages, in seconds.', minimum=0.1, maximum=60.0)
    latency_window: int = parameter(
        200, 'Number of latest frames over which latencies are reported.', minimum=10,
        maximum=10000)
    clicks: ClicksConfig = field(default_factory=ClicksConfig)
    depth: DepthInputConfig = field(default_factory=DepthInputConfig)


@dataclass(frozen=True)
class NetworkConfig:
    """What the network is made of; a model's model.json holds its own."""

    backbone: str = parameter(
        'efficientnet_lite0', 'Trunk of the network.',
        choices=('efficientnet_lite0', 'resnet18', 'resnet34', 'resnet50', 'resnet101',
                 'deeplab_resnet101'))
    embedding_dim: int = parameter(
        64, 'Dimensions d of an embedding (64 in the paper).', minimum=1, maximum=1024)
    class_count: int = parameter(
        1, 'Number C of classes, without the background.', minimum=1, maximum=65534)
    similarity_thresholds: tuple[float, ...] = parameter(
        (0.25, 0.5, 0.75, 0.9), "Similarity thresholds tau of the class head (the paper's).")
    decoder_channels: int = parameter(
        64, "Channels of the pyramid decoder; 0 leaves it out, and the heads read the trunk's "
        'last map, as in the paper.', minimum=0, maximum=2048)
    decoder_stride: int = parameter(
        4, 'Stride of the finest map the decoder reads, and so of the output.', minimum=2,
        maximum=32)
    position_channels: bool = parameter(
        True, "Tell the embedding head each pixel's place.")
    pyramid_scales: tuple[float, ...] = parameter(
        (1.0,), 'Scales at which the trunk sees the image, each n or 1/n (0.25, 0.5, 1, 2 in the '
        'paper).')
    pyramid_fusion: str = parameter(
        'concatenate',
        "Fuse the scales' features before the heads, or average the heads' outputs.",
        choices=('concatenate', 'average'))
    name_backbone: str = parameter(
        '', 'Trunk of its own that names objects, from its last two maps; where empty the class '
        'head names them.',
        choices=('', 'efficientnet_lite0', 'resnet18', 'resnet34', 'resnet50', 'resnet101'))
    class_scores: str = parameter(
        'class', "What the likeliest class's score tells: how likely this class is, as in the "
        'paper, or how likely any object is, so that an object of doubtful class is found all '
        'the same.', choices=('class', 'object'))


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    data: tuple[Any, ...] = parameter(
        (), 'Data sets to train on: texts such as folder:DIR, coco:IMAGES:JSON or composed, or '
        'mappings of source, weight and background_known.', item=object)
    pretrained: str = parameter(
        'imagenet', 'Where the weights start: none, imagenet, a model, or a file of weights, or '
        'the address of one whose name ends with its hash.')
    steps: int = parameter(20000, 'Optimiser steps.', minimum=1)
    batch_size: int = parameter(
        16, 'Images in a step, those of all processes together.', minimum=1)
    height: int = parameter(192, 'Height of a training crop, in pixels.', minimum=32)
    width: int = parameter(256, 'Width of a training crop, in pixels.', minimum=32)
    crop_sizes: tuple[str, ...] = parameter(
        (), 'Sizes HxW of training crops instead, one drawn for each step. batch_size is for the '
        'smallest; of larger ones a step has fewer, but at least half as many.', item=str)
    crop_scales: tuple[float, ...] = parameter(
        (0.6, 1.4), 'Smallest and largest scale of an image, relative to one that just fits into '
        'the crop.')
    composed_size: str = parameter(
        '', 'Size HxW of composed scenes; a quarter more than the largest crop where empty.')
    learning_rate: float = parameter(
        1e-3, 'Highest learning rate of the decoder and the heads.', minimum=0.0)
    backbone_rate: float = parameter(
        0.3, 'Learning rate of the trunk, as a share of that of the heads.', minimum=0.0)
    optimiser: str = parameter(
        'adamw', 'Optimiser; sgd is that of DeepLab v2.', choices=('adamw', 'sgd'))
    momentum: float = parameter(0.9, 'Momentum of sgd.', minimum=0.0, maximum=1.0)
    weight_decay: float = parameter(
        1e-4, 'Weight decay; decoupled from the gradient with adamw.', minimum=0.0)
    schedule: str = parameter(
        'cosine', 'How the learning rate falls to 0: half a cosine, or the power 0.9 of what is '
        'left of the steps.', choices=('cosine', 'poly'))
    warmup_steps: int = parameter(
        100, 'Steps over which the learning rate rises to its highest.', minimum=0)
    batch_norm: str = parameter(
        'trained', 'Train batch normalisations (over all GPUs together), or leave them as they '
        'start.', choices=('trained', 'frozen'))
    precision: str = parameter(
        '32-true', 'Precision of the network in training; mixed ones are for GPUs.',
        choices=('32-true', '16-mixed', 'bf16-mixed'))
    gradient_norm: float = parameter(5.0, 'Largest norm of the gradient.', minimum=0.0)
    average_decay: float = parameter(
        0.998, 'Decay of the running average of the weights, which is what ships.', minimum=0.0,
        maximum=1.0)
    samples_per_instance: int = parameter(
        10, "Pixels K sampled of each instance, for pairs and for the class head's targets.",
        minimum=1)
    background_samples: int = parameter(
        40, 'Pixels sampled of the background.', minimum=0)
    background_pairs: bool = parameter(
        True, 'Count two background pixels as a pair of the same instance.')
    same_pair_share: float = parameter(
        0.0, 'What pairs of pixels within an instance weigh together in the embedding loss, so '
        'that large ones hold together; 0 leaves it to their number, as in the paper.',
        minimum=0.0, maximum=1.0)
    classification_weight: float = parameter(
        0.2, 'Weight lambda of the classification loss, reached gradually.', minimum=0.0)
    classification_ramp: float = parameter(
        0.25, 'Share of the steps over which lambda rises from 0.', minimum=0.0, maximum=1.0)
    correct_iou: float = parameter(
        0.5, 'A grown mask counts as its instance above this IoU.', minimum=0.0, maximum=1.0)
    soft_targets: bool = parameter(
        False, 'Let the class head learn the IoU of the grown mask instead of whether it is '
        'enough.')
    soft_range: tuple[float, ...] = parameter(
        (0.0, 1.0), 'IoU up to which a soft target is 0, and from which on it is 1.')
    rng_seed: int = parameter(0, 'Seed of the random numbers.', minimum=0)
    checkpoint_steps: int = parameter(200, 'Steps between two checkpoints.', minimum=1)
    picture_steps: int = parameter(
        500, 'Steps between two pictures for TensorBoard; 0 draws none.', minimum=0)

    def __post_init__(self) -> None:
        """Check that ranges are two numbers in order."""
        for name, least, most in (('crop_scales', 0.01, 100.0), ('soft_range', 0.0, 1.0)):
            values = getattr(self, name)
            if len(values) != 2 or not least <= values[0] < values[1] <= most:
                raise ValueError(f'{name} must be two numbers in order, in [{least:g}, {most:g}], '
                                 f'got {values}')


def dotted_fields(config: Any, prefix: str = '') -> Iterator[tuple[str, Any, ParameterInfo]]:
    """
    Walk a configuration's parameters.

    :param config: a configuration dataclass instance.
    :param prefix: what stands before each name.
    :return: dotted name, value and description of every parameter, in order of declaration.
    """
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            yield from dotted_fields(value, f'{prefix}{item.name}.')
        else:
            yield prefix + item.name, value, item.metadata['info']


def with_values(config: Any, values: Mapping[str, Any]) -> Any:
    """
    Return a configuration with some parameters changed.

    :param config: a configuration dataclass instance; it is not changed.
    :param values: dotted parameter name -> value.
    :return: a new configuration of the same class.
    :raises ValueError: for an unknown name, or a value out of its range or choices.
    :raises TypeError: for a value of another type.
    """
    known = {name: (value, info) for name, value, info in dotted_fields(config)}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f'unknown parameter {name!r}{_suggestion(name, known)}')
        checked = check_value(name, value, type(known[name][0]), known[name][1])
        config = _replaced(config, name.split('.'), checked)
    return config


def from_dict(config_class: type, values: Mapping[str, Any]) -> Any:
    """
    Build a configuration from nested or dotted values, refusing unknown keys.

    :param config_class: a configuration dataclass.
    :param values: nested mapping, as read from YAML; dotted keys are accepted too.
    :return: an instance of `config_class`.
    :raises ValueError: for an unknown name, or a value out of its range or choices.
    :raises TypeError: for a value of another type.
    """
    return with_values(config_class(), flattened(values))


def flattened(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """
    Turn nested values into dotted ones.

    :param values: nested or dotted, as read from YAML.
    :param prefix: what stands before each name.
    :return: dotted name -> value.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= (flattened(value, f'{prefix}{key}.') if isinstance(value, Mapping)
                 else {f'{prefix}{key}': value})
    return flat


def check_value(name: str, value: Any, kind: type, info: ParameterInfo) -> Any:
    """
    Check one value against its parameter's type, range and choices.

    :param name: dotted parameter name, for the message.
    :param value: the value offered.
    :param kind: the parameter's type: bool, int, float, str or tuple.
    :param info: the parameter's description.
    :return: the value; an int is taken as a float where a float is meant.
    :raises TypeError: if the value is of another type.
    :raises ValueError: if it is out of range or not among the choices.
    """
    if kind is object:  # Whoever reads it checks it.
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if kind is tuple and isinstance(value, (list, tuple)):
        return tuple(check_value(f'each of {name}', item, info.item, NO_LIMITS) for item in value)
    if type(value) is not kind:
        what = 'a list' if kind is tuple else f'of type {kind.__name__}'
        raise TypeError(f'{name} must be {what}, got {value!r}')
    if info.choices and value not in info.choices:
        raise ValueError(f'{name} must be one of {", ".join(info.choices)}, got {value!r}')
    below = info.minimum is not None and not value >= info.minimum
    above = info.maximum is not None and not value <= info.maximum
    if below or above or (kind is float and not math.isfinite(value)):
        raise ValueError(f'{name} must be in {_range_text(info)}, got {value!r}')
    return value


def parse_value(name: str, text: str, kind: type) -> Any:
    """
    Read a parameter's value from `key=value` text.

    :param name: dotted parameter name, for the message.
    :param text: what stands after the equals sign.
    :param kind: the parameter's type: bool, int, float, str or tuple (numbers or texts, and
        commas).
    :return: the value.
    :raises ValueError: if the text is no value of that type.
    """
    if kind is bool:
        if text.lower() not in ('true', 'false'):
            raise ValueError(f'{name} must be true or false, got {text!r}')
        return text.lower() == 'true'
    try:
        if kind is tuple:
            return tuple(map(_number_or_text, text.split(',')))
        return kind(text)
    except ValueError:
        raise ValueError(f'{name} must be of type {kind.__name__}, got {text!r}') from None


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _range_text(info: ParameterInfo) -> str:
    low = '-inf' if info.minimum is None else f'{info.minimum:g}'
    high = 'inf' if info.maximum is None else f'{info.maximum:g}'
    return f'[{low}, {high}]'


def _suggestion(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f': did you mean {close[0]!r}?' if close else f'; known are {", ".join(known)}'


def _replaced(config: Any, path: list[str], value: Any) -> Any:
    if len(path) > 1:
        value = _replaced(getattr(config, path[0]), path[1:], value)
    return replace(config, **{path[0]: value})
