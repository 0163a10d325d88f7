# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From an image to its instances: the whole method on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
import time

from metricseg_ros.backends import Backend, open_backend
from metricseg_ros.config import GroupingConfig, InputConfig, SegmenterConfig, SupportConfig
from metricseg_ros.grouping import group, mean_embeddings
from metricseg_ros.instances import to_instances
from metricseg_ros.models import load_description, ModelDescription
from metricseg_ros.preprocess import (
    batched,
    brightness,
    DepthTensors,
    ImageGeometry,
    preprocess,
    preprocess_depth,
)
from metricseg_ros.structures import DepthImage, EmbeddedImage, Instances, NetworkOutput
from metricseg_ros.threads import single_threaded
import numpy as np
import torch
from torch import Tensor


class InstanceSegmenter:
    """
    Segments images into instances.

    :ivar grouping: how pixels are grouped; may be replaced between two images, by any thread.
    :ivar support: what counts as a support where there is depth; may be replaced likewise.
    """

    def __init__(self, description: ModelDescription, backend: Backend,
                 grouping: GroupingConfig | None = None,
                 input_config: InputConfig | None = None,
                 support: SupportConfig | None = None) -> None:
        """
        Put the parts together; :meth:`from_config` makes them.

        :param backend: runs its network.
        :param input_config: size at which the network sees the image.
        :param support: what counts as a support.
        """
        self.description, self.backend = description, backend
        self.grouping = grouping or GroupingConfig()
        self.support = support or SupportConfig()
        self.input_size = box_of(description, input_config or InputConfig())

    @classmethod
    def from_config(cls, config: SegmenterConfig) -> InstanceSegmenter:
        """
        Load a model, open a backend, and run it once so that the first image is not slow.

        :return: a segmenter ready to run.
        :raises ModelError: if the model is missing or damaged.
        :raises BackendError: if no backend can run it as asked.
        """
        description = load_description(config.model)
        box = box_of(description, config.input)
        segmenter = cls(description, open_backend(description, config.backend, box),
                        config.grouping, config.input, config.support)
        segmenter.segment(np.zeros((*segmenter.input_size, 3), np.uint8))
        return segmenter

    def segment(self, image: np.ndarray, depth: DepthImage | None = None) -> Instances:
        """
        Find the instances in an image.

        :param image: (H,W,3) uint8 RGB.
        :param depth: of the same (H,W), where it is known: for models that take it, and to drop
            masks of what objects lie on.
        :return: its instances by decreasing score; `stage_ms` tells what each stage took.
        :raises ValueError: if image or depth are of another shape or type.
        """
        return self.instances(self.embed(image, depth))

    @property
    def own_grouping(self) -> GroupingConfig:
        """Return the grouping, with the model's own smallest score where nobody chose another."""
        return self.grouping.resolved(self.description.minimum_score)

    @property
    def largest_batch(self) -> int:
        """Return how many images the network takes at once; 1 where nothing is won by it."""
        return self.backend.largest_batch

    def embed(self, image: np.ndarray, depth: DepthImage | None = None) -> EmbeddedImage:
        """
        Run the network on an image.

        :param image: (H,W,3) uint8 RGB.
        :param depth: of the same (H,W), where it is known; a model that takes none leaves it.
        :return: what the network says of it.
        :raises ValueError: if image or depth are of another shape or type.
        """
        return self.embed_all([image], [depth])[0]

    def embed_all(self, images: Sequence[np.ndarray],
                  depths: Sequence[DepthImage | None] | None = None) -> list[EmbeddedImage]:
        """
        Run the network on images, in one batch where the backend and their sizes allow.

        :param images: (H,W,3) uint8 RGB each, :attr:`largest_batch` at most.
        :param depths: of each image, where it is known.
        :return: what the network says of each; the times are those of them all.
        :raises ValueError: if an image or its depth is of another shape or type.
        """
        stage_ms: dict[str, float] = {}
        depths = depths or [None] * len(images)
        with timed(stage_ms, 'preprocess'):
            fed = [preprocess(image, self.input_size, self.description.size_multiple,
                              self.description.mean, self.description.std) for image in images]
            brightnesses = [brightness(tensor, geometry) for tensor, geometry in fed]
            seen = [preprocess_depth(depth, geometry)
                    if depth and self.description.takes_depth else None
                    for depth, (_, geometry) in zip(depths, fed, strict=True)]
        with timed(stage_ms, 'network'):
            outputs = self._run([tensor for tensor, _ in fed], seen)
        return [EmbeddedImage(crop_to_content(output, geometry), geometry.image_size,
                              geometry.grid_to_image(output.grid_size), dict(stage_ms), bright,
                              image if depth else None, depth)
                for image, depth, output, (_, geometry), bright in zip(
                    images, depths, outputs, fed, brightnesses, strict=True)]

    def _run(self, tensors: list[Tensor],
             depths: list[DepthTensors | None]) -> list[NetworkOutput]:
        alike = len({tensor.shape for tensor in tensors}) == 1
        if alike and 1 < len(tensors) <= self.largest_batch:
            return self.backend.run_batch(torch.cat(tensors), batched(depths, tensors[0]))
        return [self.backend.run(*inputs) for inputs in zip(tensors, depths, strict=True)]

    @single_threaded()
    def instances(self, embedded: EmbeddedImage) -> Instances:
        """
        Group an image's pixels into instances.

        :param embedded: from :meth:`embed`.
        :return: the instances by decreasing score, with the times of all stages.
        """
        stage_ms, grouping = dict(embedded.stage_ms), self.own_grouping
        with timed(stage_ms, 'grouping'):
            masks = group(embedded.output, grouping)
            embeddings = embedded.output.embeddings
            described = mean_embeddings(embeddings, masks.masks.to(embeddings.device))
        with timed(stage_ms, 'masks'):
            instances = to_instances(masks, embedded, grouping, described, self.support)
        return replace(instances, stage_ms=stage_ms)

    def close(self) -> None:
        """Give back what the backend holds."""
        self.backend.close()


def box_of(description: ModelDescription, asked: InputConfig) -> tuple[int, int]:
    """
    Tell which box images are fitted into.

    :param asked: what the configuration asks for.
    :return: (height, width).
    """
    return (asked.height or description.input_size[0], asked.width or description.input_size[1])


def crop_to_content(output: NetworkOutput, geometry: ImageGeometry) -> NetworkOutput:
    """
    Leave out the part of the grid that shows only padding.

    :param output: of the whole input.
    :param geometry: how the image lies in it.
    :return: of the image.
    """
    rows, columns = geometry.grid_content(output.grid_size)
    names, stride = output.name_logits, output.name_stride
    if names is not None:
        names = names[:, :-(-rows // stride), :-(-columns // stride)].contiguous()
    return replace(output, embeddings=output.embeddings[:, :rows, :columns].contiguous(),
                   class_logits=output.class_logits[:, :, :rows, :columns].contiguous(),
                   name_logits=names)


@contextmanager
def timed(stage_ms: dict[str, float], stage: str) -> Iterator[None]:
    """
    Measure a stage.

    :param stage_ms: gets the time it took, in milliseconds.
    :param stage: its name.
    """
    start = time.perf_counter()
    yield
    stage_ms[stage] = (time.perf_counter() - start) * 1e3
