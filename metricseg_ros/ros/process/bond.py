# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The bond by which Nav2's lifecycle manager notices that a node has died."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode

TOPIC = 'bond'
"""Nav2's lifecycle manager listens there, for bonds named after their nodes."""


def bond_to_manager(node: LifecycleNode) -> Any:
    """
    Begin to send heartbeats, as Nav2's own nodes do while they are active.

    :return: the bond, to be broken when the node is deactivated; None where bondpy is not
        installed: then the manager's bond_timeout must be 0.
    """
    try:
        from bondpy.bondpy import Bond
    except ImportError:
        return None
    bond = Bond(node, TOPIC, node.get_name())
    bond.start()
    return bond
