# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The library's face: its names, and the page that shows them."""

from __future__ import annotations

from pathlib import Path
import re
import subprocess
import sys

import metricseg_ros
import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / 'docs' / 'python.md').read_text()


def test_every_name_of_the_face_is_there_and_in_the_page() -> None:
    listed = re.findall(r'^\| `([A-Z]\w+)` \|', PAGE, re.M)
    assert sorted(listed) == sorted(metricseg_ros.__all__)
    for name in listed:
        assert getattr(metricseg_ros, name).__name__ == name


def test_another_name_is_missing() -> None:
    with pytest.raises(AttributeError, match='Segmenter'):
        _ = metricseg_ros.Segmenter


def test_the_face_itself_imports_nothing_heavy() -> None:
    subprocess.run([sys.executable, '-c', 'import metricseg_ros, sys; '
                    'assert not {"numpy", "torch", "cv2"} & set(sys.modules)'], check=True)


def test_the_page_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for block in re.findall(r'```python\n(.*?)```', PAGE, re.S):
        exec(compile(block, 'docs/python.md', 'exec'), names)
    assert 'pixels' in capsys.readouterr().out
    assert names['label_map'].shape == names['image'].shape[:2]
