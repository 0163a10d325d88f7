# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The quick way into the uint8[] fields of messages."""

from __future__ import annotations

from array import array

import numpy as np


def byte_array(values: np.ndarray) -> array:
    """
    Copy an array's memory for a uint8[] field.

    :return: the only type that rclpy takes over without looking at each byte.
    """
    data = array('B')
    if values.size:
        data.frombytes(memoryview(np.ascontiguousarray(values)).cast('B'))
    return data
