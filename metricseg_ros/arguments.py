# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What every command line is read with: errors of one line, and numbers within their bounds."""

from __future__ import annotations

import argparse
from collections.abc import Callable
import math
import re
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """End the program with what is wrong with the arguments."""
        self.exit(2, f'{self.prog}: error: {message}; see {self.prog} --help\n')


def whole_number(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """
    Give what reads an option's whole number.

    :param most: the largest; None for no bound.
    :return: a `type` of argparse, which puts the option's name before the error.
    """
    bounds = f'of at least {least}' if most is None else f'from {least} to {most}'

    def read(text: str) -> int:
        if not re.fullmatch(r'[+-]?[0-9]{1,18}', text) or not (
                least <= int(text) and (most is None or int(text) <= most)):
            raise argparse.ArgumentTypeError(f'must be a whole number {bounds}, got {text!r}')
        return int(text)
    return read


def real_number(least: float = 0.0, most: float = math.inf,
                above: bool = False) -> Callable[[str], float]:
    """
    Give what reads an option's number.

    :param above: whether the smallest itself is too small.
    """
    bounds = (f'above {least:g}' if above else f'of at least {least:g}') + (
        '' if math.isinf(most) else f' and at most {most:g}')

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and math.isfinite(value)) or (above and value == least):
            raise argparse.ArgumentTypeError(f'must be a number {bounds}, got {text!r}')
        return value
    return read


def image_size(text: str) -> tuple[int, int]:
    """
    Read a size.

    :param text: height x width, such as 240x320.
    :return: (height, width).
    :raises argparse.ArgumentTypeError: if the text is none.
    """
    match = re.fullmatch(r'([1-9]\d*)x([1-9]\d*)', text)
    if not match:
        raise argparse.ArgumentTypeError(f'size must read HEIGHTxWIDTH like 240x320, got {text!r}')
    return int(match[1]), int(match[2])
