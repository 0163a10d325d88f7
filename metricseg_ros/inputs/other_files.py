# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that hold pictures and are none that is read among images, each with the remedy."""

from __future__ import annotations

from pathlib import Path

from metricseg_ros.inputs.bag_files import is_bag_file
from metricseg_ros.inputs.codec import HEIC, IMAGE_SUFFIXES, is_heic, is_image

OTHERS = {
    'a video: give it by itself': '.mp4 .mov .avi .mkv .webm .m4v .mpg .mpeg .wmv .flv .3gp .mts '
                                  '.m2ts .ts .ogv .y4m .mjpg .mjpeg .h264 .264 .h265 .hevc',
    HEIC: '.heic .heif .hif',
    'a raw photograph: develop it to JPEG or PNG': '.dng .cr2 .cr3 .nef .arw .raf .orf .rw2 .srw',
    'a format that is not read: convert it to PNG': '.svg .pdf .psd .xcf .eps .ai .jxl .exr .hdr '
                                                    '.tga .ico .pcx .jxr .pic .fits .dcm',
    'an archive: unpack it': '.zip .tar .gz .tgz .7z .rar .xz',
}
"""What a file is, with the remedy -> what its name ends in."""

REASONS = {suffix: reason for reason, suffixes in OTHERS.items() for suffix in suffixes.split()}
VIDEO = REASONS['.mp4']
STARTS = b'\xff\xd8\xff', b'\x89PNG', b'GIF8', b'II*\0', b'MM\0*', b'RIFF'
"""How images begin."""

SHOWN = 3
"""Files that are named of those left out for one reason."""


def reason_not_read(path: Path) -> str:
    """
    Say why a file or folder that holds pictures is not read among images.

    :return: what it is, and the remedy; empty for an image, and for what holds no pictures.
    """
    if path.is_dir():
        return _of_folder(path)
    if is_image(path):
        return '' if path.is_file() else 'no file, or a link that leads nowhere'
    if not path.is_file():  # Reading a pipe would wait for a writer.
        return ''
    if is_bag_file(path):
        return 'a recording: give it by itself'
    start = _start(path)
    if is_heic(start):
        return HEIC
    if start.startswith(STARTS) and path.suffix.lower() not in REASONS:
        return f'an image by its content, but not by its name: end that in {IMAGE_SUFFIXES[0]}'
    return REASONS.get(path.suffix.lower(), '')


def _of_folder(path: Path) -> str:
    try:
        return 'a folder: give it by itself' if any(map(is_image, path.iterdir())) else ''
    except OSError as error:
        return f'a folder that cannot be read: {error.strerror}'


def unread_files(folder: Path) -> str:
    """
    Say which files of a folder of images are not read, and why.

    :param folder: path of the folder; hidden files count for nothing.
    :return: one line, or empty.
    """
    names: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()):
        if not path.name.startswith('.') and (reason := reason_not_read(path)):
            names.setdefault(reason, []).append(path.name)
    parts = [f'{", ".join(found[:SHOWN])}'
             f'{f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""} ({reason})'
             for reason, found in names.items()]
    return f'{folder}: {"; ".join(parts)}' if parts else ''


def _start(path: Path) -> bytes:
    try:
        with path.open('rb') as file:
            return file.read(40)
    except OSError:
        return b''
