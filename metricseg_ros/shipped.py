# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the files lie that come with the package."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.models import model_roots


def shipped(relative: str) -> Path:
    """
    Find a file or folder that comes with the package.

    :return: the one in the source tree or, where there is none, beside the shipped models.
    """
    source = Path(__file__).resolve().parents[1]
    candidates = [root / relative for root in (source, *(path.parent for path in model_roots()))]
    return next((path for path in candidates if path.exists()), candidates[0])
