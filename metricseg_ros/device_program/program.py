# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole program: one frame in, one row of bytes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TYPE_CHECKING

from metricseg_ros.backends.backend import DeviceNetwork
from metricseg_ros.config import GroupingConfig
from metricseg_ros.device_program.depth import DepthPreparation
from metricseg_ros.device_program.frame import FramePreparation
from metricseg_ros.device_program.masks import DeviceGrouping, GridMasks, Steps
from metricseg_ros.device_program.outlines import Outlines, places, read
from metricseg_ros.device_program.seeds import diversity_is_in_range
from metricseg_ros.grouping.masks import LEAST_LOGIT
from metricseg_ros.grouping.seediness import nearest_threshold
from metricseg_ros.models import ModelDescription
from metricseg_ros.preprocess import crop_to_content, fit_geometry
from metricseg_ros.similarity import squared_radii
from metricseg_ros.structures import ImageMasks, NetworkOutput, PlacedMask, Seeds
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

if TYPE_CHECKING:  # Triton is not everywhere.
    from metricseg_ros.device_program.kernels import Kernels

LADDER = (Steps(16, 7, 3), Steps(32, 16, 8), Steps(64, 32, 16))
"""The next one runs where one was not enough; after the last, the CPU's path."""


class Seen(NamedTuple):
    """
    A frame as the network sees it, on the device.

    :param output: of the network, on the part of its grid that shows the frame.
    :param guides: (G,h,w) float32 at the size of the network's input: brightness of the frame,
        and its depth where outlines follow that, too.
    """

    output: NetworkOutput
    guides: Tensor


@dataclass(frozen=True)
class Answer:
    """
    What the host reads of a frame.

    :param masks: those that were found.
    :param enough: whether the program's steps were enough for that; else they may be wrong.
    """

    masks: ImageMasks
    enough: bool


