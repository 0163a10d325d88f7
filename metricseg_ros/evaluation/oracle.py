# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a perfect choice of the threshold would give: the truth makes it (the paper's ablation)."""

from __future__ import annotations

from dataclasses import replace

from metricseg_ros.config import BACKGROUND, IGNORE_LABEL
from metricseg_ros.structures import EmbeddedImage
from metricseg_ros.training.targets import grown_iou
import numpy as np
import torch
from torch import Tensor


def with_oracle_thresholds(embedded: EmbeddedImage, label_map: np.ndarray) -> EmbeddedImage:
    """
    Let every pixel of an object grow its mask at the threshold whose IoU with it is highest.

    Seediness, classes and so the seeds stay as they are: at each pixel the class scores of its
    own best threshold and of the oracle's change places. Pixels of no object keep theirs.

    :param label_map: (H,W) the true label map, at the size of the image.
    """
    output, labels = embedded.output, labels_on_grid(label_map, embedded).flatten()
    ignored = labels == IGNORE_LABEL
    pixels = ((labels != BACKGROUND) & ~ignored).nonzero().squeeze(1)
    ious = grown_iou(output.embeddings.flatten(1).t(), labels, pixels, ignored,
                     output.similarity_thresholds)
    logits = output.class_logits.flatten(2)
    # The threshold of highest class score at each pixel.
    own = output.class_logits.softmax(dim=1)[:, 1:].amax(dim=1).argmax(dim=0).flatten()[pixels]
    order = torch.arange(len(logits))[:, None].repeat(1, logits.shape[2])
    oracle = ious.argmax(dim=0)
    order[own, pixels], order[oracle, pixels] = oracle, own
    swapped = logits.gather(0, order[:, None].expand_as(logits))
    return replace(embedded, output=replace(
        output, class_logits=swapped.view_as(output.class_logits)))


def labels_on_grid(label_map: np.ndarray, embedded: EmbeddedImage) -> Tensor:
    """
    Read the labels at the centres of the grid's cells.

    :param label_map: (H,W), at the size of the image.
    :return: (h,w) int64.
    """
    rows, columns = (np.clip(np.rint(np.arange(cells) * scale + offset), 0, size - 1).astype(int)
                     for cells, (scale, offset), size in zip(
                         embedded.output.grid_size, embedded.to_image, label_map.shape,
                         strict=True))
    return torch.from_numpy(label_map[np.ix_(rows, columns)].astype(np.int64))
