# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes: exact labels and depth, settled things, the same scene from the same seed."""

from __future__ import annotations

from collections import Counter
import json
import os
from pathlib import Path

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.household import HOUSEHOLD_CLASSES
from metricseg_ros.synthesis.generate import generate, GenerationTask
from metricseg_ros.synthesis.rendered import things
from metricseg_ros.synthesis.rendered.layout import Layout, Placed
from metricseg_ros.synthesis.rendered.plan import KINDS, plan
from metricseg_ros.synthesis.rendered.tossed import ARRANGEMENTS, BOARDS, tossed
import numpy as np
import pytest

os.environ.setdefault('MUJOCO_GL', 'osmesa')
mujoco = pytest.importorskip('mujoco')
world = pytest.importorskip('metricseg_ros.synthesis.rendered.world')

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


@pytest.fixture(scope='module')
def renderer():  # noqa: ANN201 - the type cannot be named without a display library
    rendering = pytest.importorskip('metricseg_ros.synthesis.rendered.rendering')
    try:
        return rendering.SceneRenderer((120, 160))
    except (AttributeError, ImportError, RuntimeError) as error:
        pytest.skip(f'no software OpenGL here: {error}')


def settled(items: list[Placed]) -> tuple[np.ndarray, np.ndarray]:
    scene = world.new_world()
    bodies = [world.add_thing(scene, item) for item in items]
    scene.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[1, 1, 0.05],
                                  pos=[0, 0, -0.05])
    model = scene.spec.compile()
    data = world.settle(model, Layout('pile', 0.2, tuple(items), 0.3, False))
    return data.xpos[bodies], data.qvel


def test_flat_thing_lies_on_the_table_neither_sunk_nor_floating() -> None:
    solid = things.packet(np.random.default_rng(0), [])
    place, speed = settled([Placed(solid, 0.1, np.array([0, 0, 0.05]), UPRIGHT)])
    half_height = solid.extent[2] * 0.1 / solid.extent.max() / 2
    assert abs(place[0, 2] - half_height) < 1e-3
    assert np.abs(speed).max() < 0.02


def test_stacked_boxes_stay_stacked() -> None:
    solid = things.rounded_box(np.random.default_rng(3), [])
    height = solid.extent[2] * 0.1 / solid.extent.max()
    items = [Placed(solid, 0.1, np.array([0, 0, z * 1.05 * height]), UPRIGHT) for z in (0.5, 1.5)]
    place, _ = settled(items)
    assert abs(place[1, 2] - place[0, 2] - height) < 0.1 * height


def test_small_thing_lies_in_the_plate_below_its_rim() -> None:
    rng = np.random.default_rng(1)
    plate, crumb = things.plate(rng, []), things.packet(rng, [])
    place, _ = settled([Placed(plate, 0.3, np.array([0, 0, 0.03]), UPRIGHT),
                        Placed(crumb, 0.04, np.array([0, 0, 0.1]), UPRIGHT)])
    assert 0 < place[1, 2] < 0.3 * plate.extent[2]


@pytest.mark.parametrize('family', [f for _, f in things.FAMILIES] + [things.plate])
def test_every_family_is_centred_and_finite(family) -> None:  # noqa: ANN001
    for seed in range(5):
        solid = family(np.random.default_rng(seed), [])
        for surface in solid.surfaces:
            assert np.isfinite(surface.vertices).all() and len(surface.faces)
            assert np.allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-4)
            assert surface.faces.max() < len(surface.vertices)


