# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Foxglove is told of topics that there are, and shows every panel it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import json
from pathlib import Path
from typing import Any

import pytest
from ros.examples import EXAMPLES

LAYOUT = json.loads((EXAMPLES / 'foxglove_layout.json').read_text())
TOPIC_KEYS = ('imageTopic', 'topicPath', 'topicToRender', 'pointTopic')


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
def test_every_topic_is_one_of_the_node(start: Callable[..., Any], colour_model: Path) -> None:
    pytest.importorskip('metricseg_msgs')
    from ros.robot import Robot, Segmenter, wait_for
    start(Segmenter(colour_model))
    node = start(Robot()).node

    def missing() -> set[str]:
        try:
            there = (node.get_publisher_names_and_types_by_node('segmenter', '/')
                     + node.get_subscriber_names_and_types_by_node('segmenter', '/'))
        except RuntimeError:  # It is not known yet.
            there = []
        return set(topics(LAYOUT)) - {name for name, _ in there}
    assert len(set(topics(LAYOUT))) == 7
    wait_for(lambda: not missing(), lambda: f'the topics {missing()}')
