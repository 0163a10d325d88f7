# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much of a build is done, from the nested phases that TensorRT tells of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Phase:
    """
    A phase of the build.

    :param parent: name of the phase it is a part of, or None.
    :param steps: how many steps it has.
    """

    parent: str | None
    steps: int
    done: int = 0


class Phases:
    """The phases under way, and the share that is done, which never falls."""

    def __init__(self) -> None:
        self._active: dict[str, Phase] = {}
        self._share = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Begin a phase."""
        self._active[name] = Phase(parent, max(1, steps))

    def step(self, name: str, step: int) -> None:
        """Finish a step."""
        if name in self._active:
            self._active[name].done = step + 1

    def finish(self, name: str) -> None:
        """End a phase."""
        self._active.pop(name, None)

    def share(self) -> float:
        """Tell how much is done; return in [0,1]."""
        roots = [self._of(name) for name, phase in self._active.items() if phase.parent is None]
        self._share = max(self._share, min(1.0, max(roots, default=0.0)))
        return self._share

    def _of(self, name: str) -> float:
        phase = self._active[name]
        inner = [self._of(child) for child, other in self._active.items()
                 if other.parent == name and child != name]
        return min(1.0, (phase.done + max(inner, default=0.0)) / phase.steps)
