# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Say what is installed, what will run, what is wrong and how to mend it.

Everything is tried, not guessed: packages are imported, the model segments an image, a ROS 2
message is sent and received. The exit code is 1 if something would stop the node.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import metricseg_ros
from metricseg_ros.cli.checks.check import Check, FAIL, WARN
from metricseg_ros.cli.exit_codes import DONE, FAILED
from metricseg_ros.cli.options import (
    add_configuration,
    add_json,
    configuration,
    table_stream,
    write_report,
)
from metricseg_ros.config import SegmenterConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser, 'the checks')
    add_configuration(parser)


def run(args: argparse.Namespace) -> int:
    """Run every check, tell each as soon as it is done; return 1 if one stops the node, else 0."""
    out = table_stream(args.json)
    checks = []
    for check in all_checks(configuration(args)):
        checks.append(check)
        print(check.line(), file=out, flush=True)
    print(verdict(checks), file=out)
    failed = any(check.status == FAIL for check in checks)
    write_report({'metricseg_version': metricseg_ros.__version__, 'ok': not failed,
                  'checks': [asdict(check) for check in checks]}, args.json)
    return FAILED if failed else DONE


def all_checks(config: SegmenterConfig) -> Iterator[Check]:
    """Check packages, GPU, model and ROS."""
    from metricseg_ros.cli.checks.gpu import check_gpu
    from metricseg_ros.cli.checks.model import check_model
    from metricseg_ros.cli.checks.packages import check_packages
    from metricseg_ros.cli.checks.ros import check_ros
    yield from check_packages()
    yield from check_gpu()
    yield from check_model(config)
    yield from check_ros()


def verdict(checks: Iterable[Check]) -> str:
    """Sum the checks up."""
    statuses = [check.status for check in checks]
    if FAIL in statuses:
        return f'{statuses.count(FAIL)} of {len(statuses)} checks failed: the node will not run'
    if WARN in statuses:
        return f'the node will run; {statuses.count(WARN)} warnings'
    return 'all is well'
