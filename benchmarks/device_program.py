# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Count the operators of the device's program by stage, and compare it with the CPU's path.

Those of the first image are counted, with torch's operators alone and with the kernels of Triton,
where it is installed; all images are compared, from the raw frame, with its depth where there is
some, to the masks in the image.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
import sys
from typing import Any

from benchmarks.command import main
from metricseg_ros.cli.benchmark.measuring import load_average, machine, table
from metricseg_ros.cli.bundled import photographs
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.cli.left_out import LeftOut
from metricseg_ros.cli.open_segmenter import open_segmenter
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    configuration,
    split_overrides,
    table_stream,
    write_report,
)
from metricseg_ros.device_program.program import DeviceProgram, LADDER, Seen
from metricseg_ros.device_program.runner import FrameInputs, ProgramRunner
from metricseg_ros.inputs import open_input
from metricseg_ros.inputs.frame import Frame
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

Row = dict[str, Any]
ROOM = str(Path('metricseg_ros', 'device_program'))
VIEWS = {'view', '_unsafe_view', 'permute', 't', 'transpose', 'unsqueeze', 'squeeze', 'expand',
         'slice', 'select', 'alias', 'unbind', 'split', 'split_with_sizes', 'detach'}
"""Operators that start nothing on a device."""


class Recorder(TorchDispatchMode):
    """
    Notes every operator that a program starts.

    :ivar seen: stage, name and shapes given of each, in order; the stage is the function of the
        program that calls it.
    """

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.seen: list[tuple[str, str, list[tuple[int, ...]]]] = []

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (),
                           kwargs: Any = None) -> Any:
        name = operator._schema.name.removeprefix('aten::')
        result = operator(*args, **(kwargs or {}))
        if name not in VIEWS:
            made = result if isinstance(result, (tuple, list)) else [result]
            self.seen.append((stage(), name, [tuple(item.shape) for item in made
                                              if isinstance(item, torch.Tensor)]))
        return result


def stage() -> str:
    """Return file and function of the program that is being run, such as masks.voted."""
    frame = sys._getframe(2)
    while ROOM not in frame.f_code.co_filename:
        frame = frame.f_back
    return f'{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}'


def operators(frame: Frame, segmenter: InstanceSegmenter, kernels: type | None
              ) -> list[tuple[str, str, list[tuple[int, ...]]]]:
    """
    Run a program on a device that holds no numbers.

    :param segmenter: its network counts for nothing, as an engine does.
    :param kernels: what does the loops in place of torch's operators.
    """
    description, grouping = segmenter.description, segmenter.own_grouping
    runner = ProgramRunner(description, segmenter.input_size, segmenter.backend)
    guide = runner.guide(frame.image.shape[:2], frame.depth, grouping)
    made = DeviceProgram(description, frame.image.shape[:2], segmenter.input_size, grouping,
                         torch.device('meta'), guide is not None, kernels)
    given = FrameInputs.within(torch.zeros(FrameInputs.size(
        made, description.takes_depth), dtype=torch.uint8, device='meta'), made)
    size = made.geometry.input_size
    inputs = [torch.zeros(1, 3, *size)]
    if given.depth:
        inputs += [torch.zeros(1, 1, *size), torch.zeros(1, 5)]
    said = [torch.empty(part.shape, device='meta')
            for part in segmenter.backend.on_device(size)(*inputs)]

    def see() -> Seen:
        return made(lambda *inputs: said, given.frame, *given.depth,
                    depth_guide=given.depth_guide)

    with torch.no_grad():
        made.masks(see(), LADDER[0])  # Constants are made at the first run.
        with Recorder() as recorder:
            made.masks(see(), LADDER[0])
    return recorder.seen


def ways() -> dict[str, type | None]:
    """Give what may do the loops of the program."""
    try:
        from metricseg_ros.device_program.kernels import Kernels
    except ModuleNotFoundError:
        return {"torch's operators": None}
    return {"torch's operators": None, 'kernels of Triton': Kernels}


