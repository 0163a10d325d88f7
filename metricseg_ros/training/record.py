# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a training leaves to look at: a progress bar, log.jsonl, and TensorBoard's files."""

from __future__ import annotations

import json
from pathlib import Path
import sys
import time
from types import TracebackType

from metricseg_ros.config import TrainingConfig
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.training.pictures import scene_picture
from metricseg_ros.training.scenes import TrainingScene

LOG = 'log.jsonl'


class Record:
    """Writes down each step, in the first of several processes alone."""

    def __init__(self, output: Path, config: TrainingConfig, step: int, active: bool) -> None:
        """
        Open the files; what a lost part of the training wrote after the checkpoint is dropped.

        :param output: folder of the training; it is made.
        :param step: the step to go on from.
        :param active: whether this process writes.
        """
        self.config, self.active, self.clock = config, active, time.perf_counter()
        if not active:
            return
        from torch.utils.tensorboard import SummaryWriter
        from tqdm import tqdm

        output.mkdir(parents=True, exist_ok=True)
        path = output / LOG
        lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
        path.write_text(''.join(lines[:step]))
        self.log = path.open('a', buffering=1)  # noqa: SIM115
        self.board = SummaryWriter(str(output), purge_step=step)
        self.bar = tqdm(total=config.steps, initial=step, unit='step',
                        disable=not sys.stderr.isatty())

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self.active:
            self.log.close()
            self.board.close()
            self.bar.close()

    def say(self, text: str) -> None:
        """Tell people something."""
        if self.active:
            print(text, file=sys.stderr, flush=True)

    def row(self, step: int, values: dict[str, float]) -> None:
        """
        Write down a step.

        :param values: losses and rates.
        """
        if not self.active:
            return
        now = time.perf_counter()
        self.log.write(json.dumps({'step': step, **values, 'seconds': now - self.clock}) + '\n')
        self.clock = now
        for name, value in values.items():
            self.board.add_scalar(name, value, step)
        self.bar.set_postfix({name.removesuffix('_loss'): f'{value:.3f}' for name, value in
                              values.items() if name.endswith('_loss')}, refresh=False)
        self.bar.update()

    def wants_picture(self, step: int) -> bool:
        """Tell whether it is time for a picture."""
        every = self.config.picture_steps
        return self.active and every > 0 and (step % every == 0 or step == self.config.steps)

    def picture(self, step: int, network: MetricSegmentationNetwork,
                scenes: TrainingScene) -> None:
        """Draw what the network makes of the first scene of a batch."""
        depth = (scenes.depth[0], scenes.camera[0]) if self.config.network.depth else ()
        picture = scene_picture(network, scenes.image[0], depth)
        # Beside the losses of the last step, so that going on from there keeps it.
        self.board.add_image('image, embeddings, seediness, masks', picture, step - 1,
                             dataformats='HWC')
