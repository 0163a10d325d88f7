# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole program: one frame in, one row of bytes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from metricseg_ros.config import GroupingConfig
from metricseg_ros.device_program.frame import FramePreparation
from metricseg_ros.device_program.masks import GridMasks, group_on_device, Steps
from metricseg_ros.device_program.outlines import Outlines, places, read
from metricseg_ros.device_program.seeds import diversity_is_in_range
from metricseg_ros.grouping.seediness import nearest_threshold
from metricseg_ros.instances import numbered_instances, PlacedMask
from metricseg_ros.models import ModelDescription
from metricseg_ros.preprocess import fit_geometry
from metricseg_ros.similarity import squared_radii
from metricseg_ros.structures import Instances, Seeds
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

LADDER = (Steps(16, 8, 4), Steps(32, 16, 8), Steps(64, 32, 16))
"""The next one runs where one was not enough; after the last, the CPU's path."""

Network = Callable[[Tensor], tuple[Tensor, ...]]
"""From (1,3,h,w) to embeddings (1,D,h',w'), class logits (1,T,C+1,h',w') and, of a network with
such, name logits (1,M,h'',w'')."""


def runs_on_device(config: GroupingConfig) -> bool:
    """
    Tell whether the program does what a configuration asks for.

    :param config: how to group.
    :return: false where the CPU's path has to.
    """
    return diversity_is_in_range(config)


@dataclass(frozen=True)
class Answer:
    """
    What the host reads of a frame.

    :param instances: those that were found.
    :param enough: whether the program's steps were enough for that; else they may be wrong.
    """

    instances: Instances
    enough: bool


