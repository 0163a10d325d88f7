# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Point the CMake files of the ROS 2 wheels at this environment's headers.

The wheels export the include folders of Python and NumPy of the machine that built them; CMake
stops at a folder that does not exist. Run with the environment's own Python, after each install.
"""

from pathlib import Path
import re
import sys
import sysconfig

import numpy

FOREIGN_NUMPY = re.compile(r'/opt/(?:python|_internal)/[^;"\s]*/numpy/[^;"\s]*include')
FOREIGN_PYTHON = re.compile(r'/opt/(?:python|_internal)/[^;"\s]*/include/python[\d.]+')


def relocate(text: str) -> str:
    """
    Replace the foreign include folders in one CMake file.

    :param text: the file's text
    :return: the text with this environment's folders
    """
    text = FOREIGN_NUMPY.sub(numpy.get_include(), text)
    return FOREIGN_PYTHON.sub(sysconfig.get_path('include'), text)


def main() -> None:
    """Rewrite every exported CMake file of the environment that names a foreign folder."""
    for path in Path(sys.prefix).glob('share/*/cmake/*.cmake'):
        text = path.read_text()
        relocated = relocate(text)
        if relocated != text:
            path.write_text(relocated)


if __name__ == '__main__':
    main()
