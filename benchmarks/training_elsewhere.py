# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Train on a machine that is reached by copying a small folder there and a few files back.

`pack` writes the folder: code, weights or the checkpoint so far, and as many of the images as fit.
There `bash run.sh [OUT]` trains for some minutes and leaves the checkpoint in OUT, in parts.
`unpack OUT` puts it into the folder of the training, from where it goes on: here by `metricseg
train`, or there by the next `pack`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from glob import escape
import hashlib
from io import BytesIO
import json
import os
from pathlib import Path
import shlex
import shutil
import sys
import time
from typing import Any

from benchmarks.command import main
from metricseg_ros.arguments import real_number, whole_number
from metricseg_ros.cli.exit_codes import DONE
from metricseg_ros.config import TrainingConfig
from metricseg_ros.datasets.label_folder import open_label_folder
from metricseg_ros.network.names import NAMES
from metricseg_ros.network.pretrained import teacher_weights
from metricseg_ros.training.checkpoints import read_checkpoint, write_checkpoint
from metricseg_ros.training.configuration import training_config
from metricseg_ros.training.record import LOG
from metricseg_ros.training.scenes import COMPOSED, HOUSEHOLD
from metricseg_ros.training.train import CHECKPOINT, train, weights_file
import numpy as np
import torch
from torch import Tensor

PACKAGES = ('metricseg_ros', 'benchmarks')
MADE = 'made/'
PARTS = ('images', 'labels', 'depth')
BESIDE = ('meta.json', 'classes.txt', 'index.json', 'camera.json')
MEGABYTE = 2 ** 20
PART = 15 * MEGABYTE
SPARED = MEGABYTE // 2  # for what is written last
RUN = """#!/usr/bin/env bash
# Train here, and leave the checkpoint in the folder that is given, or in out/.
set -euo pipefail
output=$(realpath -m "${{1:-$(dirname "$0")/out}}") end=$(($(date +%s) + {seconds}))
cd "$(dirname "$0")"
export PYTHONPATH="$PWD/site:$PWD"
if compgen -G 'carried/*.whl' > /dev/null; then
    python3 -m pip install --quiet --no-index --no-deps --target site carried/*.whl
fi
{generate}python3 -m benchmarks.training_elsewhere here "$output" --end "$end"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    verbs = parser.add_subparsers(dest='verb', required=True, metavar='VERB')
    pack = verbs.add_parser('pack', help='write the folder to copy there')
    pack.add_argument('training', type=Path, metavar='TRAINING.yaml',
                      help='of metricseg train; its data are folder:DIR, composed:DIR or composed')
    pack.add_argument('folder', type=Path, metavar='FOLDER', help='to write; new or empty')
    pack.add_argument('overrides', nargs='*', metavar='KEY=VALUE', help='any training parameter')
    pack.add_argument('--run', type=Path, metavar='RUN', help='a training to go on with')
    pack.add_argument('--carry', type=Path, action='append', default=[], metavar='PATH',
                      help='what is missing there: wheels, which run.sh installs, or a catalogue '
                      'of meshes; lies in carried/ there (repeatable)')
    pack.add_argument('--generate', action='append', default=[], metavar='WORDS',
                      help='scenes to make there before the training: what follows metricseg '
                      'generate, such as "rendered made/boxes --count 2000 --jobs 16"; name '
                      'folder:made/boxes among the data (repeatable)')
    pack.add_argument('--seconds', type=whole_number(), default=540,
                      help='after which no step follows a checkpoint (default: %(default)s)')
    pack.add_argument('--megabytes', type=whole_number(1), default=60,
                      help='largest size of the folder (default: %(default)s)')
    pack.add_argument('--rng-seed', type=whole_number(), default=0,
                      help='of which images are taken')
    here = verbs.add_parser('here', help='what run.sh does: train in the folder it lies in')
    here.add_argument('output', type=Path, metavar='OUT')
    here.add_argument('--end', type=real_number(), required=True, help='seconds since 1970')
    unpack = verbs.add_parser('unpack', help='put a checkpoint that came back into its training')
    unpack.add_argument('output', type=Path, metavar='OUT')
    unpack.add_argument('--run', type=Path, required=True, metavar='RUN')


def run(args: argparse.Namespace) -> int:
    """Pack, train or unpack; return the exit code."""
    if args.verb == 'pack':
        pack(args)
    elif args.verb == 'here':
        train_here(args.output, args.end)
    else:
        print(f'{args.run / CHECKPOINT}: step {unpack(args.output, args.run)}')
    return DONE


def pack(args: argparse.Namespace) -> None:
    """
    Write the folder.

    :raises ValueError: if it is not empty, the data are of another kind, or nothing fits.
    """
    folder = args.folder
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f'{folder} must be new or empty')
    folder.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        shutil.copytree(Path(sys.modules[name].__file__).parent, folder / name,
                        ignore=lambda _, names: [name for name in names
                                                 if '.' in name and not name.endswith('.py')])
    for path in args.carry:
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        (folder / 'carried').mkdir(exist_ok=True)
        copy(path, folder / 'carried' / path.name)
    config = pack_weights(training_config(args.training, args.overrides), folder, args.run)
    generate = [f'python3 -m metricseg_ros.cli.main generate {shlex.join(shlex.split(words))}\n'
                for words in args.generate]
    (folder / 'run.sh').write_text(RUN.format(seconds=args.seconds, generate=''.join(generate)))
    left = args.megabytes * MEGABYTE - SPARED - size_of(folder)
    config = pack_data(config, folder, left, np.random.default_rng(args.rng_seed))
    (folder / 'training.yaml').write_text(json.dumps(asdict(config), indent=1))
    print(f'{folder}: {size_of(folder) / MEGABYTE:.1f} MiB; copy it, and there: bash run.sh OUT')


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder have."""
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())