class DeviceProgram:
    """Segments frames of one size with a fixed number of seeds."""

    def __init__(self, description: ModelDescription, image_size: tuple[int, int],
                 box: tuple[int, int], config: GroupingConfig, steps: Steps,
                 device: torch.device) -> None:
        """
        Write down what depends on sizes and parameters alone.

        :param description: of the model.
        :param image_size: (height, width) of the frames.
        :param box: (height, width) of the box they are fitted into.
        :param config: how to group.
        :param steps: how much to do, of at most 255 seeds.
        :param device: where the program runs.
        """
        self.config, self.device = config, device
        self.seeds = min(steps.seeds, config.maximum_seeds)
        self.steps = steps._replace(seeds=self.seeds)
        thresholds = description.similarity_thresholds
        # One threshold for all masks is judged by the class scores of the nearest trained one.
        self.levels = slice(None) if not config.similarity_threshold else slice(
            nearest := nearest_threshold(thresholds, config.similarity_threshold), nearest + 1)
        self.taus = torch.tensor([config.similarity_threshold] if config.similarity_threshold
                                 else thresholds)
        self.radii = squared_radii(self.taus).to(device)
        self.geometry = fit_geometry(image_size, box, description.size_multiple)
        self.prepare = FramePreparation(self.geometry, description.mean, description.std, device)
        self.ranks = torch.arange(self.seeds, 0, -1, device=device, dtype=torch.uint8)
        self.bits = 2 ** torch.arange(7, -1, -1, device=device, dtype=torch.uint8)
        self.grid: tuple[int, int] | None = None

    def _fit_grid(self, grid: tuple[int, int]) -> None:
        """Write down what depends on the network's grid, which its first output tells."""
        self.grid, geometry = grid, self.geometry
        self.to_image = geometry.grid_to_image(grid)
        scale, offset = self.to_image.T
        self.shown = shown = geometry.grid_content(grid)
        self.from_grid = places(np.stack([1 / scale, -offset / scale], axis=1),
                                geometry.image_size, shown, self.device)
        radius = self.config.outline_radius
        self.outlines = Outlines(geometry.content_size, geometry.image_size, shown, self.to_image,
                                 radius, self.device) \
            if radius and min(geometry.content_size) >= 2 else None

    def __call__(self, frame: Tensor, network: Network) -> Tensor:
        """
        Segment a frame.

        :param frame: (H,W,3) uint8 RGB, on the device.
        :param network: runs the network.
        :return: (bytes,) uint8, to be copied to the host once, for :meth:`answer`.
        """
        tensor = self.prepare(frame)
        embeddings, class_logits, *names = network(tensor)
        if self.grid is None:
            self._fit_grid(tuple(embeddings.shape[2:]))
        rows, columns = self.shown
        masks = group_on_device(
            embeddings[0, :, :rows, :columns], class_logits[0, self.levels, :, :rows, :columns],
            self.radii, self.ranks, self.config, self.steps,
            self._on_grid(*names) if names else None)
        height, width = self.geometry.content_size
        guide = tensor[0, :, :height, :width].mean(dim=0)
        return self._packed(masks, self._in_image(masks, guide))

    def _on_grid(self, names: Tensor) -> Tensor:
        """Give each cell of the grid the name logits of the coarser cell that it lies in."""
        rows, columns = self.shown
        finer = interpolate(names, scale_factor=float(self.grid[0] // names.shape[2]),
                            mode='nearest')
        return finer[0, :, :rows, :columns]

    def _in_image(self, masks: GridMasks, guide: Tensor) -> Tensor:
        """Take the masks to the image: (K,H,W) bool, also of those that are dropped."""
        margins = read(masks.margins, self.from_grid)
        if self.outlines is not None:
            drawn, as_it_was = self.outlines(masks.margins, guide)
            margins = torch.where(as_it_was[:, None, None], margins,
                                  read(drawn, self.outlines.to_fine))
        return margins >= 0

    def _packed(self, masks: GridMasks, inside: Tensor) -> Tensor:
        """Put everything that the host reads into one row of bytes."""
        ranks = self.ranks * masks.kept
        if self.config.resolve_overlaps:
            raster = (inside * ranks.to(torch.uint8)[:, None, None]).amax(dim=0)
            inside = raster == self.ranks[:, None, None]
        else:
            inside = inside & (ranks > 0)[:, None, None]
            columns = pad(inside, (0, -inside.shape[2] % 8)).unflatten(2, (-1, 8))
            raster = (columns * self.bits).sum(dim=3, dtype=torch.uint8)
        table = torch.cat([torch.stack([
            masks.pixels, masks.scores, masks.class_ids, masks.levels, masks.kept,
            masks.complete.expand(self.seeds), masks.settled.expand(self.seeds)], dim=1),
            masks.embeddings], dim=1)
        return torch.cat([table.view(torch.uint8).flatten(), raster.flatten(),
                          inside.any(dim=2).view(torch.uint8).flatten(),
                          inside.any(dim=1).view(torch.uint8).flatten()])

    def answer(self, packed: np.ndarray) -> Answer:
        """
        Read what the program says.

        :param packed: (bytes,) uint8, on the host.
        :return: the answer.
        """
        count, (height, width) = self.seeds, self.geometry.image_size
        raster_size = (height, width) if self.config.resolve_overlaps \
            else (count, height, -(-width // 8))
        lengths = [count * height, count * width, int(np.prod(raster_size))]
        head, raster, rows, columns = np.split(packed, np.cumsum(
            [len(packed) - sum(lengths), lengths[2], lengths[0]]))
        table = torch.from_numpy(head.view(np.float32).reshape(count, -1))
        pixels = table[:, 0].long()
        positions = torch.stack([pixels // self.shown[1], pixels % self.shown[1]], dim=1)
        seeds = Seeds(positions, table[:, 1], table[:, 2].long(), self.taus[table[:, 3].long()])
        least = max(1.0, self.config.minimum_area * height * width)
        placed = {}
        for index in np.flatnonzero(table[:, 4] > 0):
            crop = self._crop(raster.reshape(raster_size), index, rows.reshape(count, -1)[index],
                              columns.reshape(count, -1)[index])
            if np.count_nonzero(crop[1]) >= least:
                placed[index] = crop
        kept = torch.tensor(list(placed), dtype=torch.int64)
        instances = numbered_instances(seeds[kept], list(placed.values()), (height, width),
                                       self.to_image)
        complete = bool(table[0, 5]) or count == self.config.maximum_seeds
        return Answer(replace(instances, embeddings=table[kept, 7:].numpy()),
                      complete and bool(table[0, 6]) and bool(table.isfinite().all()))

    def _crop(self, raster: np.ndarray, index: int, rows: np.ndarray, columns: np.ndarray
              ) -> PlacedMask:
        """Cut one mask out of the raster of the image."""
        (tall,), (wide,) = np.nonzero(rows), np.nonzero(columns)
        if not len(tall):
            return (0, 0, 0, 0), np.zeros((0, 0), bool)
        top, bottom, left, right = tall[0], tall[-1] + 1, wide[0], wide[-1] + 1
        if self.config.resolve_overlaps:
            crop = raster[top:bottom, left:right] == self.seeds - index
        else:
            crop = np.unpackbits(raster[index, top:bottom], axis=1)[:, left:right].view(bool)
        return (left, top, right, bottom), crop
