# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Imports point one way, the core needs no ROS, and the command line starts light."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from resource import getrusage, RUSAGE_CHILDREN
import subprocess
import sys

import pytest

PACKAGE = Path(__file__).parent.parent / 'metricseg_ros'
ROWS = [
    {'arguments', 'atomic_files', 'config', 'packed_mask', 'pinhole', 'threads'},
    {'structures', 'models', 'planes'},
    {'preprocess', 'shipped'},
    {'fast_dds'},
    {'inputs'},
    {'similarity', 'outlines', 'overlay', 'datasets', 'objects3d',
     'support'},
    {'network', 'grouping', 'results', 'tracking', 'synthesis'},
    {'backends', 'instances', 'training'},
    {'device_program'},
    {'segmenter', 'clicks', 'evaluation'},
    {'export'},
    {'labelling'},
    {'cli', 'ros'},
]
"""Each part of the package imports only from itself and from the rows above its own."""

ROS_PACKAGES = {'rclpy', 'cv_bridge', 'vision_msgs', 'metricseg_msgs', 'sensor_msgs', 'std_msgs',
                'std_srvs', 'geometry_msgs', 'diagnostic_msgs', 'visualization_msgs',
                'lifecycle_msgs', 'rcl_interfaces', 'builtin_interfaces', 'launch', 'launch_ros',
                'tf2_ros'}
NEEDS_MORE = {f'metricseg_ros.synthesis.rendered.{name}'
              for name in ('rendering', 'room', 'view', 'world')}
"""Modules of the core that need more than what scripts/setup installs."""

BLOCKER = """
import importlib.abc, sys
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {blocked!r}:
            raise ImportError(f'{{name}} is blocked')
sys.meta_path.insert(0, Blocker())
"""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob('*.py'))


def part_of(path: Path) -> str:
    """Return the part of the package that a file belongs to, '' for the package itself."""
    relative = path.relative_to(PACKAGE)
    return '' if relative.name == '__init__.py' and len(relative.parts) == 1 else \
        relative.parts[0].removesuffix('.py')


def module_name(path: Path) -> str:
    relative = path.relative_to(PACKAGE.parent).with_suffix('')
    return '.'.join(relative.parts).removesuffix('.__init__')


def imported_names(path: Path) -> Iterator[str]:
    """Yield the full name of everything a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: imports are absolute'
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def imported_parts(path: Path) -> set[str]:
    names = (name.split('.') for name in imported_names(path))
    return {name[1] for name in names if name[0] == 'metricseg_ros' and len(name) > 1}


def allowed(path: Path) -> set[str]:
    """Return the parts that a file may import; all may read the version."""
    part = part_of(path)
    rows = [index for index, parts in enumerate(ROWS) if part in parts]
    return set().union({part, '__version__'}, *ROWS[:rows[0]]) if rows else set()


def test_every_part_has_one_row() -> None:
    parts = {part_of(path) for path in modules()} - {''}
    assert parts == set().union(*ROWS), f'mend the rows in {__file__}'
    assert sum(map(len, ROWS)) == len(parts), 'a part has two rows'


def test_imports_point_one_way() -> None:
    wrong = {str(path): more for path in modules() if part_of(path)  # Itself, it is the face.
             and (more := imported_parts(path) - allowed(path))}
    assert not wrong


def test_no_imports_go_round_in_circles() -> None:
    paths = {module_name(path): path for path in modules()}
    del paths['metricseg_ros']  # Its names are looked up when they are asked for.
    imports = {name: {module for imported in imported_names(path) for module in
                      (imported if imported in paths else imported.rpartition('.')[0],)
                      if module in paths and module != name} for name, path in paths.items()}
    TopologicalSorter(imports).prepare()


def test_the_library_starts_no_ros_process_by_name() -> None:
    wrong = {str(path) for path in modules() if part_of(path) not in ROWS[-1]
             and 'metricseg_ros.ros' in path.read_text()}
    assert not wrong


def test_only_the_ros_part_imports_ros() -> None:
    wrong = {str(path): more for path in modules() if part_of(path) != 'ros'
             and (more := {name.split('.')[0] for name in imported_names(path)} & ROS_PACKAGES)}
    assert not wrong


def test_the_core_imports_without_ros_and_tensorrt() -> None:
    blocked = ROS_PACKAGES | {'tensorrt', 'tensorrt_rtx'}
    names = [module_name(path) for path in modules() if part_of(path) not in ROWS[-1]]
    names = sorted(set(names) - NEEDS_MORE)
    assert 'metricseg_ros.segmenter' in names
    run_python(BLOCKER.format(blocked=blocked) + f'import {", ".join(names)}')


def test_the_blocker_blocks() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_python(BLOCKER.format(blocked={'json'}) + 'import json')


def test_help_imports_nothing_heavy() -> None:
    run_python('import sys\n'
               'from metricseg_ros.cli.main import main\n'
               'assert main(["--help"]) == 0\n'
               'heavy = {"numpy", "cv2", "torch", "onnxruntime", "sklearn", "rclpy"}\n'
               'assert not heavy & set(sys.modules), heavy & set(sys.modules)\n')


def test_help_comes_at_once() -> None:
    before = getrusage(RUSAGE_CHILDREN)
    run_python('from metricseg_ros.cli.main import main; main(["--help"])')
    after = getrusage(RUSAGE_CHILDREN)
    # Of the processor, however busy it is: 0.1 to 0.2 s, most of it Python itself.
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 1


def run_python(code: str) -> None:
    subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True,
                   cwd=PACKAGE.parent, timeout=120)
