# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Look after the TensorRT engines that were built: list, verify or prune.

list tells what each was built for; verify reads every engine and compares its checksum; prune
removes broken ones, and those not used for longest until no more than --keep-mib are left.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
import sys
import time

from metricseg_ros.arguments import whole_number
from metricseg_ros.backends.tensorrt.engine_cache import CachedEngine, EngineCache, MIB, totals
from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.options import add_json, table_stream, write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('action', choices=('list', 'verify', 'prune'))
    parser.add_argument('--keep-mib', type=whole_number(), metavar='MIB',
                        help='for prune: how much may stay (default: all that is whole)')
    add_json(parser, 'the engines')


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, or 1 if verify finds a broken engine or prune cannot remove one."""
    if args.keep_mib is not None and args.action != 'prune':
        raise ValueError(f'--keep-mib is for prune, not for {args.action}')
    cache = EngineCache()
    problems = []
    if args.action == 'prune':
        limit = float('inf') if args.keep_mib is None else args.keep_mib * MIB
        problems = cache.prune(limit, checksums=True)
    entries = cache.entries(checksums=args.action == 'verify')
    out = table_stream(args.json)
    for entry in entries:
        print(line(entry), file=out)
    print(f'{len(entries)} engines, {totals(entries):.1f} MiB, in {cache.folder}', file=out)
    write_report({'folder': str(cache.folder), 'engines': [asdict(entry) for entry in entries]},
                 args.json)
    for problem in problems:
        print(f'metricseg engines: {problem}', file=sys.stderr)
    broken = args.action == 'verify' and any(entry.fault for entry in entries)
    return FAILED if broken or problems else DONE


def line(entry: CachedEngine) -> str:
    """Describe an engine."""
    used = time.strftime('%Y-%m-%d %H:%M', time.localtime(entry.used))
    key = entry.key
    made = (f'{key.library} {key.version}, {key.gpu} ({key.compute_capability}), {key.precision}, '
            f'{key.input_sizes}' if key else 'unknown')
    fault = f'; BROKEN: {entry.fault}' if entry.fault else ''
    return f'{entry.digest[:12]}  {entry.size / 2**20:7.1f} MiB  used {used}  {made}{fault}'
