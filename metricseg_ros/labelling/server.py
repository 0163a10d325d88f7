# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The page and what it asks for, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import secrets
import socket
from typing import Any, TYPE_CHECKING

from metricseg_ros.labelling.guard import Guard
from metricseg_ros.labelling.session import LabelError, LabellingSession, StaleError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = Path(__file__).parent / 'page'
TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css',
         '.svg': 'image/svg+xml'}
LOCAL = '127.0.0.1'


class Answers:
    """What the page asks for, answered from what is labelled."""

    def __init__(self, session: LabellingSession) -> None:
        """Read the files of the page."""
        self.session = session
        self.files = {path.name: (path.read_bytes(), TYPES[path.suffix])
                      for path in PAGE.iterdir() if path.suffix in TYPES}

    async def file(self, request: Request) -> Response:
        """Give a file of the page."""
        from starlette.responses import Response

        name = request.path_params.get('name', 'index.html')
        if name not in self.files:
            return _refused(404, f'the page has no file {name!r}')
        content, media_type = self.files[name]
        return Response(content, media_type=media_type)

    async def image(self, request: Request) -> Response:
        """Give an image."""
        from starlette.responses import FileResponse

        name = request.path_params['name']
        if name not in self.session.store.entries:
            return _refused(404, f'there is no image {name!r}')
        return FileResponse(self.session.store.image_path(name))

    async def overview(self, _request: Request) -> Response:
        """Tell which images there are, and what is done."""
        return await _answered(self.session.overview)

    async def labels(self, request: Request) -> Response:
        """Give the labels of an image, or change them."""
        name = request.path_params['name']
        if request.method == 'GET':
            return await _answered(self.session.open, name)
        asked = _read(await request.body())
        if not isinstance(asked, dict):
            return _refused(400, 'the body must be a JSON object')
        return await _answered(self.session.change, name, asked)

    async def classes(self, request: Request) -> Response:
        """Change the names of classes."""
        asked = _read(await request.body())
        if not isinstance(asked, list):
            return _refused(400, 'the body must be a JSON list of names')
        return await _answered(self.session.set_classes, asked)


def make_application(session: LabellingSession) -> Starlette:
    """Route what the page asks for."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    answers = Answers(session)
    return Starlette(routes=[
        Route('/', answers.file), Route('/page/{name}', answers.file),
        Route('/api/images', answers.overview), Route('/api/images/{name}', answers.image),
        Route('/api/classes', answers.classes, methods=['POST']),
        Route('/api/labels/{name}', answers.labels, methods=['GET', 'POST'])])


def serve(session: LabellingSession, host: str = LOCAL, port: int = 0,
          ready: Callable[[str], None] = print) -> None:
    """
    Serve the page until interrupted.

    :param host: address to listen at.
    :param port: port to listen at; 0 takes a free one.
    :param ready: called with the page's address once it can be opened.
    :raises OSError: if it cannot listen there.
    """
    import uvicorn

    is_ipv6 = ':' in host
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if is_ipv6 else socket.AF_INET)
    token = secrets.token_urlsafe(16)
    shown = socket.gethostname() if host in ('0.0.0.0', '::') else (
        f'[{host}]' if is_ipv6 else host)
    ready(f'http://{shown}:{listener.getsockname()[1]}/{token}/')
    guard = Guard(make_application(session), token,
                  frozenset({'localhost', host.lower(), socket.gethostname().lower()}))
    server = uvicorn.Server(uvicorn.Config(guard, log_level='warning', access_log=False,
                                           server_header=False, timeout_graceful_shutdown=5))
    try:
        server.run(sockets=[listener])
    finally:
        session.close()


async def _answered(ask: Callable[..., Any], *arguments: Any) -> Response:
    from starlette.concurrency import run_in_threadpool

    try:
        return _json(await run_in_threadpool(ask, *arguments))
    except KeyError as error:
        return _refused(404, f'there is no image {error}')
    except StaleError as error:
        return _refused(409, str(error))
    except LabelError as error:
        return _refused(422, str(error))
    except (ValueError, OSError) as error:
        return _refused(500, f'{error}')


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # The latter from a thousand brackets.
        return None


def _json(content: Any) -> Response:
    from starlette.responses import JSONResponse
    return JSONResponse(content)


def _refused(status: int, reason: str) -> Response:
    from starlette.responses import JSONResponse
    return JSONResponse({'error': reason}, status)
