# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a command leaves out: told at once, listed at the end."""

from __future__ import annotations

import sys


class LeftOut(list[str]):
    """The reasons, as lines; to be called with each error that something is left out for."""

    def __call__(self, error: ValueError) -> None:
        """Tell of something that is left out, and remember it."""
        from tqdm import tqdm
        self.append(' '.join(str(error).split()))
        tqdm.write(f'metricseg: left out: {self[-1]}', file=sys.stderr)
