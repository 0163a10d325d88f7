# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The nearest cause of silence is named, with its remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import re
from typing import Any

from metricseg_ros.ros.diagnostics.graph import nearest, TopicView
from metricseg_ros.ros.diagnostics.health import (
    ERROR,
    Facts,
    judge,
    OK,
    SilentTopic,
    WARN,
)
import pytest

pytestmark = pytest.mark.ros

DOCUMENT = Path(__file__).resolve().parents[3] / 'docs' / 'messages.md'
UNSERVED = '/rviz gets nothing of /x: it asks for more'
WELL = Facts(node='/segmenter', phase='active', topic='/image', view=TopicView(publishers=1),
             age_ms=50.0, rate=15.0)
CAUSES = [
    ({'phase': 'unconfigured'}, WARN, 'ros2 lifecycle set /segmenter configure'),
    ({'phase': 'unconfigured', 'problem': 'no model at /x'}, ERROR, 'no model at /x'),
    ({'phase': 'inactive'}, WARN, 'ros2 lifecycle set /segmenter activate'),
    ({'phase': 'finalized'}, WARN, 'start the node anew'),
    ({'busy_s': 11.0}, ERROR, 'at one image for 11 s'),
    ({'view': TopicView()}, WARN, 'nobody publishes on /image, nor images elsewhere'),
    ({'view': TopicView(elsewhere=('/camera/image_raw', '/b'))}, WARN,
     'there are images on /camera/image_raw, /b: start with `--ros-args -r '
     'image:=/camera/image_raw`'),
    ({'view': TopicView(other_transport=('/image/compressed',))}, WARN,
     'nobody publishes on /image; there are compressed images on /image/compressed: set '
     'image_transport to compressed'),
    ({'view': TopicView(other_transport=('/eye/compressed', '/b'))}, WARN,
     'compressed images on /eye/compressed, /b: start with `--ros-args -p '
     'image_transport:=compressed -r image/compressed:=/eye/compressed`'),
    ({'view': TopicView(other_transport=('/eye',)), 'transport': 'compressed', 'camera': 'left'},
     WARN, 'raw images on /eye: start with `--ros-args -p image_transport:=raw -r '
     'left/image:=/eye`'),
    ({'view': TopicView(other_types=('sensor_msgs/msg/CompressedImage',), elsewhere=('/b',),
                        other_transport=('/image', '/b'))}, WARN,
     '/image carries sensor_msgs/msg/CompressedImage; there are compressed images on /image, /b: '
     'start with `--ros-args -p image_transport:=compressed -r image/compressed:=/image`'),
    ({'view': TopicView(other_types=('std_msgs/msg/String',), elsewhere=('/b',))}, WARN,
     '/image carries std_msgs/msg/String; there are images on /b: start with'),
    ({'view': TopicView(other_types=('std_msgs/msg/String',))}, WARN,
     '/image carries std_msgs/msg/String, which are no images, and there are none elsewhere'),
    ({'view': TopicView(publishers=1, best_effort=1), 'reliable': True}, ERROR,
     'QoS policy RELIABILITY: it is best effort and image_reliability is reliable'),
    ({'refused': 'DEADLINE', 'silent_s': 4.0}, ERROR,
     'QoS policy DEADLINE: it offers less than is asked for'),
    ({'refused': 'RELIABILITY', 'silent_s': 4.0, 'view': TopicView(publishers=2, best_effort=1)},
     ERROR, 'QoS policy RELIABILITY'),
    ({'refused': 'RELIABILITY', 'silent_s': 4.0}, WARN, 'no image came for 4 s'),
    ({'silent_s': 4.0}, WARN, 'no image came for 4 s'),
    ({'wanted': False}, OK, 'nobody subscribes to /segmenter/instances'),
    ({'wanted': False, 'unserved': UNSERVED}, WARN, UNSERVED),
    ({'unserved': UNSERVED}, WARN, UNSERVED),
    ({'unserved': UNSERVED, 'bad_image': 'image lost: truncated'}, ERROR, 'truncated'),
    ({'bad_image': 'image lost: MemoryError: '}, ERROR, 'MemoryError'),
    ({'bad_image': 'image not segmented: truncated'}, ERROR, 'truncated'),
    ({'waits_for_clock': True}, WARN, 'nobody publishes /clock'),
    ({'no_place': 'no depth image has come'}, WARN, 'no object has a place: no depth image has'),
    ({'no_depth': 'it is late'}, WARN, 'segmented without depth: it is late'),
    ({'no_depth': 'it is late', 'no_place': 'no camera_info has come'}, WARN,
     'no object has a place: no camera_info has come'),
    ({'no_place': 'it is late',
      'silent_topics': (SilentTopic('depth', '/depth', TopicView()),)}, WARN,
     'no object has a place: nobody publishes on /depth, nor messages of its type elsewhere'),
    ({'no_place': 'it is late', 'silent_topics': (
        SilentTopic('left/depth', '/left/depth',
                    TopicView(elsewhere=('/left/depth_registered',))),)},
     WARN, 'there is /left/depth_registered: start with `--ros-args -r left/depth:=...`'),
    ({'no_place': 'it is late', 'silent_topics': (
        SilentTopic('depth', '/depth', TopicView(publishers=1)),)}, WARN,
     'nothing came on /depth, which has a publisher'),
    ({'reliable': True, 'no_place': 'it is late', 'silent_topics': (
        SilentTopic('depth', '/depth', TopicView(publishers=1, best_effort=1)),)}, WARN,
     'no publisher on /depth can be heard: QoS policy RELIABILITY'),
    ({'no_place': 'it is late', 'silent_topics': (
        SilentTopic('depth', '/depth', TopicView(other_types=('sensor_msgs/msg/PointCloud2',))),)},
     WARN, '/depth carries sensor_msgs/msg/PointCloud2'),
    ({'unstamped': True, 'age_ms': None}, WARN, 'carry no stamp'),
    ({'age_ms': 9000.0}, WARN, '9.0 s behind'),
    ({'age_ms': -2500.0}, WARN, '2.5 s ahead of'),
]


