# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Instance segmentation by metric learning, on images, videos and ROS 2 bags.

Exit codes: 0 done, 1 failed, 2 bad usage or input. Errors are one line; --debug, or
METRICSEG_DEBUG in the environment, shows the traceback.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from io import TextIOWrapper
import os
import sys
import traceback
from typing import TextIO
import warnings

from metricseg_ros.cli.exit_codes import BAD_USAGE, FAILED, INTERRUPTED
from metricseg_ros.cli.verbs import parse, Run
from metricseg_ros.threads import let_waiting_threads_sleep

BAD_INPUT = (ValueError, TypeError, FileNotFoundError, FileExistsError, IsADirectoryError,
             NotADirectoryError, PermissionError)
MISSING_PACKAGE = ('scripts/setup, without --runtime, installs what labelling, training, '
                   'evaluation and export need')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; None takes the arguments of the process."""
    return exit_code(lambda arguments: parse(arguments, __doc__), argv)


def exit_code(read: Callable[[Sequence[str]], tuple[Run, argparse.Namespace]],
              argv: Sequence[str] | None = None) -> int:
    """
    Run a command, and turn what it raises into one line and an exit code.

    :param read: reads the arguments, and gives the function that is to be called with them.
    :param argv: arguments without the program's name; None takes those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    let_waiting_threads_sleep()
    # OpenCV's own warnings would come on top of our one line.
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    for stream in (sys.stdout, sys.stderr):  # A file's name may be of any encoding.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    warnings.showwarning = tell_warning
    try:
        run, args = read(arguments)
        code = run(args)
        sys.stdout.flush()
        return code
    except SystemExit as end:  # From argparse, after --help or an error it has told.
        return end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        print('metricseg: interrupted', file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output went away; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # The one place that turns errors into exit codes.
        return report(error, '--debug' in arguments or bool(os.environ.get('METRICSEG_DEBUG')))


def tell_warning(message: Warning, category: type[Warning], filename: str, line: int,
                 file: TextIO | None = None, source: str | None = None) -> None:
    """Tell a warning of our own in one line, any other as Python does."""
    own = category.__module__.startswith('metricseg_ros')
    print(f'metricseg: warning: {message}' if own
          else warnings.formatwarning(message, category, filename, line, source).rstrip(),
          file=file or sys.stderr)


def report(error: Exception, debug: bool) -> int:
    """
    Tell an error in one line.

    :return: the exit code: 2 for bad input, 1 for anything else.
    """
    if debug:
        traceback.print_exception(error)
    text = ' '.join(str(error).split()) or 'no reason given'
    if isinstance(error, ModuleNotFoundError):
        text += f'; {MISSING_PACKAGE}'
    bad_input = isinstance(error, BAD_INPUT)
    kind = '' if bad_input else f'{type(error).__name__}: '
    print(f'metricseg: error: {kind}{text}', file=sys.stderr)
    return BAD_USAGE if bad_input else FAILED


if __name__ == '__main__':
    sys.exit(main())
