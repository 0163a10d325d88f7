# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which object is which instance."""

from __future__ import annotations

import numpy as np


def assign(affinities: np.ndarray) -> list[tuple[int, int]]:
    """
    Pair rows and columns one to one, the surest pair first.

    :param affinities: (T,N), 0 where a pair is impossible.
    """
    rows, columns = np.nonzero(affinities > 0)
    order = np.argsort(-affinities[rows, columns], kind='stable')
    taken_rows: set[int] = set()
    taken_columns: set[int] = set()
    pairs = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken_rows and column not in taken_columns:
            pairs.append((row, column))
            taken_rows.add(row)
            taken_columns.add(column)
    return pairs
