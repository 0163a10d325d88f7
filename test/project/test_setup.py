# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The setup takes the Python and the ROS 2 that are there; a robot gets what it needs alone."""

from __future__ import annotations

from importlib import metadata
import importlib.util
import os
from pathlib import Path
import re
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = 'set -u; for part in common venv checks; do . "scripts/lib/$part.sh"; done; LOG=/dev/null'
OTHERS = ('train', 'label', 'generate', 'test')
"""Requirements that a robot has no use for."""

WITHOUT = """
import sys
for name in sys.argv[1].split():
    sys.modules[name] = None  # Importing it fails, as where it is not installed.
from metricseg_ros.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
CLAIMS = """#!/bin/sh
shift
exec {python} -c 'import sys; sys.version_info = (3, {minor}, 0); exec(sys.stdin.read())' "$@"
"""
"""A Python that says it is of another version."""


def shell(text: str, **variables: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(('ROS_', 'METRICSEG_')) and name != 'AMENT_PREFIX_PATH'}
    return subprocess.run(['bash', '-c', f'{CHECKS}; {text}'], cwd=ROOT, env={**kept, **variables},
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(('minor', 'world', 'accepted'), [
    (9, '/opt/ros/humble', False), (10, '/opt/ros/humble', True), (14, '/opt/ros/lyrical', True),
    (15, '/opt/ros/rolling', False), (13, 'wheels/jazzy', True), (14, 'wheels/jazzy', False)])
def test_python_goes_as_far_as_ros_does(minor: int, world: str, accepted: bool,
                                        tmp_path: Path) -> None:
    python = tmp_path / 'python3'
    python.write_text(CLAIMS.format(python=sys.executable, minor=minor))
    python.chmod(0o755)
    done = shell('usable_python "$CANDIDATE"', WORLD=world, CANDIDATE=str(python))
    assert (done.returncode == 0) == accepted, done.stderr
    assert (done.stdout.strip() == getattr(sys, '_base_executable', sys.executable)) == accepted


def test_the_ros_that_is_sourced_is_taken(tmp_path: Path) -> None:
    (tmp_path / 'share' / 'rclpy').mkdir(parents=True)
    done = shell('choose_world; echo "$WORLD"', ROS_DISTRO='lyrical',
                 AMENT_PREFIX_PATH=f'/nowhere:{tmp_path}')
    assert done.stdout.strip() == str(tmp_path), done.stderr


@pytest.mark.parametrize(('variables', 'text'), [
    ({'ROS_DISTRO': 'lyrical', 'AMENT_PREFIX_PATH': '/nowhere'}, 'no prefix in AMENT_PREFIX_PATH'),
    ({'ROS_DISTRO': 'lyrical', 'METRICSEG_ROS': 'kilted'}, 'but ROS 2 lyrical is sourced'),
    ({'METRICSEG_ROS': 'humble'}, 'METRICSEG_ROS must be jazzy or kilted, got humble')])
def test_a_ros_that_cannot_be_used_is_refused_with_the_remedy(variables: dict[str, str],
                                                              text: str) -> None:
    done = shell('choose_world', **variables)
    assert done.returncode == 1
    assert text in done.stderr and done.stderr.count('\n') == 1


def planned(scope: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Give the packages that the setup would install beside torch and ROS 2."""
    path = ROOT / 'scripts' / 'lib' / 'plan_install.py'
    spec = importlib.util.spec_from_file_location('plan_install', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, 'prefix', str(folder))
    monkeypatch.setattr(sys, 'argv', [str(path), 'wheels/jazzy', scope, str(ROOT / 'scripts')])
    module.main()
    return set(map(module.package,
                   (folder / 'metricseg-requirements.txt').read_text().splitlines()))


def required(*names: str) -> set[str]:
    return {re.split(r'[<>=;\[ ]', line)[0] for name in names
            for line in (ROOT / 'scripts' / 'requirements' / f'{name}.txt').read_text().split('\n')
            if line and not line.startswith('#')}


def test_a_robot_gets_no_training_and_no_tests(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    robot = planned('runtime', tmp_path, monkeypatch)
    assert robot == required('runtime')
    assert not robot & required(*OTHERS, 'wheels')
    assert planned('everything', tmp_path, monkeypatch) == required('runtime', *OTHERS, 'wheels')


def test_images_are_segmented_where_only_that_is_installed(tmp_path: Path,
                                                           small_model: Path) -> None:
    absent = {module for package in required(*OTHERS) for module in _modules(package)}
    assert {'pytest', 'pycocotools', 'scipy', 'starlette'} <= absent
    photo = next((ROOT / 'demo' / 'images').glob('*.jpg'))
    done = subprocess.run(
        [sys.executable, '-c', WITHOUT, ' '.join(absent), 'segment', str(photo), '--model',
         str(small_model), '--output', str(tmp_path / 'out'), '--device', 'cpu'],
        capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'out' / 'instances.json').is_file()


def _modules(package: str) -> set[str]:
    """Name the modules that a package brings."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return set()
    return {path.parts[0].removesuffix('.py') for path in files
            if path.suffix == '.py' and path.parts[0].removesuffix('.py').isidentifier()}
