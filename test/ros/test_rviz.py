# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""RViz is told of topics that there are, with the types that its displays show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ros.robot import Robot, Segmenter, wait_for
import yaml

pytestmark = pytest.mark.ros

CONFIG = Path(__file__).resolve().parents[2] / 'config' / 'segmenter.rviz'
SHOWN = {'Image': 'sensor_msgs/msg/Image', 'MarkerArray': 'visualization_msgs/msg/MarkerArray',
         'PointCloud2': 'sensor_msgs/msg/PointCloud2',
         'PublishPoint': 'geometry_msgs/msg/PointStamped'}
"""Display or tool -> type of the messages it shows or sends."""
TAKEN = ('/image', '/clicked_point')
"""What the segmenter does not publish but takes."""


def topics() -> dict[str, str]:
    """Return topic -> type of everything in the configuration that has a topic."""
    manager = yaml.safe_load(CONFIG.read_text())['Visualization Manager']
    found = {}
    for item in (*manager['Displays'], *manager['Tools']):
        if 'Topic' in item:
            topic = item['Topic']
            name = topic['Value'] if isinstance(topic, dict) else topic
            found[name] = SHOWN[item['Class'].removeprefix('rviz_default_plugins/')]
    return found


def test_all_that_can_be_looked_at_is_in_it() -> None:
    assert set(topics()) == {
        'image', 'segmenter/overlay', 'segmenter/label_map', 'segmenter/clicked_overlay',
        'segmenter/markers', 'segmenter/cloud', '/clicked_point'}


def test_every_pane_has_its_place_in_the_window() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    state = bytes.fromhex(config['Window Geometry']['QMainWindow State'])
    panes = [item['Name'] for item in (*config['Panels'], *config['Visualization Manager'][
        'Displays']) if item['Class'].endswith(('/Image', '/Displays', '/Tool Properties'))]
    assert len(panes) == 6
    for name in panes:
        assert state.count(name.encode('utf-16-be')) == 1, name


@pytest.mark.parametrize('namespace', ['', '/robot'])
def test_every_topic_is_one_of_the_node_in_any_namespace(
        start: Callable[..., Any], colour_model: Path, namespace: str) -> None:
    arguments = ('-r', f'__ns:={namespace}') if namespace else ()
    start(Segmenter(colour_model, *arguments))
    node = start(Robot()).node
    expected = {name if name.startswith('/') else f'{namespace}/{name}': kind
                for name, kind in topics().items()}

    def own() -> dict[str, set[str]]:
        """Return the types of what the segmenter takes and gives, as its endpoints tell."""
        ends = {name: (node.get_subscriptions_info_by_topic if name.endswith(TAKEN)
                       else node.get_publishers_info_by_topic)(name)
                for name in expected}
        return {name: {end.topic_type for end in found} for name, found in ends.items()}
    wait_for(lambda: own() == {name: {kind} for name, kind in expected.items()},
             lambda: f'{expected}, not {own()}')