class DeviceProgram:
    """Segments frames of one size; what depends on sizes and parameters alone is written down."""

    def __init__(self, description: ModelDescription, image_size: tuple[int, int],
                 box: tuple[int, int], config: GroupingConfig, device: torch.device,
                 by_depth: bool = False, kernels: type[Kernels] | None = None) -> None:
        """
        Write down what does not depend on the network's grid.

        :param description: of the model.
        :param image_size: (height, width) of the frames.
        :param box: (height, width) of the box they are fitted into.
        :param config: how to group.
        :param device: where the program runs.
        :param by_depth: whether outlines follow depth, too.
        :param kernels: what does the loops in place of torch's operators.
        :raises ValueError: if the program cannot do what the configuration asks for.
        """
        if not diversity_is_in_range(config):
            raise ValueError(f'grouping.diversity_weight is {config.diversity_weight:g}: only the '
                             'path on the CPU takes that')
        self.config, self.device, self.by_depth = config, device, by_depth
        self.kernels = kernels
        self.thresholds = description.similarity_thresholds
        # One threshold for all masks is judged by the class scores of the nearest trained one.
        self.levels = slice(None) if not config.similarity_threshold else slice(
            nearest := nearest_threshold(self.thresholds, config.similarity_threshold),
            nearest + 1)
        self.taus = torch.tensor([config.similarity_threshold] if config.similarity_threshold
                                 else self.thresholds)
        self.radii = squared_radii(self.taus).to(device)
        self.geometry = fit_geometry(image_size, box, description.size_multiple)
        self.prepare = FramePreparation(self.geometry, description.mean, description.std, device)
        self.prepare_depth = DepthPreparation(self.geometry, device)
        black = -float(np.mean(np.divide(description.mean, description.std)))
        self.least_guides = (black, 0.0) if by_depth else (black,)
        self.bits = 2 ** torch.arange(7, -1, -1, device=device, dtype=torch.uint8)
        self.grid: tuple[int, int] | None = None

    def _fit_grid(self, output: NetworkOutput) -> None:
        """Write down what depends on the network's grid, which its first output tells."""
        self.grid, geometry = output.grid_size, self.geometry
        grid = self.grid
        self.to_image = geometry.grid_to_image(grid)
        scale, offset = self.to_image.T
        self.shown = shown = geometry.grid_content(grid)
        self.from_grid = places(np.stack([1 / scale, -offset / scale], axis=1),
                                geometry.image_size, shown, self.device)
        most = LADDER[-1].seeds
        self.grouping = DeviceGrouping(
            shown, len(output.embeddings), self.radii, self.config, most,
            self.kernels and self.kernels(shown[0] * shown[1], most, self.device))
        rows, columns = (torch.arange(side, device=self.device) // output.name_stride
                         for side in shown)
        self.from_names = (rows[:, None] * (1 + columns[-1]) + columns).flatten()
        radius = self.config.outline_radius
        self.outlines = Outlines(geometry.content_size, geometry.image_size, shown, self.to_image,
                                 radius, self.least_guides, self.device) \
            if radius and min(geometry.content_size) >= 2 else None

    def __call__(self, network: DeviceNetwork, frame: Tensor, *depth: Tensor,
                 depth_guide: Tensor | None = None) -> Seen:
        """
        Let the network see a frame.

        :param network: runs the network on the device.
        :param frame: (H,W,3) uint8 RGB, on the device.
        :param depth: for a network that takes it (H,W) metres and camera (1,5), float32.
        :param depth_guide: (h,w) float32 of :func:`metricseg_ros.outlines.depth_guide`, where
            outlines follow depth.
        """
        tensor = self.prepare(frame)
        if depth:
            metres, camera = depth
            depth = (self.prepare_depth(metres), camera)
        output = NetworkOutput.of([part[0] for part in network(tensor, *depth)], self.thresholds)
        if self.grid is None:
            self._fit_grid(output)
        height, width = self.geometry.content_size
        guides = tensor[:, :, :height, :width].mean(dim=1)
        if depth_guide is not None:
            guides = torch.cat([guides, depth_guide[None]])
        return Seen(crop_to_content(output, self.geometry), guides)

    def masks(self, seen: Seen, steps: Steps) -> Tensor:
        """
        Find the masks in a frame.

        :param seen: the frame.
        :param steps: how much to do, of at most 64 seeds.
        :return: (bytes,) uint8, to be copied to the host once, for :meth:`answer`.
        """
        output = seen.output
        steps = steps._replace(seeds=min(steps.seeds, self.config.maximum_seeds))
        logits = output.class_logits[self.levels]
        masks = self.grouping(output.embeddings, logits, self._said(output, logits),
                              output.name_logits is not None, steps)
        return self._packed(masks, self._in_image(masks, seen.guides))

    def _said(self, output: NetworkOutput, class_logits: Tensor) -> Tensor:
        """Give each pixel of the grid what it votes with, names of the coarser cell around it."""
        said = class_logits.flatten(0, 1) if output.name_logits is None else output.name_logits
        # An infinite logit would spoil the sums of all masks, as 0 * inf.
        said = said.nan_to_num(LEAST_LOGIT, -LEAST_LOGIT, LEAST_LOGIT).flatten(1)
        return said if output.name_logits is None else said.index_select(1, self.from_names)

    def _in_image(self, masks: GridMasks, guides: Tensor) -> Tensor:
        """Take the masks to the image: (K,H,W) bool, also of those that are dropped."""
        margins = read(masks.margins, self.from_grid)
        if self.outlines is not None:
            drawn, as_it_was = self.outlines(masks.margins, guides)
            margins = torch.where(as_it_was[:, None, None], margins,
                                  read(drawn, self.outlines.to_fine))
        return margins >= 0

    def _packed(self, masks: GridMasks, inside: Tensor) -> Tensor:
        """Put everything that the host reads into one row of bytes."""
        if self.config.resolve_overlaps:
            ranks = masks.ranks[:, :, None]
            raster = (inside * ranks).amax(dim=0)
            inside = raster == ranks
        else:
            columns = pad(inside, (0, -inside.shape[2] % 8)).unflatten(2, (-1, 8))
            raster = (columns * self.bits).sum(dim=3, dtype=torch.uint8)
        table = torch.cat(masks[1:], dim=1)
        return torch.cat([table.view(torch.uint8).flatten(), raster.flatten(),
                          inside.any(dim=2).view(torch.uint8).flatten(),
                          inside.any(dim=1).view(torch.uint8).flatten()])

    def answer(self, packed: np.ndarray, steps: Steps) -> Answer:
        """
        Read what the program says.

        :param packed: (bytes,) uint8 from :meth:`masks`, on the host.
        :param steps: what it did.
        :return: the answer.
        """
        count, (height, width) = min(steps.seeds, self.config.maximum_seeds), \
            self.geometry.image_size
        raster_size = (height, width) if self.config.resolve_overlaps \
            else (count, height, -(-width // 8))
        lengths = [int(np.prod(raster_size)), count * height, count * width]
        head, raster, rows, columns = np.split(packed, np.cumsum(
            [len(packed) - sum(lengths), *lengths[:2]]))
        table = torch.from_numpy(head.view(np.float32).reshape(count, -1).copy())
        pixels, scores, levels, classes, ranks, wanted = table[:, :6].unbind(dim=1)
        kept = ranks.argsort(descending=True, stable=True)[:int((ranks > 0).sum())]
        placed = [self._crop(raster.reshape(raster_size), int(ranks[index]), index,
                             rows.reshape(count, -1)[index], columns.reshape(count, -1)[index])
                  for index in kept.tolist()]
        positions = torch.stack([pixels // self.shown[1], pixels % self.shown[1]], dim=1).long()
        seeds = Seeds(positions, scores, classes.long() + 1, self.taus[levels.long()])[kept]
        complete = not bool(wanted.all()) or count == self.config.maximum_seeds
        # What the last link and the last sweep found out was known before.
        settled = table[:, [6, 8]] == table[:, [7, 9]]
        return Answer(ImageMasks(seeds, placed, table[kept, 10:].numpy(), self.config),
                      complete and bool((settled | (wanted == 0)[:, None]).all())
                      and bool(table.isfinite().all()))

    def _crop(self, raster: np.ndarray, rank: int, index: int, rows: np.ndarray,
              columns: np.ndarray) -> PlacedMask:
        """Cut one mask out of the raster of the image."""
        (tall,), (wide,) = np.nonzero(rows), np.nonzero(columns)
        if not len(tall):
            return (0, 0, 0, 0), np.zeros((0, 0), bool)
        top, bottom, left, right = tall[0], tall[-1] + 1, wide[0], wide[-1] + 1
        if self.config.resolve_overlaps:
            crop = raster[top:bottom, left:right] == rank
        else:
            crop = np.unpackbits(raster[index, top:bottom], axis=1)[:, left:right].view(bool)
        return (left, top, right, bottom), crop
