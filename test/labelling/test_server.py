# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The server answers its own page alone, and loses nothing whoever asks for what."""

from __future__ import annotations

from collections.abc import Iterator
import json
from pathlib import Path
import socket
import subprocess
import sys
import threading
from urllib.parse import quote

import cv2
from labelling_server import kill, labelling, LabellingServer, photographs
from metricseg_ros.datasets.open_dataset import open_dataset
import pytest

MIB = 1 << 20


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for the labels, beside something secret."""
    folder = tmp_path_factory.mktemp('labelling')
    (folder / 'secret.txt').write_text('secret')
    return folder


@pytest.fixture(scope='module')
def server(root: Path) -> Iterator[LabellingServer]:
    """Label three photographs."""
    with labelling(photographs(root / 'photos', 3), '-o', root / 'labels',
                   '--classes', 'cup,book') as running:
        yield running


def first(server: LabellingServer) -> str:
    return server.ask('api/images')[1]['images'][0]['name']


def test_the_page_and_all_that_it_loads_carry_a_strict_policy(server: LabellingServer) -> None:
    for path in ('', 'page/main.js', 'page/style.css', 'api/images'):
        response = server.raw(server.path + path)
        assert response.status == 200
        policy = response.headers['content-security-policy']
        assert "default-src 'none'" in policy and 'unsafe' not in policy
        assert response.headers['cache-control'] == 'no-store'
        assert response.headers['x-content-type-options'] == 'nosniff'
        assert 'server' not in response.headers
        response.read()


@pytest.mark.parametrize('path', ['/', '/wrong-token/', '/wrong-token/api/images', '//', '/%00/',
                                  '/api/images', '/..', '/../api/images'])
def test_without_the_token_nothing_is_told(server: LabellingServer, path: str) -> None:
    response = server.raw(path)
    assert response.status == 403
    assert server.path.strip('/').encode() not in response.read()


@pytest.mark.parametrize(('headers', 'reason'), [
    ({'host': 'evil.example'}, b'Host'), ({'host': 'evil.example:80'}, b'Host'),
    ({'host': '127.0.0.1.evil.example'}, b'Host'), ({'host': ''}, b'Host'),
    ({'origin': 'http://evil.example'}, b'origin'), ({'origin': 'null'}, b'origin'),
    ({'origin': 'http://127.0.0.1:1'}, b'origin'), ({'sec_fetch_site': 'cross-site'}, b'site'),
    ({'sec_fetch_site': 'same-site'}, b'site')])
def test_another_origin_and_another_host_are_refused(server: LabellingServer, headers,
                                                     reason: bytes) -> None:
    for body in (None, {'revision': '', 'action': 'empty'}):
        status, content = server.ask(f'api/labels/{quote(first(server))}', body, **headers)
        assert status == 403
        assert reason in content


def test_a_form_of_another_page_cannot_post(server: LabellingServer) -> None:
    for kind in ('text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'):
        status, _ = server.ask('api/classes', b'["evil"]', content_type=kind)
        assert status == 415
    assert server.ask('api/images')[1]['classes'] == ['cup', 'book']


@pytest.mark.parametrize('name', [
    '../secret.txt', '../../secret', '..%2f..%2fsecret.txt', '%2e%2e/%2e%2e/secret.txt',
    '....//secret', '/etc/passwd', '%2fetc%2fpasswd', '..', '.', '%00', 'a%00b', 'x' * 5000,
    'con', '\\\\host\\share'])
def test_names_lead_nowhere_else(server: LabellingServer, name: str) -> None:
    for path in (f'api/images/{name}', f'page/{name}', f'api/labels/{name}'):
        response = server.raw(server.path + quote(path, safe='/%'))
        assert response.status in (404, 400, 403, 405), path
        content = response.read()
        assert b'secret' not in content.replace(b'secret.txt', b'').replace(b'secret', b'', 1)
        assert b'root:' not in content
    status, _ = server.ask('api/labels/' + quote(name, safe='%'),
                           {'revision': 'x', 'action': 'empty'})
    assert status in (400, 404, 405)


def test_a_body_of_100_mb_is_refused_before_it_is_read(server: LabellingServer) -> None:
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(
            f'POST {server.path}api/classes HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n'
            f'Content-Type: application/json\r\nContent-Length: {100 * MIB}\r\n\r\n'.encode())
        assert b' 413 ' in connection.recv(4096).split(b'\r\n')[0]


def test_a_body_without_end_is_refused_once_it_is_too_large(server: LabellingServer) -> None:
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(
            f'POST {server.path}api/classes HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n'
            'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'.encode())
        piece = b'10000\r\n' + b'[' * 65536 + b'\r\n'
        try:
            for _ in range(1600):
                connection.sendall(piece)
        except OSError:
            pass  # It hung up, which is right.
        try:
            answer = connection.recv(4096)
        except OSError:
            answer = b''
        assert not answer or b' 413 ' in answer.split(b'\r\n')[0]
    assert server.ask('api/images')[0] == 200


@pytest.mark.parametrize('body', [b'{', b'[]', b'null', b'3', b'\xff\xfe', b'[' * 100000,
                                  b'{"a": ' * 20000])
def test_a_body_that_is_no_request_is_refused(server: LabellingServer, body: bytes) -> None:
    status, _ = server.ask(f'api/labels/{quote(first(server))}', body,
                           content_type='application/json')
    assert status in (400, 409)


@pytest.mark.parametrize(('asked', 'reason'), [
    ({'action': 'format disk'}, 'action must be one of'), ({'action': ['add']}, 'action must be'),
    ({'action': 'add', 'row': 'x', 'column': 1}, 'row must be a number'),
    ({'action': 'add', 'row': 1e300, 'column': 1}, 'outside the image'),
    ({'action': 'add', 'row': True, 'column': 1}, 'row must be a number'),
    ({'action': 'add', 'row': 10**400, 'column': 1}, 'row must be a number'),
    ({'action': 'add', 'row': float('nan'), 'column': 1}, 'row must be a number'),
    ({'action': 'add', 'row': 1, 'column': 1, 'class': 'evil'}, 'class must be one of'),
    ({'action': 'add', 'row': 1, 'column': 1, 'class': ['cup']}, 'class must be one of'),
    ({'action': 'cut', 'id': 65535, 'row': 1, 'column': 1}, 'id must be that of an object'),
    ({'action': 'cut', 'id': -1, 'row': 1, 'column': 1}, 'id must be that of an object'),
    ({'action': 'delete', 'id': 60000}, 'there is no object'),
    ({'action': 'merge', 'ids': [1]}, 'choose two'), ({'action': 'merge', 'ids': 3}, 'ids must'),
    ({'action': 'paint', 'points': [], 'radius': 3}, 'points must be'),
    ({'action': 'paint', 'points': [[1, 2, 3]], 'radius': 3}, 'points must be'),
    ({'action': 'paint', 'points': [[1, 'x']], 'radius': 3}, 'points must be'),
    ({'action': 'paint', 'points': [[1, 10**400]], 'radius': 3}, 'points must be'),
    ({'action': 'merge', 'ids': [60000, 60001]}, 'there is no object 6000'),
    ({'action': 'paint', 'points': [[1, 2]] * 30000, 'radius': 3}, 'points must be'),
    ({'action': 'paint', 'points': [[1, 2]], 'radius': 1e9}, 'radius must be in'),
    ({'action': 'erase', 'id': 'x', 'points': [[1, 2]], 'radius': 2}, 'id must be')])
def test_a_change_that_cannot_be_is_refused_with_the_reason_and_changes_nothing(
        server: LabellingServer, asked: dict, reason: str) -> None:
    name = first(server)
    before = server.labels(name)
    status, content = server.change(name, **asked)
    assert status == 422, content
    assert reason in content['error']
    assert server.labels(name) == before


@pytest.mark.parametrize('classes', [['a,b'], [''], [7], [['cup']], ['x' * 200], [None]])
def test_classes_that_are_no_names_are_refused(server: LabellingServer, classes) -> None:
    assert server.ask('api/classes', classes)[0] == 422
    assert server.ask('api/images')[1]['classes'] == ['cup', 'book']


def test_of_two_writers_on_one_revision_one_is_refused_and_nothing_is_lost(
        server: LabellingServer) -> None:
    name = first(server)
    before = server.labels(name)
    dot = {'action': 'paint', 'radius': 3, 'class': 'cup'}
    answers = []

    def write(row: int) -> None:
        answers.append(server.change(name, revision=before['revision'], points=[[row, 5]], **dot))
    writers = [threading.Thread(target=write, args=(row,)) for row in (20, 60, 100, 140)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
    after = server.labels(name)
    assert after['undo'] == before['undo'] + 1
    assert 'another page has changed' in next(
        content['error'] for status, content in answers if status == 409)
    # Whoever was refused sees what is there, and goes on from it.
    assert server.change(name, points=[[200, 5]], **dot)[0] == 200
    assert server.change(name, action='undo')[0] == 200
    assert server.labels(name)['runs'] == after['runs']


def test_a_second_server_on_the_same_folder_is_refused(server: LabellingServer,
                                                       root: Path) -> None:
    done = subprocess.run([sys.executable, '-m', 'metricseg_ros.cli.main', 'label', '-o',
                           str(root / 'labels'), '--no-browser'], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 2
    assert 'is being labelled by another metricseg label' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_killed_while_it_writes_it_goes_on_with_all_that_was_answered(tmp_path: Path) -> None:
    photos, labels = photographs(tmp_path / 'photos', 2), tmp_path / 'labels'
    answered: list[dict] = []
    with labelling(photos, '-o', labels) as server:
        name = first(server)
        state = server.labels(name)

        def paint() -> None:
            revision = state['revision']
            for number in range(100000):
                try:
                    status, content = server.change(
                        name, revision=revision, action='paint', radius=2,
                        points=[[10 + number % 200, 10 + number % 300]])
                except OSError:
                    return  # Killed.
                assert status == 200, content
                revision = content['revision']
                answered.append(content)
        writer = threading.Thread(target=paint)
        writer.start()
        while len(answered) < 20:
            writer.join(0.01)
        kill(server)
        writer.join()
    with labelling('-o', labels) as server:
        assert [image['begun'] for image in server.ask('api/images')[1]['images']] == [True, False]
        kept = {own['id'] for own in server.labels(name)['objects']}
        needed = {own['id'] for own in answered[-1]['objects']}
        assert needed <= kept and len(kept) <= len(needed) + 1
        assert server.change(name, action='done')[0] == 200
    dataset = open_dataset(f'folder:{labels}')
    assert [dataset[0].name, len(dataset)] == [name, 1]


def test_a_full_disk_is_told_and_the_labels_stay_as_they_were(
        server: LabellingServer, root: Path) -> None:
    name = server.ask('api/images')[1]['images'][1]['name']
    before = server.labels(name)
    folder = root / 'labels' / 'waiting' / 'labels'
    folder.rename(folder.with_name('elsewhere'))
    try:
        status, content = server.change(name, action='empty')
        assert status == 500 and 'No such file' in content['error']
        assert server.labels(name) == before
    finally:
        folder.with_name('elsewhere').rename(folder)
    assert server.change(name, action='empty')[0] == 200


def test_what_the_page_does_ends_in_a_data_set(tmp_path: Path) -> None:
    photos, labels = photographs(tmp_path / 'photos', 2), tmp_path / 'labels'
    with labelling(photos, '-o', labels, '--classes', 'cup,book') as server:
        one, other = (image['name'] for image in server.ask('api/images')[1]['images'])
        found = server.labels(one)['objects']
        assert found, 'the model finds something in a photograph of the demo'
        server.change(one, action='rename', id=found[0]['id'], **{'class': 'book'})
        for own in found[1:]:
            server.change(one, action='delete', id=own['id'])
        server.change(one, action='done')
        server.change(other, action='empty')
        server.change(other, action='done')
    dataset = open_dataset(f'folder:{labels}')
    names = {dataset[index].name: dataset[index] for index in (0, 1)}
    assert names[one].class_ids[names[one].label_map.max()] == 2
    assert (names[other].label_map == 0).all()
    assert json.loads((labels / 'index.json').read_text())[0]['source'].endswith('.jpg')
    written = cv2.imread(str(labels / 'labels' / f'{one}.png'), cv2.IMREAD_UNCHANGED)
    assert written.dtype == 'uint16'


def test_the_page_may_be_served_at_an_ipv6_address(tmp_path: Path) -> None:
    with labelling(photographs(tmp_path / 'photos', 1), '-o', tmp_path / 'labels', '--host',
                   '::1') as running:
        assert running.address.startswith('http://[::1]:')
        assert len(running.ask('api/images')[1]['images']) == 1
