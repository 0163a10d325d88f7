# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth image of nearest stamp is found, and when nothing better can come is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from metricseg_ros.inputs.depth_buffer import DepthBuffer, Found, nanoseconds
import pytest


def time(seconds: float) -> Any:
    sec, nanosec = divmod(round(seconds * 1e9), 10**9)
    return SimpleNamespace(sec=sec, nanosec=nanosec)


def filled(*stamps: float, most: int = 10) -> DepthBuffer:
    buffer = DepthBuffer(most)
    for stamp in stamps:
        buffer.add(SimpleNamespace(header=SimpleNamespace(stamp=time(stamp))))
    return buffer


def stamp_of(found: Found) -> float:
    return nanoseconds(found.depth.header.stamp) / 1e9


@pytest.mark.parametrize(('stamps', 'wanted', 'expected', 'is_final'), [
    ((9.0, 10.0), 10.0, 10.0, True),      # Equal: nothing can be nearer.
    ((9.99,), 10.0, 9.99, False),         # The next one may be nearer.
    ((9.99, 10.004), 10.0, 10.004, True),
    ((9.99, 10.015), 10.0, 9.99, True)])
def test_the_nearest_is_found(stamps: tuple[float, ...], wanted: float, expected: float,
                              is_final: bool) -> None:
    found = filled(*stamps).find(time(wanted), 0.02)
    assert (stamp_of(found), found.is_final, found.reason) == (expected, is_final, '')


@pytest.mark.parametrize(('stamps', 'most', 'is_final', 'text'), [
    ((), 10, False, 'no depth image has come'),
    ((9.9,), 10, False, '0.100 s older than the image, and depth.maximum_difference is 0.02 s'),
    ((9.9, 10.05), 10, True, '0.050 s newer'),
    ((0.0, 0.0), 10, False, 'the depth images carry no stamp'),
    ((10.1, 10.2, 10.3), 3, True, 'older than the 3 depth images that are kept: raise depth.im')])
def test_why_there_is_none_is_said(stamps: tuple[float, ...], most: int, is_final: bool,
                                   text: str) -> None:
    found = filled(*stamps, most=most).find(time(10.0), 0.02)
    assert (found.depth, found.is_final) == (None, is_final)
    assert text in found.reason


def test_a_difference_just_above_the_limit_is_too_large() -> None:
    assert filled(10.0199).find(time(10.0), 0.02).depth is not None
    assert filled(10.0201).find(time(10.0), 0.02).depth is None


def test_an_image_without_stamp_is_not_waited_for() -> None:
    found = filled(0.0).find(time(0.0), 0.02)
    assert found.is_final
    assert 'carries no stamp' in found.reason


def test_a_recording_that_begins_again_leaves_nothing_of_its_end() -> None:
    assert not filled(100.0, 5.0).find(time(5.05), 0.1).is_final
    assert stamp_of(filled(100.0, 5.0).find(time(5.0), 0.1)) == 5.0


def test_the_oldest_makes_room() -> None:
    assert filled(1.0, 2.0, 3.0, most=2).find(time(1.0), 0.1).depth is None
