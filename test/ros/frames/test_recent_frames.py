# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The latest frames are kept and found by their stamp; what is not kept is named."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from metricseg_ros.ros.frames.recent_frames import (
    EmbeddedFrame,
    NoSuchFrameError,
    RecentFrames,
)
import pytest
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

LATEST = Time()


def kept(*seconds: int, most: int = 2) -> RecentFrames:
    frames = RecentFrames(most)
    for second in seconds:
        frames.add(EmbeddedFrame(Header(stamp=Time(sec=second)), f'embeddings of {second}',
                                 f'image of {second}'))
    return frames


def test_a_frame_is_found_by_its_stamp_and_the_latest_by_none() -> None:
    frames = kept(3, 5)
    assert frames.find(Time(sec=3)).embedded == 'embeddings of 3'
    assert frames.find(LATEST).embedded == 'embeddings of 5'


def test_only_the_latest_frame_keeps_its_image() -> None:
    frames = kept(3, 5)
    assert frames.find(Time(sec=3)).image is None
    assert frames.find(LATEST).image == 'image of 5'


def test_of_frames_with_one_stamp_the_later_counts() -> None:
    frames = kept(3)
    frames.add(EmbeddedFrame(Header(stamp=Time(sec=3)), 'again'))
    assert frames.find(Time(sec=3)).embedded == 'again'


def test_the_oldest_goes_and_those_kept_are_named() -> None:
    with pytest.raises(NoSuchFrameError, match=r'no frame of stamp 1\.000000000 is kept; those '
                       r'kept are 2\.000000000, 3\.000000000: raise clicks\.frames'):
        kept(1, 2, 3).find(Time(sec=1))


def test_without_a_frame_the_way_to_one_is_told() -> None:
    frames = kept(1)
    frames.forget()
    with pytest.raises(NoSuchFrameError, match='call ~/segment first'):
        frames.find(LATEST)
