# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Build the TensorRT engine of a model ahead of time, so that the robot's node starts with it.

It is built for the GPU of this machine. TensorRT-RTX also builds for another one, on a machine
without any: name it with --gpu and --compute-capability as its driver does.
"""

from __future__ import annotations

import argparse
import sys

from metricseg_ros.backends.gpus import Gpu, present_gpu
from metricseg_ros.backends.tensorrt.building import obtain_engine, plan_job
from metricseg_ros.backends.tensorrt.library import find_libraries, started_library
from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.options import add_configuration, configuration
from metricseg_ros.models import load_description


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--gpu', metavar='NAME',
                        help='GPU to build for, such as "NVIDIA GeForce RTX 4090" (TensorRT-RTX '
                        'only; default: the one here)')
    parser.add_argument('--compute-capability', metavar='X.Y', help='of that GPU, such as 8.9')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    """Build, unless the engine is there; return 0, or 1 if it cannot be kept."""
    from metricseg_ros.segmenter import box_of

    config = configuration(args)
    gpu, libraries = chosen_gpu(args), find_libraries()
    if args.gpu:
        library = next((other for other in libraries if not other.measures), None)
        if library is None:
            raise ValueError('--gpu needs TensorRT-RTX: TensorRT builds only for the GPU it runs '
                             'on')
    else:
        library = started_library(libraries, gpu.compute_capability)
    description = load_description(config.model)
    job = plan_job(description, config.backend, box_of(description, config.input), gpu, library)
    found = job.engine_cache.load(job.key).plan is not None
    obtain_engine(job, library, lambda line: print(line, file=sys.stderr))
    if job.engine_cache.load(job.key).plan is None:
        return FAILED  # It cannot be kept, which has been told.
    print(f'{job.engine_cache.folder / job.key.digest}.plan: {"was there" if found else "built"}: '
          f'{description.name}, {job.key.precision}, {job.key.input_sizes}, {library}, for '
          f'{job.key.gpu} ({job.key.compute_capability})')
    return DONE


def chosen_gpu(args: argparse.Namespace) -> Gpu:
    """
    Tell which GPU to build for.

    :return: the one named, or the one here.
    :raises ValueError: if there is none.
    """
    if bool(args.gpu) != bool(args.compute_capability):
        raise ValueError('--gpu and --compute-capability go together, got '
                         f'{args.gpu} and {args.compute_capability}')
    gpu = Gpu(args.gpu, args.compute_capability) if args.gpu else present_gpu()
    if gpu is None:
        raise ValueError('torch finds no NVIDIA GPU to build for: run this on the robot, or name '
                         'its GPU with --gpu and --compute-capability (TensorRT-RTX only)')
    return gpu
