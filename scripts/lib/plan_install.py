# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write which packages pip shall install into this environment, and which versions it may take.

Without a sourced ROS 2 that is every requirement at its pinned version, and those that go with the
distribution. With one, what the system brings is used as it is: ROS 2's compiled parts, as
cv_bridge, work only beside the NumPy and the OpenCV that they were built for.
Usage: python plan_install.py wheels/DISTRIBUTION|PREFIX runtime|everything SCRIPTS
"""

from collections.abc import Iterator
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
import re
import sys

REQUIRED = {'runtime': ('runtime',),
            'everything': ('runtime', 'train', 'label', 'generate', 'test')}
# What ROS 2 brings itself where it is sourced.
REQUIRED_WITH_WHEELS = {'runtime': (), 'everything': ('wheels',)}
# Modules that a system may bring under another package's name.
MODULES = {'opencv-python-headless': 'cv2', 'onnxruntime': 'onnxruntime'}
# What every environment holds itself.
TOOLS = ('pip', 'setuptools')
# The last NumPy 1, which serves what was built for an older one as well, and what goes with it.
NUMPY_1 = ['numpy==1.26.4', 'ml-dtypes==0.5.4', 'opencv-python-headless==4.11.0.86']


def package(line: str) -> str:
    """
    Read which package a line of requirements or constraints is about.

    :param line: such as Some_Package==1.0
    :return: the name as some-package
    """
    return re.sub(r'[-_.]+', '-', re.split(r'[ <>=;\[]', line)[0]).lower()


def entries(path: Path) -> list[str]:
    """
    Read a file of requirements or constraints.

    :param path: the file
    :return: its lines but for comments and empty ones
    """
    return [line for line in path.read_text().splitlines() if line and line[0] != '#']


def brought_by_system() -> Iterator[tuple[str, str]]:
    """
    List the packages that this environment sees and does not hold itself.

    :return: pairs of name and version
    """
    for found in distributions():
        if not Path(found.locate_file('')).is_relative_to(sys.prefix):
            yield package(found.metadata['Name'] or ''), found.version
    for name, module in MODULES.items():
        found = find_spec(module)
        if found and found.origin and not Path(found.origin).is_relative_to(sys.prefix):
            yield name, ''


def replaced(constraints: list[str], pins: list[str]) -> list[str]:
    """
    Let some versions stand in the place of others.

    :param constraints: the pinned versions
    :param pins: those that go before
    :return: the constraints, with one version a package
    """
    named = set(map(package, pins))
    return pins + [line for line in constraints if package(line) not in named]


def beside_system(constraints: list[str], system: dict[str, str]) -> list[str]:
    """
    Leave the system's packages at their versions, and NumPy at the system's ABI.

    :param constraints: the pinned versions
    :param system: names and versions of the system's packages
    :return: the constraints for the environment beside the system's packages
    """
    dropped = set(system) - set(TOOLS)
    beside = [line for line in constraints if package(line) not in dropped]
    return replaced(beside, NUMPY_1) if system.get('numpy', '').startswith('1.') else beside


def main() -> None:
    """Write the constraints and the requirements beside each other into the environment."""
    world, scope, scripts = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    constraints, names = entries(scripts / 'constraints.txt'), REQUIRED[scope]
    source, _, distribution = world.partition('/')
    if source == 'wheels':
        system: dict[str, str] = {}
        names += REQUIRED_WITH_WHEELS[scope]
        constraints = replaced(
            constraints, entries(scripts / 'distributions' / f'{distribution}.txt'))
    else:
        system = dict(brought_by_system())
        constraints = beside_system(constraints, system)
    paths = [scripts / 'requirements' / f'{name}.txt' for name in names]
    required = [line for path in paths for line in entries(path)
                if package(line) not in MODULES or package(line) not in system]
    Path(sys.prefix, 'metricseg-constraints.txt').write_text('\n'.join(constraints) + '\n')
    Path(sys.prefix, 'metricseg-requirements.txt').write_text('\n'.join(required) + '\n')


if __name__ == '__main__':
    main()