def compared(by_itself: InstanceSegmenter, together: InstanceSegmenter, frame: Frame) -> Row:
    """
    Segment an image in both ways.

    :param by_itself: the path on the CPU.
    """
    embedded = together.embed(frame.image, frame.depth)
    expected, found = by_itself.segment(frame.image, frame.depth), together.instances(embedded)
    slots = [slots[-1] for slots in together._runner.slots.values()]
    climbed = max(slots, key=lambda slot: (
        slot.program.geometry.image_size == frame.image.shape[:2],
        slot.program.by_depth == (frame.depth is not None)))
    return {'instances': len(expected), 'found': len(found), 'by_program': bool(embedded.masks),
            'same_seeds': bool(np.array_equal(expected.seeds, found.seeds)),
            'same_names': bool(np.array_equal(expected.class_ids, found.class_ids)),
            'differing': float((expected.label_map != found.label_map).mean()),
            'rungs': climbed.answered}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('inputs', nargs='*', metavar='INPUT',
                        help='image or folder (default: the photographs of the demo); or '
                        'KEY=VALUE')
    add_json(parser, 'the rows')
    add_configuration(parser, overrides=False)


def run(args: argparse.Namespace) -> int:
    """Count and compare, print the tables, write the JSON."""
    paths, args.overrides = split_overrides(args.inputs)
    by_itself = open_segmenter(configuration(args))
    backend = by_itself.backend
    together, by_itself = (InstanceSegmenter(
        by_itself.description, backend, by_itself.grouping, device_program=choice)
        for choice in ('always', 'never'))
    load, out = load_average(), table_stream(args.json)
    counted, rows = {}, []
    for frame in frames(paths or list(map(str, photographs()))):
        if not rows:
            for way, kernels in ways().items():
                counted[way] = operators(frame, together, kernels)
                print(f'Loops by {way}:', file=out)
                print(table(by_stage(counted[way]), ('stage', 'operators', 'which')), file=out)
        rows.append({'source': str(frame.source), **compared(by_itself, together, frame)})
    print(summary(rows), file=out)
    write_report({'benchmark': 'device_program', 'machine': machine(load),
                  'model': together.description.name, 'operators': counted, 'rows': rows},
                 args.json)
    return DONE


def frames(paths: list[str]) -> Iterator[Frame]:
    """Read the images, with depth where a folder has it."""
    for path in paths:
        yield from open_input(path, on_error=LeftOut())


def by_stage(counted: list[tuple[str, str, list[tuple[int, ...]]]]) -> list[Row]:
    """Sum operators up, a row for each stage and one for all."""
    rows = []
    for name, group in groupby(sorted(counted, key=lambda item: item[0]), lambda item: item[0]):
        names = Counter(operator for _, operator, _ in group)
        rows.append({'stage': name, 'operators': names.total(), 'which': ', '.join(
            f'{count} {operator}' if count > 1 else operator
            for operator, count in names.items())})
    return [*rows, {'stage': 'together', 'operators': len(counted), 'which': ''}]


def summary(rows: list[Row]) -> str:
    """Say in a few lines how far both ways agree."""
    differing = [row['differing'] for row in rows]
    agree = {name: sum(bool(row[name]) for row in rows)
             for name in ('by_program', 'same_seeds', 'same_names')}
    same = sum(row['instances'] == row['found'] for row in rows)
    return (f'\n{len(rows)} images: the program was enough for {agree["by_program"]}, as many '
            f'instances in {same}, the same seeds in {agree["same_seeds"]}, the same names in '
            f'{agree["same_names"]}; {np.mean(differing):.1e} of the pixels differ, '
            f'{max(differing):.1e} of one image at most; rungs of the ladder '
            f'{dict(sorted(Counter(row["rungs"] for row in rows).items()))}')


if __name__ == '__main__':
    sys.exit(main('device_program'))
