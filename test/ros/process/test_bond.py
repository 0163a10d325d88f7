# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node is bonded to a lifecycle manager while it is active, where bondpy is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import sys
from types import ModuleType
from typing import Any

from metricseg_ros.ros.process.bond import bond_to_manager
import pytest
from ros.robot import Robot, Segmenter, wait_for

pytestmark = pytest.mark.ros


def test_the_bond_holds_while_the_node_is_active(start: Callable[..., Any], colour_model: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    # bondpy has no wheel: this stands for its interface, and shows only when we call it.
    told: list[str] = []

    class Bond:

        def __init__(self, node: Any, topic: str, name: str) -> None:
            told.append(f'{topic} {name}')

        def start(self) -> None:
            told.append('start')

        def break_bond(self) -> None:
            told.append('break')

    for name in ('bondpy', 'bondpy.bondpy'):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules['bondpy.bondpy'].Bond = Bond
    start(Segmenter(colour_model))
    assert told == ['bond segmenter', 'start']
    robot = start(Robot())
    robot.wait_until_matched()
    assert robot.change_state('deactivate')
    wait_for(lambda: told[-1] == 'break', 'the bond to be broken')


def test_without_bondpy_there_is_no_bond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'bondpy', None)
    assert bond_to_manager(None) is None
