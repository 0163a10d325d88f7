# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The oracle's thresholds: the best ones by the truth, at seeds that stay what they were."""

from __future__ import annotations

from metricseg_ros.config import GroupingConfig, IGNORE_LABEL
from metricseg_ros.evaluation.oracle import labels_on_grid, with_oracle_thresholds
from metricseg_ros.grouping import group, seediness
from metricseg_ros.structures import EmbeddedImage, NetworkOutput
import numpy as np
import pytest
import torch

THRESHOLDS = (0.25, 0.5, 0.75, 0.9)
WHOLE = np.array([[1.0, 0.0], [1.0, 0.0]])
GRID = (6, 10)


def embedded(places, logits=(2.0, 1.0, 0.0, -1.0), to_image=WHOLE, image_size=GRID):
    """Make an image of columns with these embeddings, whose head prefers the first threshold."""
    embeddings = torch.tensor(places).view(1, 1, -1).expand(1, *GRID).contiguous()
    class_logits = torch.zeros(4, 2, *GRID)
    class_logits[:, 1] = torch.tensor(logits)[:, None, None]
    return EmbeddedImage(NetworkOutput(embeddings, class_logits, THRESHOLDS), image_size, to_image)


def test_each_object_gets_the_threshold_that_tells_it_from_its_neighbour():
    # Squared distances 0.81 and 4: at 0.25 (reach 1.95) and 0.5 (1.10) left and middle are one
    # mask, at 0.75 (0.51) two.
    image = embedded([0.0] * 3 + [0.9] * 3 + [2.9] * 4)
    truth = np.repeat([[1] * 3 + [2] * 3 + [3] * 4], 6, axis=0).astype(np.uint16)
    assert seediness(image.output).similarity_thresholds.unique().tolist() == [0.25]
    chosen = seediness(with_oracle_thresholds(image, truth).output).similarity_thresholds
    assert chosen[0].tolist() == pytest.approx([0.75] * 6 + [0.25] * 4)
    masks = group(with_oracle_thresholds(image, truth).output, GroupingConfig()).masks
    found = {tuple(mask.flatten().tolist()) for mask in masks}
    assert found == {tuple((truth == label).flatten().tolist()) for label in (1, 2, 3)}


def test_scores_and_classes_stay_and_so_do_the_thresholds_of_no_object():
    image = embedded(torch.randn(10).tolist(), logits=torch.randn(4).tolist())
    truth = np.zeros(GRID, np.uint16)
    truth[:2], truth[2:4] = 1, IGNORE_LABEL
    before = seediness(image.output)
    after = seediness(with_oracle_thresholds(image, truth).output)
    torch.testing.assert_close(after.scores, before.scores)
    assert torch.equal(after.class_ids, before.class_ids)
    assert torch.equal(after.similarity_thresholds[2:], before.similarity_thresholds[2:])


def test_labels_are_read_at_the_centres_of_the_grids_cells():
    # Cells of 4x4 pixels: the first one's centre lies at 1.5, which rounds to 2.
    image = embedded([0.0] * 10, to_image=np.array([[4.0, 1.5], [4.0, 1.5]]), image_size=(24, 40))
    rows, columns = np.mgrid[:24, :40]
    read = labels_on_grid((100 * rows + columns).astype(np.uint16), image)
    assert read.shape == GRID
    assert (read[0, 0], read[0, 1], read[5, 9]) == (202, 206, 2238)
