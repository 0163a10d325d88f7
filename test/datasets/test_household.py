# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Names of data sets and packages mean household classes."""

from __future__ import annotations

from metricseg_ros.datasets.household import household_class, HOUSEHOLD_CLASSES, PHRASES
import pytest


@pytest.mark.parametrize(('name', 'expected'), [
    ('wine glass', 'cup'), ('Sunglasses', 'object'), ('Cup cake', 'food'),
    ('apple_green', 'fruit'), ('Apple iPhone', 'device'), ('Knife stand', 'object'),
    ('Kitchen knife', 'cutlery'),
    ('sports ball', 'ball'), ('tools/saw', 'tool'), ('elephant', 'object'), ('', 'object')])
def test_longest_phrase_of_a_name_decides(name: str, expected: str) -> None:
    assert household_class(name) == expected


def test_every_class_means_itself_and_no_phrase_is_of_two_classes() -> None:
    assert [household_class(name) for name in HOUSEHOLD_CLASSES] == list(HOUSEHOLD_CLASSES)
    phrases = [phrase for text in PHRASES.values() for phrase in text.split('|')]
    assert len(phrases) == len(set(phrases))