def pack_weights(config: TrainingConfig, folder: Path, run: Path | None) -> TrainingConfig:
    """
    Put the weights into the folder.

    :param run: the training to go on with, if it has begun.
    :return: the training, from these weights.
    """
    from safetensors.torch import save_file

    if config.name_teacher:
        weights = teacher_weights(weights_file(config.name_teacher))
        save_file({NAMES + name: tensor.half() if tensor.is_floating_point() else tensor
                   for name, tensor in weights.items()}, folder / 'teacher.safetensors')
        config = replace(config, name_teacher='teacher.safetensors')
    if config.mask_teacher:
        shutil.copy2(weights_file(config.mask_teacher), folder / 'mask_teacher.safetensors')
        config = replace(config, mask_teacher='mask_teacher.safetensors')
    if run and (run / CHECKPOINT).is_file():
        write_checkpoint(folder / CHECKPOINT, condensed(read_checkpoint(run / CHECKPOINT)))
        return replace(config, pretrained='none')
    start = Path(weights_file(config.pretrained))
    if not start.is_file():  # none, imagenet or an address.
        return config
    shutil.copy2(start, folder / f'start{start.suffix}')
    return replace(config, pretrained=f'start{start.suffix}')


@dataclass
class Packed:
    """
    One entry of the data, and what of it goes along.

    :param entry: with `source` and perhaps `weight`.
    :param root: its folder.
    :param names: of the images that may follow, the next one last.
    :param taken: of those that go along.
    :param size: bytes that go along.
    """

    entry: dict[str, Any]
    root: Path
    names: list[str]
    taken: list[str]
    size: int

    def files(self, name: str) -> list[Path]:
        """List the files of an image."""
        return [path for part in PARTS for path in (self.root / part).glob(f'{escape(name)}.*')
                if path.stem == name]


def pack_data(config: TrainingConfig, folder: Path, left: int,
              rng: np.random.Generator) -> TrainingConfig:
    """
    Put as many images into the folder as fit, of each entry of the data by its weight.

    :return: the training, on these images.
    :raises ValueError: if an entry is of another kind, or none of its images fits.
    """
    entries = [dict(entry) if isinstance(entry, Mapping) else {'source': entry}
               for entry in config.data]
    parts = [part for entry in entries if (part := open_entry(entry, rng))]
    left -= sum(part.size for part in parts)
    while some := [part for part in parts if part.names]:
        part = min(some, key=lambda part: part.size / part.entry.get('weight', 1.0))
        files = part.files(part.names[-1])
        left -= (size := sum(path.stat().st_size for path in files))
        if left < 0:
            break
        part.taken.append(part.names.pop())
        part.size += size
    for number, part in enumerate(parts):
        target, source = folder / 'data' / str(number), part.entry['source']
        if not part.taken:
            raise ValueError(f'nothing of {source} fits: give more --megabytes, or less data')
        for path in (*(path for name in part.taken for path in part.files(name)),
                     *beside(part.root)):
            (target / path.relative_to(part.root)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / path.relative_to(part.root))
        part.entry['source'] = source.removesuffix(str(part.root)) + f'data/{number}'
    return replace(config, data=tuple(entries))


