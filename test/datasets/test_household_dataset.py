# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any data set can be read with the household classes."""

from __future__ import annotations

import json
from pathlib import Path

from metricseg_ros.datasets.formats import open_dataset
from metricseg_ros.datasets.household import HOUSEHOLD_CLASSES
from metricseg_ros.datasets.label_folder import write_pair
import numpy as np


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
