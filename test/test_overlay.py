# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Overlays: colours that tell instances apart, films and outlines in place, readable labels."""

from __future__ import annotations

import time

from metricseg_ros.config import OverlayConfig
from metricseg_ros.overlay import draw_overlay, instance_color
from metricseg_ros.overlay.labels import lay_out
from metricseg_ros.overlay.palette import oklab, palette
from metricseg_ros.overlay.placement import place
from metricseg_ros.overlay.text import text_mask
from metricseg_ros.structures import Instances
import numpy as np
import pytest

FILM_ALONE = OverlayConfig(contours=False, labels=False)


def instances_of(image_size: tuple[int, int], boxes: list[tuple[int, int, int, int]],
                 holes: bool = False) -> Instances:
    """Make instances that fill their boxes (xyxy), but for a hole in the middle if asked."""
    count = len(boxes)
    crops = [np.ones((bottom - top, right - left), bool) for left, top, right, bottom in boxes]
    for crop in crops if holes else ():
        height, width = crop.shape
        crop[height // 3:height // 2, width // 3:width // 2] = False
    return Instances(
        image_size, np.arange(1, count + 1, dtype=np.uint16), np.ones(count, np.uint16),
        np.linspace(0.99, 0.5, count, dtype=np.float32),
        np.array(boxes, np.int32).reshape(-1, 4), tuple(crops), np.zeros((count, 2), np.int32),
        np.full(count, 0.5, np.float32))


def random_boxes(count: int, image_size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    generator = np.random.default_rng(0)
    tops = generator.integers(0, image_size[0] - 130, count)
    lefts = generator.integers(0, image_size[1] - 220, count)
    return [(left, top, left + 220, top + 130) for left, top in zip(lefts, tops)]


def overlap(first: np.ndarray, second: np.ndarray) -> int:
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return int(sides.clip(0).prod())


def test_color_of_an_id_never_changes() -> None:
    assert instance_color(1) == (0, 150, 255)
    assert [instance_color(i) for i in range(1, 300)] == [instance_color(i)
                                                          for i in range(1, 300)]
    assert instance_color(np.uint16(65535)) == instance_color((65535 - 1) % 256 + 1)


def test_first_twenty_colors_are_well_separated() -> None:
    positions = oklab(palette()[:20])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    # About 0.02 is a just noticeable difference in OKLab.
    assert distances[np.triu_indices(20, 1)].min() > 0.1


def test_oklab_of_white_and_black() -> None:
    np.testing.assert_allclose(oklab(np.array([[255, 255, 255], [0, 0, 0]])),
                               [[1, 0, 0], [0, 0, 0]], atol=1e-6)


def test_film_mixes_color_and_image_by_opacity() -> None:
    image = np.full((40, 60, 3), 100, np.uint8)
    instances = instances_of((40, 60), [(10, 5, 30, 25)])
    drawn = draw_overlay(image, instances, ['object'],
                         OverlayConfig(opacity=0.25, contours=False, labels=False))
    expected = 0.75 * 100 + 0.25 * np.array(instance_color(1))
    assert np.abs(drawn[15, 20] - expected).max() <= 1


def test_film_covers_exactly_the_mask() -> None:
    image = np.full((60, 80, 3), 90, np.uint8)
    instances = instances_of((60, 80), [(10, 5, 50, 45)], holes=True)
    drawn = draw_overlay(image, instances, ['object'], FILM_ALONE)
    np.testing.assert_array_equal((drawn != image).any(axis=-1), instances.mask(0))


def test_the_image_given_is_not_changed() -> None:
    image = np.full((60, 80, 3), 90, np.uint8)
    image.flags.writeable = False
    draw_overlay(image, instances_of((60, 80), [(10, 5, 50, 45)]), ['object'])
    assert (image == 90).all()


def test_without_instances_the_image_comes_back() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(draw_overlay(image, instances_of((30, 40), []), []), image)


def test_contour_of_a_small_mask_is_not_hidden_by_the_large_one_around_it() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    instances = instances_of((200, 200), [(0, 0, 200, 200), (60, 60, 140, 140)])
    drawn = draw_overlay(image, instances, ['object'], OverlayConfig(opacity=0, labels=False))
    np.testing.assert_allclose(drawn[60, 100], instance_color(2), atol=30)
    np.testing.assert_allclose(drawn[0, 100], instance_color(1), atol=30)


@pytest.mark.parametrize('size', [(1, 1), (1, 300), (7, 5), (12, 12), (2160, 3840)])
def test_every_image_size_can_be_drawn(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    instances = instances_of(size, [(0, 0, size[1], size[0])])
    assert draw_overlay(image, instances, ['object']).shape == image.shape


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r'image must be \(20, 30, 3\).*got \(30, 20, 3\)'):
        draw_overlay(np.zeros((30, 20, 3), np.uint8), instances_of((20, 30), []), [])


def test_labels_stay_in_the_image() -> None:
    edges = [(0, 0, 30, 20), (610, 0, 640, 20), (0, 460, 30, 480), (610, 460, 640, 480)]
    labels = lay_out(instances_of((480, 640), edges), ['a long class name'])
    assert len(labels) == 4
    for label in labels:
        assert (label.box[:2] >= 0).all() and label.box[2] <= 640 and label.box[3] <= 480


def test_labels_do_not_cover_each_other() -> None:
    labels = lay_out(instances_of((720, 1280), [(500, 300, 520, 320)] * 25), ['object'])
    assert len(labels) == 25
    for index, label in enumerate(labels):
        assert not any(overlap(label.box, other.box) for other in labels[:index])


def test_a_label_stands_on_a_large_mask_and_beside_a_small_one() -> None:
    large, small = lay_out(instances_of((480, 640), [(20, 20, 400, 400), (500, 200, 510, 210)]),
                           ['object'])
    assert overlap(large.box, np.array([20, 20, 400, 400])) == large.ink.size
    assert overlap(small.box, np.array([500, 200, 510, 210])) == 0
    assert large.adjoins and small.adjoins


def test_labels_fall_back_to_the_id_where_room_is_short() -> None:
    boxes = [(0, 0, 100, 60)] * 12
    widths = [label.ink.shape[1] for label in lay_out(instances_of((60, 100), boxes), ['object'])]
    assert min(widths) < max(widths) / 2


def test_where_everything_is_taken_the_least_covering_place_is_found() -> None:
    taken = np.array([[0, 0, 100, 20], [0, 20, 60, 40]])
    box, free = place((20, 50), np.array([[0, 0]]), taken, (40, 100))
    # At the lower right only 10 of its 50 columns are covered.
    assert box.tolist() == [50, 20, 100, 40]
    assert not free


def test_labels_scale_with_the_image() -> None:
    heights = [lay_out(instances_of(size, [(0, 0, 40, 40)]), ['object'])[0].ink.shape[0]
               for size in ((360, 640), (1080, 1920))]
    assert 2 < heights[1] / heights[0] < 3.5


def test_text_is_drawn_inside_its_line() -> None:
    mask = text_mask('1 Object gjpq 0.93', 20)
    assert mask.shape[0] == 20 and mask.min() >= 0 and mask.max() <= 1
    assert mask.sum() > 100
    assert mask[0].sum() == mask[-1].sum() == 0


def test_letters_with_marks_are_written_without() -> None:
    np.testing.assert_array_equal(text_mask('caf\u00e9', 16), text_mask('cafe', 16))
    np.testing.assert_array_equal(text_mask('\u8336', 16), text_mask('?', 16))


def test_twenty_instances_at_720p_take_less_than_a_frame() -> None:
    image = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    instances = instances_of((720, 1280), random_boxes(20, (720, 1280)), holes=True)
    times = []
    for _ in range(20):
        start = time.process_time()
        draw_overlay(image, instances, ['object'])
        times.append(time.process_time() - start)
    # Of the processor, however busy it is: about 10 ms.
    assert min(times) < 0.03
