# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The package's parts agree with each other, and what is built is what the sources say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import metricseg_ros
import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / 'scripts' / 'requirements'
# Where the module that one imports is called otherwise than the package that one installs.
DISTRIBUTIONS = {'cv2': 'opencv-python-headless', 'google': 'protobuf', 'PIL': 'pillow',
                 'sklearn': 'scikit-learn', 'tf2_ros': 'tf2-ros-py', 'yaml': 'pyyaml'}
# What the code uses where it is there, and does without otherwise.
OPTIONAL = {'bondpy', 'tensorrt', 'tensorrt_rtx', 'triton'}


def _canonical(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def _required() -> Iterator[str]:
    for path in REQUIREMENTS.glob('*.txt'):
        for line in path.read_text().splitlines():
            if line and not line.startswith('#'):
                yield _canonical(re.split(r'[<>=;\[ ]', line)[0])


def _dependencies() -> set[str]:
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    return {element.text for element in manifest if element.tag.endswith('depend')}


def _launched() -> set[str]:
    """Name the packages whose nodes the launch files start."""
    return {name for path in (ROOT / 'launch').glob('*.py')
            for name in re.findall(r"package='(\w+)'", path.read_text())}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


def test_versions_agree() -> None:
    manifests = [ROOT / 'package.xml', ROOT / 'metricseg_msgs' / 'package.xml']
    versions = {ElementTree.parse(path).getroot().findtext('version') for path in manifests}
    in_setup = re.search(r"version='([^']+)'", (ROOT / 'setup.py').read_text())[1]
    cited = re.search(r'^version: (.+)$', (ROOT / 'CITATION.cff').read_text(), re.M)[1]
    assert versions == {in_setup} == {cited} == {metricseg_ros.__version__}


@pytest.mark.parametrize('distribution', ['jazzy', 'kilted'])
def test_every_requirement_is_pinned(distribution: str) -> None:
    files = ('constraints.txt', f'distributions/{distribution}.txt')
    lines = [line for name in files
             for line in (ROOT / 'scripts' / name).read_text().splitlines()]
    pinned = {line.split('==')[0] for line in lines if '==' in line}
    assert {'torch', *_required()} <= pinned


def test_every_import_is_declared() -> None:
    known = {*sys.stdlib_module_names, 'metricseg_ros', *OPTIONAL}
    declared = {*_required(), *map(_canonical, _dependencies()), 'torch'}
    undeclared = {
        f'{path.relative_to(ROOT)} imports {name}'
        for folder in ('metricseg_ros', 'launch') for path in (ROOT / folder).rglob('*.py')
        for name in {module.split('.')[0] for module in _imported(path)} - known
        if _canonical(DISTRIBUTIONS.get(name, name)) not in declared}
    assert not undeclared, 'add them to package.xml or scripts/requirements'


def test_every_ros_dependency_is_used() -> None:
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    needed = {element.text for element in manifest.iter('exec_depend')}
    sources = [path for folder in ('metricseg_ros', 'launch')
               for path in (ROOT / folder).rglob('*.py')]
    modules = {module.split('.')[0] for path in sources for module in _imported(path)}
    used = {_canonical(DISTRIBUTIONS.get(name, name)) for name in modules | _launched()}
    assert {_canonical(name) for name in needed if not name.startswith('python3-')} <= used


def test_what_the_launch_files_start_is_declared() -> None:
    assert {'metricseg_ros', 'rviz2'} <= _launched() <= {'metricseg_ros', *_dependencies()}


def test_both_packages_can_be_released_alone() -> None:
    licence = (ROOT / 'LICENSE').read_text()
    for folder in (ROOT, ROOT / 'metricseg_msgs'):
        manifest = ElementTree.parse(folder / 'package.xml').getroot()
        named = manifest.find('license').get('file')
        assert (folder / named).read_text() == licence
        assert manifest.findtext('url').startswith('https://')
        # What bloom reads; a release turns Forthcoming into the version.
        title, _, *rest = (folder / 'CHANGELOG.rst').read_text().splitlines()[1:]
        assert title == f'Changelog for package {manifest.findtext("name")}'
        assert 'Forthcoming' in rest


@pytest.mark.ros
def test_colcon_finds_both_packages() -> None:
    command = [sys.executable, '-c', 'from colcon_core.command import main; main()', 'list',
               '--names-only', '--base-paths', '.', 'metricseg_msgs']
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert listed.split() == ['metricseg_msgs', 'metricseg_ros']


@pytest.mark.ros
def test_every_executable_has_its_main_function() -> None:
    entries = metadata.distribution('metricseg_ros').entry_points.select(group='console_scripts')
    assert {'metricseg', 'segmenter_node', 'camera_player', 'viewer'} == entries.names
    for entry in entries:
        assert callable(entry.load())


@pytest.mark.ros
def test_command_is_on_the_path() -> None:
    assert shutil.which('metricseg')


@pytest.mark.ros
@pytest.mark.parametrize('folder', ['launch', 'config', 'demo', 'models'])
def test_data_files_are_installed(folder: str) -> None:
    from ament_index_python.packages import get_package_share_directory
    share = Path(get_package_share_directory('metricseg_ros'))
    listed = subprocess.run(['git', 'ls-files', folder], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    missing = [name for name in listed if not (share / name).exists()]
    assert listed
    assert not missing
