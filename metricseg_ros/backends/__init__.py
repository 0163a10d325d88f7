# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who runs the network: one protocol over TensorRT, ONNX Runtime and PyTorch."""

from __future__ import annotations

from typing import Any

from metricseg_ros.backends.backend import Backend, BackendError, ExecutionReport

__all__ = ['Backend', 'BackendError', 'ExecutionReport', 'open_backend']


def __getattr__(name: str) -> Any:
    """Import :func:`open_backend` when it is asked for: building an engine needs no torch."""
    if name != 'open_backend':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from metricseg_ros.backends.selection import open_backend
    return open_backend
