# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = 'OK', 'WARN', 'FAIL'


@dataclass(frozen=True)
class Check:
    """
    One thing that was looked at.

    :param subject: what, in a word or two.
    :param status: OK; WARN for what costs speed or a feature; FAIL for what stops the node.
    :param remedy: how to mend it; empty if there is nothing to mend.
    """

    subject: str
    status: str
    detail: str
    remedy: str = ''

    def line(self) -> str:
        """Return the check as a line for people, or two with the remedy."""
        text = f'{self.status:4}  {self.subject}: {self.detail}'
        return f'{text}\n      -> {self.remedy}' if self.remedy else text