def open_entry(entry: dict[str, Any], rng: np.random.Generator) -> Packed | None:
    """
    Open one entry of the data.

    :return: what may go along; None for what is made there.
    :raises ValueError: if it is of another kind.
    """
    kind, _, root = entry['source'].removeprefix(HOUSEHOLD).partition(':')
    if kind not in ('folder', COMPOSED) or ':' in root:
        raise ValueError('data must be folder:DIR, composed:DIR or composed to be packed, got '
                         f'{entry["source"]!r}')
    if not root or root.startswith(MADE):
        return None
    names = open_label_folder(root).names
    return Packed(entry, Path(root), [names[index] for index in rng.permutation(len(names))], [],
                  sum(path.stat().st_size for path in beside(Path(root))))


def beside(root: Path) -> list[Path]:
    """List what a folder says of all its images."""
    return [path for name in BESIDE if (path := root / name).is_file()]


def condensed(state: dict[str, Any]) -> dict[str, Any]:
    """
    Make a checkpoint half as large.

    :return: its weights as they are; how far their average lies from them in 16 bits, and the
        optimiser's moments.
    """
    average = {name: (tensor - state['network'][name]).half()
               if tensor.is_floating_point() else tensor
               for name, tensor in state['average'].items()}
    return {**state, 'average': average, 'optimiser': converted(state['optimiser'],
                                                                torch.bfloat16)}


def expanded(state: dict[str, Any]) -> dict[str, Any]:
    """
    Undo :func:`condensed`.

    :return: a checkpoint to go on from.
    """
    average = {name: state['network'][name] + tensor.float()
               if tensor.is_floating_point() else tensor
               for name, tensor in state['average'].items()}
    return {**state, 'average': average, 'optimiser': converted(state['optimiser'],
                                                                torch.float32)}


def converted(optimiser: dict[str, Any], kind: torch.dtype) -> dict[str, Any]:
    """Convert an optimiser's moments to another type; steps are counted as they were."""
    def convert(value: Any) -> Any:
        is_moment = isinstance(value, Tensor) and value.is_floating_point() and value.ndim
        return value.to(kind) if is_moment else value
    return {**optimiser, 'state': {key: {name: convert(value) for name, value in own.items()}
                                   for key, own in optimiser['state'].items()}}


def train_here(output: Path, end: float) -> None:
    """
    Train in the folder of a :func:`pack`, which is the current one.

    :param output: folder for the parts of the checkpoint and the log.
    :param end: seconds since 1970, after which no step follows a checkpoint.
    """
    Path('run').mkdir(exist_ok=True)
    if Path(CHECKPOINT).is_file():
        write_checkpoint(Path('run', CHECKPOINT), expanded(read_checkpoint(Path(CHECKPOINT))))
    trainer = train(training_config(Path('training.yaml'), []), Path('run'),
                    workers=max(1, (os.cpu_count() or 1) - 1),
                    goes_on=lambda _: time.time() < end)
    content = BytesIO()
    torch.save(condensed(trainer.state()), content)
    parts = content.getvalue()
    output.mkdir(parents=True, exist_ok=True)
    names = [f'{CHECKPOINT}.{number}' for number in range(-(-len(parts) // PART))]
    for number, name in enumerate(names):
        (output / name).write_bytes(parts[number * PART:(number + 1) * PART])
    shutil.copy2(Path('run', LOG), output)
    (output / 'parts.json').write_text(json.dumps(
        {'parts': names, 'sha256': hashlib.sha256(parts).hexdigest()}))


def unpack(output: Path, run: Path) -> int:
    """
    Put a checkpoint that came back into the folder of its training.

    :raises ValueError: if not all came back as it was sent; the one before stays then.
    """
    listed = json.loads((output / 'parts.json').read_text())
    content = b''.join((output / name).read_bytes() for name in listed['parts']
                       if (output / name).is_file())
    if hashlib.sha256(content).hexdigest() != listed['sha256']:
        raise ValueError(f'{output} must hold {", ".join(listed["parts"])} as they were written: '
                         'bring them once more')
    state = expanded(torch.load(BytesIO(content), map_location='cpu', weights_only=True))
    run.mkdir(parents=True, exist_ok=True)
    write_checkpoint(run / CHECKPOINT, state)
    rows = (output / LOG).read_text()
    before = (run / LOG).read_text().splitlines(keepends=True) if (run / LOG).is_file() else []
    (run / LOG).write_text(''.join(before[:json.loads(rows.split('\n')[0])['step']]) + rows)
    return state['step']


if __name__ == '__main__':
    sys.exit(main('training_elsewhere'))
