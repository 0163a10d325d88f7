# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Print whether the torch that pip would install is a build for the `cpu` or for `cuda`.

Asks pip for its plan, which reads an index and the metadata of one wheel but downloads none.
Usage: python find_torch.py torch==VERSION
"""

import json
import re
import subprocess
import sys

from pip._vendor.packaging.requirements import Requirement

CUDA_PACKAGE = re.compile(r'(nvidia|cuda)[-_]')


def planned_requirements(specifier: str) -> list[Requirement]:
    """
    List what the planned wheel needs on this machine.

    :param specifier: what to ask pip for, as torch==2.13.0
    :return: the wheel's requirements whose markers hold here
    """
    command = [sys.executable, '-m', 'pip', 'install', '--dry-run', '--quiet', '--no-deps',
               '--report', '-', specifier]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    lines = report['install'][0]['metadata'].get('requires_dist', [])
    needed = [Requirement(line) for line in lines]
    return [item for item in needed if item.marker is None or item.marker.evaluate({'extra': ''})]


def main() -> None:
    """Print `cuda` if the planned wheel needs a CUDA package, else `cpu`."""
    needed = planned_requirements(sys.argv[1])
    print('cuda' if any(CUDA_PACKAGE.match(item.name) for item in needed) else 'cpu')


if __name__ == '__main__':
    main()
