# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From an image to its instances: the whole method on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
import time

from metricseg_ros.backends import Backend, BackendError, open_backend
from metricseg_ros.config import GroupingConfig, InputConfig, SegmenterConfig, SupportConfig
from metricseg_ros.device_program.runner import BUFFERS, ProgramError, ProgramRunner
from metricseg_ros.grouping import group, mean_embeddings
from metricseg_ros.grouping.zoom import zoomed_in
from metricseg_ros.instances import image_masks, to_instances
from metricseg_ros.models import load_description, ModelDescription
from metricseg_ros.preprocess import (
    batched,
    brightness,
    check_image,
    crop_to_content,
    DepthTensors,
    preprocess,
    preprocess_depth,
)
from metricseg_ros.structures import (
    DepthImage,
    EmbeddedImage,
    ImageMasks,
    Instances,
    NetworkOutput,
)
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
                 support: SupportConfig | None = None, device_program: str = 'auto') -> None:
        """
        Put the parts together; :meth:`from_config` makes them.

        :param input_config: size at which the network sees the image.
        :param device_program: whether masks are made beside the network: auto, always, never, or
            operators: as auto, but without Triton.
        """
        self.description, self.backend = description, backend
        self.device_program = device_program
        self._runner: ProgramRunner | None = None
        self.grouping = grouping or GroupingConfig()
        self.support = support or SupportConfig()
        self.input_size = box_of(description, input_config or InputConfig())

    @classmethod
    def from_config(cls, config: SegmenterConfig) -> InstanceSegmenter:
        """
        Load a model, open a backend, and run it once so that the first image is not slow.

        :raises ModelError: if the model is missing or damaged.
        :raises BackendError: if no backend can run it as asked.
        """
        description = load_description(config.model)
        box = box_of(description, config.input)
        segmenter = cls(description, open_backend(description, config.backend, box),
                        config.grouping, config.input, config.support,
                        config.backend.device_program)
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
        """Return how many images are taken at once; 1 where nothing is won by it."""
        by_program = self._runner is not None and not self._runner.failure
        return BUFFERS if by_program else self.backend.largest_batch

    def embed(self, image: np.ndarray, depth: DepthImage | None = None) -> EmbeddedImage:
        """
        Run the network on an image.

        :param image: (H,W,3) uint8 RGB.
        :param depth: of the same (H,W), where it is known; a model that takes none leaves it.
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
        depths = depths or [None] * len(images)
        return (self._embedded_by_program(images, depths)
                or self._embedded_step_by_step(images, depths))

    def _embedded_by_program(self, images: Sequence[np.ndarray],
                             depths: Sequence[DepthImage | None]) -> list[EmbeddedImage] | None:
        """Make the masks beside the network; return None where that is not wanted or possible."""
        if self.device_program == 'never':
            return None
        for image in images:
            check_image(image)
        stage_ms = {'preprocess': 0.0}
        groupings = [self._device_grouping(depth) for depth in depths]
        with timed(stage_ms, 'network'):
            found = self.backend.by_the_best(
                lambda backend: self._run_program(backend, images, depths, groupings))
        return found and [
            replace(embedded, stage_ms=dict(stage_ms), image=self._kept(image, depth), depth=depth)
            for embedded, image, depth in zip(found, images, depths, strict=True)]

    def _run_program(self, backend: Backend, *frames: Sequence) -> list[EmbeddedImage] | None:
        always = self.device_program == 'always'
        if not always and backend.report.device == 'cpu':
            return None
        if self._runner is None or self._runner.backend is not backend:
            self._runner = ProgramRunner(self.description, self.input_size, backend,
                                         self.device_program != 'operators')
        try:
            return None if self._runner.failure else self._runner.run(*frames)
        except (BackendError, ValueError):
            raise
        except Exception as error:  # Whatever it is, the other path goes on and says so.
            if always:
                raise BackendError(f'backend.device_program is always, but {error}') from error
            if not isinstance(error, ProgramError):
                self._runner.give_up(error)
            return None

    def _device_grouping(self, depth: DepthImage | None) -> GroupingConfig:
        """Leave overlaps to the CPU where supports are dropped, which judges whole masks."""
        grouping = self.own_grouping
        return replace(grouping, resolve_overlaps=grouping.resolve_overlaps and not (
            depth is not None and self.support.enabled))

    def _embedded_step_by_step(self, images: Sequence[np.ndarray],
                               depths: Sequence[DepthImage | None]) -> list[EmbeddedImage]:
        stage_ms: dict[str, float] = {}
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
                              self._kept(image, depth), depth)
                for image, depth, output, (_, geometry), bright in zip(
                    images, depths, outputs, fed, brightnesses, strict=True)]

    def _kept(self, image: np.ndarray, depth: DepthImage | None) -> np.ndarray | None:
        """Return an image that is needed once more when masks are made."""
        return image if depth is not None or self.grouping.zoom else None

    def _run(self, tensors: list[Tensor],
             depths: list[DepthTensors | None]) -> list[NetworkOutput]:
        alike = len({tensor.shape for tensor in tensors}) == 1
        if alike and 1 < len(tensors) <= self.backend.largest_batch:
            return self.backend.run_batch(torch.cat(tensors), batched(depths, tensors[0]))
        return [self.backend.run(*inputs) for inputs in zip(tensors, depths, strict=True)]

    def instances(self, embedded: EmbeddedImage) -> Instances:
        """
        Group an image's pixels into instances.

        :param embedded: from :meth:`embed`.
        :return: the instances by decreasing score, with the times of all stages.
        """
        stage_ms, grouping = dict(embedded.stage_ms), self.own_grouping
        masks = self._masks(embedded, grouping, stage_ms)
        with timed(stage_ms, 'masks'):
            if grouping.zoom:
                masks = zoomed_in(masks, embedded, self.input_size, lambda *part: self._masks(
                    self.embed(*part), grouping, {}).placed)
            with single_threaded():
                instances = to_instances(masks, embedded, grouping, self.support)
        return replace(instances, stage_ms=stage_ms)

    @single_threaded()
    def _masks(self, embedded: EmbeddedImage, grouping: GroupingConfig,
               stage_ms: dict[str, float]) -> ImageMasks:
        masks = embedded.masks
        if masks is not None and masks.grouping != self._device_grouping(embedded.depth):
            masks = None  # They were made by parameters that have changed since.
        with timed(stage_ms, 'grouping'):
            if masks is None:
                on_grid, embeddings = group(embedded.output, grouping), embedded.output.embeddings
                described = mean_embeddings(embeddings, on_grid.masks.to(embeddings.device))
        with timed(stage_ms, 'masks'):
            return masks or image_masks(on_grid, described, embedded, grouping)

    def close(self) -> None:
        """Give back what the backend holds."""
        self.backend.close()


def box_of(description: ModelDescription, asked: InputConfig) -> tuple[int, int]:
    """Give the (height, width) of the box that images are fitted into."""
    return (asked.height or description.input_size[0], asked.width or description.input_size[1])


@contextmanager
def timed(stage_ms: dict[str, float], stage: str) -> Iterator[None]:
    """Measure a stage, or a further part of it, and put down its milliseconds."""
    start = time.perf_counter()
    yield
    stage_ms[stage] = stage_ms.get(stage, 0.0) + (time.perf_counter() - start) * 1e3
