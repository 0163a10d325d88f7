# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ament linters, types and the licence headers; ruff runs in scripts/test."""

from __future__ import annotations

import logging
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / 'scripts'
PYTHON_PATHS = [str(ROOT / name) for name in (
    'benchmarks', 'examples', 'launch', 'metricseg_ros', 'scripts', 'setup.py', 'test')
    if (ROOT / name).exists()]
HEADER = ['Copyright 2026 metricseg_ros contributors', 'SPDX-License-Identifier: Apache-2.0']
HEADED_SUFFIXES = {'.py', '.sh', '.hpp', '.cpp'}


@pytest.mark.ros
def test_ament_flake8_finds_nothing() -> None:
    pytest.importorskip('ament_flake8')
    config = str(Path(__file__).with_name('ament_flake8.ini'))
    # In a process of its own: flake8 forks, which crashes among the threads of torch and ROS 2.
    linter = 'import sys; from ament_flake8.main import main; sys.exit(main())'
    checked = subprocess.run([sys.executable, '-c', linter, '--config', config, *PYTHON_PATHS],
                             cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.ros
def test_ament_pep257_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main = pytest.importorskip('ament_pep257.main')
    logging.getLogger('pydocstyle.utils').setLevel(logging.ERROR)
    status = main.main(argv=PYTHON_PATHS)
    assert status == 0, capsys.readouterr().err


def test_mypy_finds_nothing() -> None:
    pytest.importorskip('mypy')
    checked = subprocess.run([sys.executable, '-m', 'mypy'], cwd=ROOT, capture_output=True,
                             text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which('shellcheck')
    if shellcheck is None:
        pytest.skip('needs shellcheck')
    scripts = [path for path in [*SCRIPTS.glob('*'), *SCRIPTS.glob('lib/*.sh'), ROOT / '.ci/run']
               if path.is_file() and path.suffix != '.txt']
    checked = subprocess.run([shellcheck, *scripts], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_sources_begin_with_their_licence() -> None:
    listed = subprocess.run(['git', 'ls-files', '--cached', '--others', '--exclude-standard'],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    sources = [ROOT / name for name in listed.splitlines()
               if Path(name).suffix in HEADED_SUFFIXES and (ROOT / name).exists()]
    assert sources
    bare = [str(path.relative_to(ROOT)) for path in sources if not _has_header(path)]
    assert not bare, f'these files must begin with {HEADER}'


def _has_header(path: Path) -> bool:
    lines = path.read_text().splitlines()[:3]
    if lines and lines[0].startswith('#!'):
        lines = lines[1:]
    return [line.lstrip('#/ ') for line in lines[:2]] == HEADER
