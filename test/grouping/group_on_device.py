# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Group a scene on the CPU and on a stand-in for a GPU; print what differs, and the waits."""

from __future__ import annotations

import json

from grouping.stand_in_device import NAME, set_up, WAITS
from metricseg_ros.clicks import Clicks, segment_clicks
from metricseg_ros.config import GroupingConfig
from metricseg_ros.grouping import group, mean_embeddings
from metricseg_ros.structures import EmbeddedImage, NetworkOutput
import numpy as np
import torch

CONFIGS = {
    'as by default': GroupingConfig(),
    'without an end': GroupingConfig(minimum_area=0.0, minimum_score=1e-6, maximum_seeds=40),
    'mean shift': GroupingConfig(mean_shift_steps=2),
    'one threshold': GroupingConfig(similarity_threshold=0.6),
    'unconnected': GroupingConfig(connected=False),
}


def scene(classes: int) -> NetworkOutput:
    """Six bars of nearly equal embeddings, and class logits."""
    generator = torch.Generator().manual_seed(0)
    bar = torch.arange(60) * 6 // 60
    centres = 3 * torch.randn(6, 8, generator=generator)
    embeddings = centres[bar].t()[:, None].expand(8, 20, 60).clone()
    embeddings += 0.05 * torch.randn(8, 20, 60, generator=generator)
    logits = torch.randn(3, classes + 1, 20, 60, generator=generator)
    return NetworkOutput(embeddings, logits, (0.3, 0.5, 0.8))


def on_device(output: NetworkOutput) -> NetworkOutput:
    return NetworkOutput(output.embeddings.to(NAME), output.class_logits.to(NAME),
                         output.similarity_thresholds)


def difference(output: NetworkOutput, config: GroupingConfig) -> str:
    """Tell in what grouping on the device differs."""
    here, there = group(output, config), group(on_device(output), config)
    if not torch.equal(here.seeds.positions, there.seeds.positions):
        return 'seeds'
    if not torch.equal(here.masks, there.masks):
        return 'masks'
    embeddings = output.embeddings.to(NAME)
    means = mean_embeddings(embeddings, there.masks.to(embeddings.device)).cpu()
    return '' if torch.allclose(means, mean_embeddings(output.embeddings, here.masks)) \
        else 'mean embeddings'


def clicks_differ(output: NetworkOutput) -> bool:
    """Tell whether clicks are answered otherwise."""
    clicks = Clicks(np.array([[3.0, 4.0], [9.0, 33.0]]), np.array([[1.0, 55.0]]))
    here, there = (segment_clicks(EmbeddedImage(said, (20, 60), np.array([[1.0, 0], [1.0, 0]])),
                                  clicks) for said in (output, on_device(output)))
    return not np.array_equal(here.label_map, there.label_map)


def main() -> None:
    """Compare."""
    kept = set_up()
    with torch.inference_mode():
        told = {name: difference(scene(classes), config) for name, config in CONFIGS.items()
                for classes in (1, 4)}
        told['clicks'] = 'masks' if clicks_differ(scene(1)) else ''
        output = on_device(scene(1))
        WAITS.clear()
        count = len(group(output, CONFIGS['as by default']).seeds)
    print(json.dumps({'differences': told, 'waits': WAITS, 'seeds': count}))
    del kept


if __name__ == '__main__':
    main()
