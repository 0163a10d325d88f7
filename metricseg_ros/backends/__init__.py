# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who runs the network: one protocol over ONNX Runtime and PyTorch."""

from metricseg_ros.backends.backend import Backend, BackendError, ExecutionReport
from metricseg_ros.backends.selection import open_backend

__all__ = ['Backend', 'BackendError', 'ExecutionReport', 'open_backend']
