# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What every request has to pass before it reaches the page's server.

The token is the first part of the path, so that all that the page asks for carries it. A name that
an attacker lets point at this machine is not among the hosts (DNS rebinding); another page's
request names its own origin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
import hmac
import ipaddress
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_BODY = 1 << 20
"""Of a request, in bytes: a stroke of many points takes a tenth of it."""

HEADERS = {
    'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin', 'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store'}


class Guard:
    """Refuses what does not come from the page itself."""

    def __init__(self, application: Application, token: str, hosts: frozenset[str]) -> None:
        """
        Stand before an application.

        :param application: it sees paths below the token.
        :param hosts: names that this machine may be called by; any address will do.
        """
        self.application, self.token, self.hosts = application, token, hosts

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope['type'] == 'lifespan':
            return await self.application(scope, receive, send)
        if scope['type'] != 'http':
            return None
        refused = self.refusal(scope)
        if refused:
            return await _answer(send, *refused)
        inner = {**scope, 'root_path': f'/{self.token}'}
        return await self.application(inner, _limited(receive), _with_headers(send))

    def refusal(self, scope: Message) -> tuple[int, str] | None:
        """
        Tell why a request is refused.

        :return: status and reason; None where it is not.
        """
        headers = {name.decode('latin-1').lower(): value.decode('latin-1')
                   for name, value in scope['headers']}
        host = headers.get('host', '')
        if not self._is_own(host):
            return 403, 'this server does not answer to that Host'
        given = scope['path'].split('/')[1]
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return 403, 'open the address that metricseg label printed'
        if headers.get('origin', f'http://{host}') != f'http://{host}':
            return 403, 'this server does not answer to pages of another origin'
        if headers.get('sec-fetch-site', 'none') not in ('none', 'same-origin'):
            return 403, 'this server does not answer to pages of another site'
        if not headers.get('content-length', '0').isdecimal() or (
                int(headers.get('content-length', '0')) > LARGEST_BODY):
            return 413, f'a request may have {LARGEST_BODY} bytes'
        if scope['method'] == 'POST' and headers.get('content-type') != 'application/json':
            return 415, 'a request must be application/json'
        return None

    def _is_own(self, host: str) -> bool:
        name = host.rpartition(':')[0] if not host.endswith(']') and ':' in host else host
        if name.lower() in self.hosts:
            return True
        try:
            ipaddress.ip_address(name.strip('[]'))
        except ValueError:
            return False
        return True


def _limited(receive: Receive) -> Receive:
    """Count a body whose length was not told beforehand."""
    from starlette.exceptions import HTTPException
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get('body', b''))
        if taken > LARGEST_BODY:
            raise HTTPException(413, f'a request may have {LARGEST_BODY} bytes')
        return message
    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            message = {**message, 'headers': [*message['headers'], *_encoded(HEADERS)]}
        await send(message)
    return sending


async def _answer(send: Send, status: int, text: str) -> None:
    headers = {**HEADERS, 'content-type': 'text/plain; charset=utf-8', 'connection': 'close'}
    await send({'type': 'http.response.start', 'status': status, 'headers': _encoded(headers)})
    await send({'type': 'http.response.body', 'body': f'{text}\n'.encode()})


def _encoded(headers: MutableMapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
