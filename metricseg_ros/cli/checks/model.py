# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The model: its files, who runs it, and one image segmented for real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from metricseg_ros.cli.checks.check import Check, FAIL, OK, WARN
from metricseg_ros.config import SegmenterConfig

if TYPE_CHECKING:
    from metricseg_ros.backends import ExecutionReport


def check_model(config: SegmenterConfig) -> Iterator[Check]:
    """Read the model, open the backend that would run, and segment an image."""
    from metricseg_ros.backends import BackendError
    try:
        yield from check_files(config)
        yield from check_run(config)
    except BackendError as error:
        yield Check('backend', FAIL, str(error), f'what each lacks: {error.__cause__}'
                    if error.__cause__ else 'see above')
    except Exception as error:  # Whatever it is, it would stop the node; its text has the remedy.
        yield Check('model', FAIL, f'{type(error).__name__}: {error}')


def check_files(config: SegmenterConfig) -> Iterator[Check]:
    """Compare every file of the model with its checksum."""
    from metricseg_ros.models import load_description, ModelError
    description = load_description(config.model)
    height, width = description.input_size
    yield Check('model', OK, f'{description.name} in {description.folder}: '
                f'{len(description.classes)} classes, sees images at {height}x{width}, '
                f'{"and takes" if description.takes_depth else "without"} depth')
    for name in description.checksums:
        try:
            path = description.checked_file(name)
        except ModelError as error:
            yield Check(name, FAIL, 'missing or damaged', str(error))
        else:
            yield Check(name, OK, f'intact, {path.stat().st_size / 2**20:.1f} MiB')


def check_run(config: SegmenterConfig) -> Iterator[Check]:
    """Segment a photograph."""
    from metricseg_ros.backends.gpus import found_gpu
    from metricseg_ros.cli.bundled import photographs
    from metricseg_ros.inputs import open_input
    from metricseg_ros.segmenter import InstanceSegmenter
    segmenter = InstanceSegmenter.from_config(config)
    yield check_backend(segmenter.backend.report, found_gpu(), segmenter.backend.progress)
    path = photographs()[0]
    image = next(iter(open_input(path))).image
    instances = segmenter.segment(image)
    segmenter.close()
    stages = ', '.join(f'{stage} {took:.1f}' for stage, took in instances.stage_ms.items())
    yield Check('one image', OK if len(instances) else WARN,
                f'{path.name}, {image.shape[0]}x{image.shape[1]}: {len(instances)} instances; '
                f'ms: {stages}', '' if len(instances) else
                f'set grouping.minimum_score below {segmenter.own_grouping.minimum_score:g}, or '
                'try the shipped model')


def check_backend(report: ExecutionReport, gpu: str, progress: str) -> Check:
    """
    Judge who runs the network.

    :param gpu: the GPU that is there, or empty.
    :param progress: what is under way to run faster, or empty.
    :return: the check: a GPU that is there and not used is worth a warning.
    """
    if progress:
        return Check('backend', WARN, f'{report}; the TensorRT engine for this model is not built '
                     'yet', 'metricseg build-engine; or wait at the first start of the node, '
                     'which builds it in the background')
    if gpu and report.device == 'cpu':
        return Check('backend', WARN, str(report), f'see above what keeps it from {gpu}, or say '
                     'that it is meant so with backend.device_policy=cpu')
    return Check('backend', OK, str(report))
