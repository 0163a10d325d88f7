# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Foxglove is told of topics that there are, and shows every panel it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import json
from pathlib import Path
from typing import Any

import pytest
from ros.examples import EXAMPLES, load

LAYOUT = json.loads((EXAMPLES / 'foxglove_layout.json').read_text())
TOPIC_KEYS = ('imageTopic', 'topicPath', 'topicToRender', 'pointTopic')
TAKEN = ('/image', '/clicked_point')
"""What the segmenter does not publish but takes."""


def topics(part: Any) -> Iterator[str]:
    for key, value in part.items() if isinstance(part, dict) else ():
        if key in TOPIC_KEYS:
            yield value
        if key == 'topics':
            yield from value
        yield from topics(value)


def panels(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    else:
        yield from panels(part['first'])
        yield from panels(part['second'])


def test_every_panel_is_shown_once() -> None:
    assert sorted(panels(LAYOUT['layout'])) == sorted(LAYOUT['configById'])


@pytest.mark.ros
def test_every_topic_is_one_of_the_nodes(start: Callable[..., Any], colour_model: Path) -> None:
    pytest.importorskip('metricseg_msgs')
    from ros.robot import Robot, Segmenter, Spinner, wait_for
    start(Segmenter(colour_model))
    start(Spinner(lambda context: load('grasp_candidates').GraspCandidates(context=context)))
    node = start(Robot()).node

    def missing() -> set[str]:
        return {topic for topic in topics(LAYOUT) if not (
            node.count_subscribers(topic) if topic in TAKEN else node.count_publishers(topic))}
    assert len(set(topics(LAYOUT))) == 9
    wait_for(lambda: not missing(), lambda: f'the topics {missing()}')
