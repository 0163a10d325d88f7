# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Generation resumes where it stopped, and image i depends on its seed and number alone."""

from __future__ import annotations

import argparse
from io import BytesIO
import json
from pathlib import Path
import zipfile

from metricseg_ros.cli import generate as cli
from metricseg_ros.datasets.household import HOUSEHOLD_CLASSES
from metricseg_ros.datasets.label_folder import open_label_folder, write_pair
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.inputs.depth_files import depth_image
from metricseg_ros.synthesis.composed import flat_things
from metricseg_ros.synthesis.generate import generate, GenerationTask
from metricseg_ros.synthesis.rendered.meshes import load_solids, read_catalogue
from metricseg_ros.synthesis.synthetic_scene import SyntheticScene, write_index, write_scene
import numpy as np
import pytest

pytest.importorskip('tqdm')
SIZE = (48, 64)


@pytest.fixture(scope='module')
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('photographs')
    for part in ('images', 'labels'):
        (root / part).mkdir()
    labels = np.zeros((100, 100), np.uint16)
    labels[20:70, 20:80] = 1
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    write_pair(root, 'a', noise, labels)
    return root


@pytest.fixture(autouse=True)
def few_drawn_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_things, 'STOCK', (12, 4))


def task(root: Path, photographs: Path, count: int) -> GenerationTask:
    return GenerationTask('composed', root, count, SIZE, 3, 1, (photographs,), packages=False)


def test_resumed_run_equals_one_run(tmp_path: Path, photographs: Path) -> None:
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    assert generate(task(whole, photographs, 4)) == 4
    assert generate(task(parts, photographs, 2)) == 2
    assert generate(task(parts, photographs, 4)) == 2
    for name in open_label_folder(whole).names:
        for part, suffix in (('images', 'jpg'), ('labels', 'png')):
            path = f'{part}/{name}.{suffix}'
            assert (whole / path).read_bytes() == (parts / path).read_bytes()


def test_two_processes_make_what_one_makes(tmp_path: Path, photographs: Path) -> None:
    from dataclasses import replace
    one, two = tmp_path / 'one', tmp_path / 'two'
    generate(task(one, photographs, 6))
    generate(replace(task(two, photographs, 6), jobs=2))
    for name in open_label_folder(one).names:
        path = f'labels/{name}.png'
        assert (one / path).read_bytes() == (two / path).read_bytes()


def test_models_are_taken_from_the_catalogue_that_is_named(tmp_path: Path) -> None:
    (tmp_path / 'chairs.sh3f').write_bytes(archive_of_a_cube())
    entries = read_catalogue(tmp_path)
    assert [(entry.name, entry.size) for entry in entries] == [('Cube', (0.1, 0.2, 0.3))]
    solid, = load_solids(entries, tmp_path / 'cache')
    assert np.allclose(solid.extent, [0.1, 0.2, 0.3])
    assert read_catalogue(tmp_path / 'cache') == []


def archive_of_a_cube() -> bytes:
    content = BytesIO()
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    faces = ((1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4))
    model = [f'v {x} {y} {z}' for x, y, z in corners] + [
        'f ' + ' '.join(map(str, face)) for face in faces]
    fields = {'name': 'Cube', 'category': 'Miscellaneous', 'model': '/cube.obj',
              'icon': '/cube.png', 'width': 10, 'depth': 20, 'height': 30}
    with zipfile.ZipFile(content, 'w') as archive:
        archive.writestr('cube.obj', '\n'.join(model))
        archive.writestr('PluginFurnitureCatalog.properties',
                         '\n'.join(f'{key}#1={value}' for key, value in fields.items()))
    return content.getvalue()


def test_cameras_are_written_as_data_sets_with_depth_have_them(tmp_path: Path) -> None:
    for name, focal_length in (('a', 300.0), ('b', 410.5)):
        scene = SyntheticScene(np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8), np.uint16), (),
                               np.ones((6, 8), np.float32), focal_length, 'heap')
        for part in ('images', 'labels', 'depth', 'entries'):
            (tmp_path / part).mkdir(exist_ok=True)
        write_scene(tmp_path, name, scene)
    write_index(tmp_path, ['a', 'b'], (6, 8))
    cameras = json.loads((tmp_path / 'camera.json').read_text())
    assert cameras['b'] == {'fx': 410.5, 'fy': 410.5, 'cx': 3.5, 'cy': 2.5, 'width': 8,
                            'height': 6}
    entries = json.loads((tmp_path / 'index.json').read_text())
    assert [entry['arrangement'] for entry in entries] == ['heap', 'heap']


def test_folder_is_a_data_set_with_the_classes_of_what_it_shows(
        tmp_path: Path, photographs: Path) -> None:
    generate(task(tmp_path, photographs, 4))
    dataset = open_dataset(str(tmp_path))
    assert dataset.classes == HOUSEHOLD_CLASSES
    found = {dataset.classes[i - 1] for image in dataset for i in image.class_ids[1:]}
    assert found - {'object'}


def test_image_without_its_entry_is_made_again(tmp_path: Path, photographs: Path) -> None:
    generate(task(tmp_path, photographs, 2))
    (tmp_path / 'entries' / '000001.json').unlink()
    assert generate(task(tmp_path, photographs, 2)) == 1
    assert [entry['key'] for entry in json.loads((tmp_path / 'index.json').read_text())] == [
        '000000', '000001']


def test_depth_is_kept_in_millimetres_and_what_is_too_far_is_none() -> None:
    metres = np.array([[0.25, 65.535, 65.6]], np.float32)
    assert depth_image(metres).tolist() == [[250, 65535, 0]]


def test_sources_and_contact_sheet_are_written(tmp_path: Path, photographs: Path) -> None:
    generate(task(tmp_path, photographs, 1))
    content = json.loads((tmp_path / 'sources.json').read_text())
    assert [source['name'] for source in content['sources']] == [photographs.name]
    assert (tmp_path / 'contact_sheet.png').stat().st_size > 1000


@pytest.mark.parametrize(('field', 'value'), [('kind', 'drawn'), ('count', 0), ('jobs', 0),
                                              ('views', 0), ('views', 3)])
def test_impossible_task_is_refused_by_name(tmp_path: Path, field: str, value: object) -> None:
    given = {'kind': 'composed', 'root': tmp_path, 'count': 1, 'size': SIZE, field: value}
    with pytest.raises(ValueError, match=f'{field} must .* got {value!r}'):
        generate(GenerationTask(**given))


def test_a_layout_that_is_not_known_is_refused_with_those_that_are(tmp_path: Path) -> None:
    given = {'root': tmp_path, 'count': 1, 'size': SIZE, 'only': ('tosed',)}
    with pytest.raises(ValueError, match='only must be of tabletop, .*, boards, got tosed'):
        generate(GenerationTask('rendered', **given))
    with pytest.raises(ValueError, match='only must be empty unless scenes are rendered'):
        generate(GenerationTask('composed', **given))


def test_command_line_reports_bad_input_in_one_line(
        tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    args = parser.parse_args(['composed', str(tmp_path), '--count', '1', '--views', '3'])
    assert cli.run(args) == 2
    assert capsys.readouterr().err == (
        'metricseg generate: views must be 1 unless scenes are rendered, got 3\n')
