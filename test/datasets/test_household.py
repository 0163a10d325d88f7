# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Names of data sets and packages mean household classes, with which any data set can be read."""

from __future__ import annotations

import json
from pathlib import Path

from metricseg_ros.datasets.household import household_class, HOUSEHOLD_CLASSES, PHRASES
from metricseg_ros.datasets.label_folder import write_pair
from metricseg_ros.datasets.open_dataset import open_dataset
import numpy as np
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


def test_classes_of_a_data_set_become_household_classes(tmp_path: Path) -> None:
    for part in ('images', 'labels'):
        (tmp_path / part).mkdir()
    labels = np.repeat(np.arange(4, dtype=np.uint16), 10)[None].repeat(8, 0)
    write_pair(tmp_path, 'a', np.zeros((8, 40, 3), np.uint8), labels)
    index = [{'key': 'a', 'names': ['wine glass', 'person', 'banana']}]
    (tmp_path / 'index.json').write_text(json.dumps(index))
    plain, household = open_dataset(str(tmp_path)), open_dataset(f'household:folder:{tmp_path}')
    assert len(household) == 1 and household.classes == HOUSEHOLD_CLASSES
    names = ['background', *HOUSEHOLD_CLASSES]
    assert [names[i] for i in household[0].class_ids] == ['background', 'cup', 'object', 'fruit']
    assert np.array_equal(household[0].label_map, plain[0].label_map)
