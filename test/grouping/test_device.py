# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Grouping stays on the device of the embeddings, where only masks come back from."""

from __future__ import annotations

import json
import os
from pathlib import Path
import subprocess
import sys

import pytest
import torch

PROGRAM = Path(__file__).with_name('group_on_device.py')


@pytest.mark.skipif(not hasattr(torch._C, '_acc'), reason='this torch lets no device be added')
def test_grouping_on_a_device_is_that_of_the_cpu_and_seldom_waits() -> None:
    tests = str(PROGRAM.parent.parent)
    ended = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True,
                           env={**os.environ, 'PYTHONPATH': os.pathsep.join(
                               [tests, os.environ.get('PYTHONPATH', '')])})
    assert not ended.returncode, ended.stderr
    told = json.loads(ended.stdout)
    assert set(told['differences'].values()) == {''}, told['differences']
    assert told['seeds'] > 1
    # One look at whether there are seeds enough; then seeds (4), margins and seediness come back.
    assert told['waits'] == {'copy': 1 + 6}