@pytest.mark.parametrize('arrangement', ARRANGEMENTS)
def test_every_arrangement_of_tossed_things_is_laid_out(
        arrangement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ARRANGEMENTS[arrangement] > 0
    monkeypatch.setattr('metricseg_ros.synthesis.rendered.tossed.ARRANGEMENTS',
                        {arrangement: 1.0})
    layout = tossed(np.random.default_rng(0), [], [])
    assert layout.arrangement == arrangement
    assert bool(layout.placed) == (arrangement != 'empty')


def test_scenes_are_planned_by_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {lambda *_, name=maker.__name__: name: share
              for maker, share in KINDS.items()}
    monkeypatch.setattr('metricseg_ros.synthesis.rendered.plan.KINDS', shares)
    rng = np.random.default_rng(0)
    planned = Counter(plan(rng, [], []) for _ in range(4000))
    expected = {make(): pytest.approx(share, abs=0.03) for make, share in shares.items()}
    assert {name: count / 4000 for name, count in planned.items()} == expected


def test_only_what_is_asked_for_is_planned() -> None:
    rng = np.random.default_rng(0)
    layouts = [plan(rng, [], [], ('boards', 'heap')) for _ in range(60)]
    assert {layout.arrangement for layout in layouts} == {'heap', *BOARDS}
    names = Counter(item.solid.name for layout in layouts if layout.arrangement == 'single'
                    for item in layout.placed)
    assert names['circuit board'] > names['blister pack'] > 0


def test_rendered_labels_are_contiguous_and_reproducible(renderer) -> None:  # noqa: ANN001
    counts = []
    for seed in range(8):
        scene = renderer.render(np.random.default_rng(seed))[0]
        image, labels = scene.image, scene.label_map
        assert image.shape == (120, 160, 3) and labels.dtype == np.uint16
        values = np.unique(labels[(labels != IGNORE_LABEL) & (labels != 0)])
        assert values.tolist() == list(range(1, len(values) + 1))
        assert len(scene.names) == len(values) and set(scene.names) <= set(HOUSEHOLD_CLASSES)
        counts.append(len(values))
    assert max(counts) >= 3
    again = renderer.render(np.random.default_rng(7))[0]
    assert np.array_equal(again.label_map, labels) and np.array_equal(again.image, image)
    assert np.array_equal(again.depth, scene.depth)


def test_a_view_from_within_a_thing_is_not_taken(
        renderer, monkeypatch) -> None:  # noqa: ANN001
    from metricseg_ros.synthesis.rendered import rendering
    seen, doubts = [], iter(['too near', '', 'too near', 'too near', ''])
    monkeypatch.setattr(rendering, 'implausible_depth',
                        lambda depth: seen.append(depth) or next(doubts))
    first = renderer.render(np.random.default_rng(3))[0]
    assert len(seen) == 2 and first.depth is seen[1]
    assert renderer.render(np.random.default_rng(3))[0].depth is seen[4]


def test_depth_and_focal_length_give_back_the_size_of_a_ball(
        renderer, monkeypatch) -> None:  # noqa: ANN001
    from metricseg_ros.synthesis.rendered import rendering
    ball = things.ball(np.random.default_rng(0), [])
    item = Placed(ball, 0.12, np.array([0, 0, 0.1]), UPRIGHT)
    monkeypatch.setattr(rendering, 'plan',
                        lambda *_: Layout('single', 0.3, (item,), 0.2, False))
    for seed in range(3):
        scene = renderer.render(np.random.default_rng(seed))[0]
        inside = scene.label_map == 1
        # The nearest point lies a radius before the middle, whose depth scales the outline.
        centre = scene.depth[inside].min() + 0.06
        diameter = 2 * np.sqrt(inside.sum() / np.pi) * centre / scene.focal_length
        assert diameter == pytest.approx(0.12, rel=0.06)


def test_things_on_a_shelf_stand_before_its_back() -> None:
    layout = next(made for made in (tossed(np.random.default_rng(i), [], []) for i in range(200))
                  if made.arrangement == 'shelf')
    assert {abs(item.quaternion[1]) + abs(item.quaternion[2]) for item in layout.placed} == {0.0}
    assert all(item.position[2] > 0 for item in layout.placed)


def test_labels_lie_where_the_colour_is(renderer, monkeypatch) -> None:  # noqa: ANN001
    # A bright ball on a dark table: thresholding the image must give the label map back.
    from dataclasses import replace

    from metricseg_ros.synthesis.rendered import rendering, room
    ball = things.ball(np.random.default_rng(0), [])
    white = replace(ball.surfaces[0], texture=None, colour=(1.0, 0.05, 0.05, 1.0), gloss=0.0)
    item = Placed(replace(ball, surfaces=(white,)), 0.12, np.array([0, 0, 0.1]), UPRIGHT)
    monkeypatch.setattr(rendering, 'plan',
                        lambda *_: Layout('single', 0.3, (item,), 0.2, False))
    monkeypatch.setattr(room.textures, 'cover',
                        lambda rng, size, photos: np.full((*size, 3), 60, np.uint8))
    scene = renderer.render(np.random.default_rng(2))[0]
    image, labels = scene.image, scene.label_map
    red = image[..., 0].astype(int) - image[..., 1] > 40
    union = (red | (labels == 1)).sum()
    assert (red & (labels == 1)).sum() / union > 0.9


def labelled_ball(renderer, monkeypatch, container: str, elevation: float):  # noqa: ANN001, ANN202
    from metricseg_ros.synthesis.rendered import rendering
    item = Placed(things.ball(np.random.default_rng(0), []), 0.06, np.array([0, 0, 0.04]), UPRIGHT)
    layout = Layout('groceries', 0.0, (item,), 0.15, False, container, elevation, 0.3)
    monkeypatch.setattr(rendering, 'plan', lambda *_: layout)
    monkeypatch.setattr(rendering, 'AIMS', 1)  # not until something is seen
    return [renderer.render(np.random.default_rng(seed))[0].label_map for seed in range(4)]


@pytest.mark.parametrize('container', ['crate', 'carton', 'tray', 'clear'])
def test_container_and_table_are_background(
        renderer, monkeypatch, container: str) -> None:  # noqa: ANN001
    for labels in labelled_ball(renderer, monkeypatch, container, 85.0):
        assert np.unique(labels).tolist() == [0, 1]
        rows, cols = np.nonzero(labels)
        # A ball seen from above is round: nothing of its container is labelled with it.
        assert np.ptp(rows) == pytest.approx(np.ptp(cols), rel=0.35, abs=2)


def test_what_stands_behind_clear_plastic_is_labelled_and_behind_a_crate_is_not(
        renderer, monkeypatch) -> None:  # noqa: ANN001
    seen = {container: sum((labels == 1).sum() for labels in labelled_ball(
        renderer, monkeypatch, container, 8.0)) for container in ('clear', 'crate')}
    assert seen['clear'] > 100 and seen['crate'] == 0


def test_views_of_a_scene_differ_and_the_first_is_what_it_is_alone(
        renderer) -> None:  # noqa: ANN001
    alone, = renderer.render(np.random.default_rng(3))
    first, second = renderer.render(np.random.default_rng(3), 2)
    assert np.array_equal(first.image, alone.image) and np.array_equal(first.depth, alone.depth)
    assert not np.array_equal(second.depth, first.depth)


def test_image_that_is_lost_is_rendered_again_as_it_was(
        renderer, tmp_path: Path) -> None:  # noqa: ANN001
    task = GenerationTask('rendered', tmp_path, 3, (48, 64), packages=False, views=2)
    assert generate(task) == 3
    lost = tmp_path / 'labels' / '000001.png'
    before = lost.read_bytes()
    lost.unlink()
    assert generate(task) == 1 and lost.read_bytes() == before
    assert sorted(json.loads((tmp_path / 'camera.json').read_text())) == [
        '000000', '000001', '000002']


def test_no_wall_stands_between_the_camera_and_the_table(renderer) -> None:  # noqa: ANN001
    for seed in range(12):
        for scene in renderer.render(np.random.default_rng([5, seed]), 2):
            assert scene.arrangement == 'empty' or scene.label_map.any()


def test_stacks_of_cartons_stand_after_they_have_settled() -> None:
    from metricseg_ros.synthesis.rendered import goods, groups
    upon = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        stack = groups.stack(rng, lambda rng=rng: goods.carton(rng, []))
        place, _ = settled(stack)
        thinnest = np.array([item.solid.extent.min() for item in stack])
        upon += int((place[1:, 2] > 0.9 * (thinnest[:-1] + thinnest[1:] / 2)).any())
    assert upon >= 4  # one or the other falls
