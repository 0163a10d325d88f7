# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""metricseg label as its user starts it: a process of its own, asked over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
import json
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any
from urllib.parse import quote, urlsplit

DEADLINE_S = 120


class LabellingServer:
    """A running server."""

    def __init__(self, process: subprocess.Popen, address: str) -> None:
        """
        Remember where it is.

        :param process: of the command line.
        :param address: that it printed.
        """
        self.process, self.address = process, address
        parts = urlsplit(address)
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path

    def ask(self, path: str, body: Any = None, method: str | None = None,
            **headers: str) -> tuple[int, Any]:
        """
        Ask for something below the token.

        :param path: such as api/images.
        :param body: sent as JSON; bytes are sent as they are.
        :param method: GET or POST by whether there is a body, unless given.
        :param headers: with _ for -.
        :return: status and content, of JSON as values.
        """
        response = self.raw(self.path + path, body, method, **headers)
        content = response.read()
        if response.headers.get_content_type() == 'application/json':
            return response.status, json.loads(content)
        return response.status, content

    def raw(self, path: str, body: Any = None, method: str | None = None,
            **headers: str) -> HTTPResponse:
        """
        Ask for something by its whole path.

        :param path: from the root.
        :param body: as in :meth:`ask`.
        :param method: as in :meth:`ask`.
        :param headers: as in :meth:`ask`.
        :return: the response.
        """
        connection = HTTPConnection(self.host, self.port, timeout=DEADLINE_S)
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {'content-type': 'application/json',
                                                        **headers}
        connection.request(method or ('GET' if body is None else 'POST'), path, body,
                           {name.replace('_', '-'): value for name, value in headers.items()})
        return connection.getresponse()

    def labels(self, name: str) -> dict[str, Any]:
        """
        Open an image.

        :param name: of the image.
        :return: its state.
        """
        status, state = self.ask(f'api/labels/{quote(name, safe="")}')
        assert status == 200, state
        return state

    def change(self, name: str, **asked: Any) -> tuple[int, Any]:
        """
        Change labels, on the revision that is there.

        :param name: of the image.
        :param asked: action and what it needs.
        :return: status and state.
        """
        revision = asked.pop('revision', None) or self.labels(name)['revision']
        return self.ask(f'api/labels/{quote(name, safe="")}', {'revision': revision, **asked})


@contextmanager
def labelling(*words: object) -> Iterator[LabellingServer]:
    """
    Run metricseg label.

    :param words: of its command line.
    :return: the server, until it has ended by an interrupt.
    """
    process = subprocess.Popen(
        [sys.executable, '-m', 'metricseg_ros.cli.main', 'label', '--no-browser', '--device',
         'cpu', *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith('label at '), process.communicate()
        yield LabellingServer(process, line.split()[-1])
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE_S)


def kill(server: LabellingServer) -> None:
    """
    Kill a server as a loss of power would.

    :param server: the server.
    """
    server.process.kill()
    server.process.wait()


def photographs(folder: Path, count: int) -> Path:
    """
    Copy some photographs of the demo.

    :param folder: where to; it is made.
    :param count: how many.
    :return: the folder.
    """
    import shutil

    from metricseg_ros.cli.bundled import photographs as bundled
    folder.mkdir()
    for path in bundled()[:count]:
        shutil.copy(path, folder)
    return folder