@pytest.mark.parametrize(('changes', 'level', 'text'), CAUSES)
def test_a_cause_is_named(changes: dict[str, Any], level: int, text: str) -> None:
    verdict = judge(replace(WELL, **changes))
    assert verdict.level == level
    assert text in verdict.message


def documented() -> list[tuple[str, re.Pattern[str]]]:
    """Return level and pattern of each sentence in the documentation's table."""
    table = DOCUMENT.read_text().partition('## Diagnostics')[2].partition('Values: ')[0]
    rows = re.findall(r'^\| (OK|WARN|ERROR) \| (.*?) \|', table, re.MULTILINE)
    return [(level, re.compile('.*'.join(map(re.escape, text.split('...')))))
            for level, texts in rows for text in re.findall('`(.*?)`', texts)]


@pytest.mark.parametrize('changes', [changes for changes, _, _ in CAUSES])
def test_every_sentence_is_in_the_documentation(changes: dict[str, Any]) -> None:
    verdict = judge(replace(WELL, **changes))
    level = ('OK', 'WARN', 'ERROR')[verdict.level]
    assert [pattern for known, pattern in documented() if known == level
            and pattern.fullmatch(verdict.message)], f'{level} {verdict.message}'


def test_all_is_well_tells_the_rate() -> None:
    assert judge(WELL) == (OK, 'segmenting 15.0 images a second')


def test_the_nearer_cause_comes_first() -> None:
    nothing = replace(WELL, view=TopicView(), silent_s=100.0, wanted=False)
    assert 'nobody publishes' in judge(nothing).message
    assert 'inactive' in judge(replace(nothing, phase='inactive')).message


def test_one_reliable_publisher_among_others_can_be_heard() -> None:
    mixed = replace(WELL, view=TopicView(publishers=2, best_effort=1), reliable=True)
    assert judge(mixed).level == OK


def test_a_publisher_that_is_refused_beside_one_that_is_heard_is_no_fault() -> None:
    assert judge(replace(WELL, refused='RELIABILITY')).level == OK


def test_the_most_similar_topics_are_suggested() -> None:
    others = ['/lidar/points', '/camera/color/image_raw', '/camera/depth/image', '/z', '/imag']
    assert nearest('/image', others)[0] == '/imag'
    assert len(nearest('/image', others)) == 3


def test_images_lost_on_the_way_are_told_with_the_remedy() -> None:
    lossy = Facts(phase='active', topic='/image', view=TopicView(publishers=1), loss=0.5)
    verdict = judge(lossy)
    assert verdict.level == WARN
    assert '50% of the latest images on /image were lost' in verdict.message
    assert 'rmem_max' in verdict.message


def test_a_second_node_of_the_name_is_told() -> None:
    verdict = judge(Facts(node='/segmenter', phase='active', topic='/image', namesake=True,
                          view=TopicView(publishers=1)))
    assert verdict.level == WARN and 'another node is called /segmenter' in verdict.message


@pytest.mark.parametrize(('free', 'level'), [(None, OK), (500 * 2**20, OK), (5 * 2**20, WARN)])
def test_little_shared_memory_is_told(free: int | None, level: int) -> None:
    verdict = judge(Facts(phase='active', topic='/image', view=TopicView(publishers=1),
                          shared_memory=free))
    assert verdict.level == level
    assert level == OK or '5 MiB are free in /dev/shm' in verdict.message
