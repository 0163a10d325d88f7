# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is kept apart, what is odd, which score is chosen, and a teaching from labels to model."""

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path
import subprocess
import sys
import time

from datasets.formats.test_folder_dataset import write_index
from metricseg_ros.cli.main import main
from metricseg_ros.config import GroupingConfig, IGNORE_LABEL
from metricseg_ros.config.segmenter import USUAL_MINIMUM_SCORE
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.datasets.open_dataset import open_dataset
from metricseg_ros.export.onnx import write_weights
from metricseg_ros.labelling.teaching.comparison import verdict
from metricseg_ros.labelling.teaching.completing import completed, with_labels
from metricseg_ros.labelling.teaching.held_out import above, judge, Judgement, split
from metricseg_ros.labelling.teaching.oddities import oddities
from metricseg_ros.labelling.teaching.pictures import numbered_as
from metricseg_ros.labelling.teaching.teach import make_lesson, opened
from metricseg_ros.models import load_description, ModelDescription, ModelError
from metricseg_ros.network import MetricSegmentationNetwork
from metricseg_ros.network.checkpoint import read_weights
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import Instances
from model_fixtures import edit_description, INPUT_SIZE, SMALL_NETWORK
import numpy as np
import pytest
import torch
from training_fixtures import TWO_STEPS, write_scenes, write_wall

SIZE = (40, 60)


def sample(*boxes: tuple[int, int, int, int], labels: tuple[int, ...] = (),
           classes: tuple[int, ...] = ()) -> LabelledImage:
    label_map = np.zeros(SIZE, np.uint16)
    for number, (top, left, bottom, right) in enumerate(boxes):
        label_map[top:bottom, left:right] = labels[number] if labels else number + 1
    count = int(label_map.max())
    ids = np.array([0, *(classes or (1,) * count)], np.uint16)
    return LabelledImage(np.zeros((*SIZE, 3), np.uint8), label_map, ids, name='desk')


def test_every_fifth_image_is_kept_apart() -> None:
    learnt, apart = split(12, [None] * 12)
    assert apart == [0, 5, 10]
    assert sorted(learnt + apart) == list(range(12))


def test_of_a_recording_the_last_fifth_is_kept_apart_whatever_the_order() -> None:
    times = [30, 10, 20, 90, 50, 40, 70, 60, 80, 100]
    learnt, apart = split(10, [('drive', time) for time in times])
    assert {times[index] for index in apart} == {90, 100}
    assert len(learnt) == 8


def test_oddities_are_named_and_what_is_right_is_not() -> None:
    assert oddities([sample((0, 0, 20, 20), (0, 30, 20, 50))] * 2, ['object']) == []
    speck = sample((0, 0, 20, 20), (30, 30, 31, 31))
    apart = sample((0, 0, 8, 8), (30, 50, 38, 58), labels=(1, 1))
    told = oddities([speck, apart, sample()], ['object'])
    assert [('specks' in line, 'two objects of one id' in line, 'no object' in line)
            for line in told] == [(False, False, True), (True, False, False), (False, True, False)]


def test_a_class_of_few_examples_is_odd() -> None:
    told = oddities([sample((0, 0, 20, 20), classes=(2,))], ['cup', 'book', 'pen'])
    assert [line.split(':')[0] for line in told] == [
        "class 'cup' has no example", "class 'book' has one example",
        "class 'pen' has no example"]


class Finder:
    """Finds the same masks in every image, the wrong ones with lower scores."""

    def __init__(self, scores: list[float]) -> None:
        self.grouping, self.scores = GroupingConfig(), scores

    @property
    def own_grouping(self) -> GroupingConfig:
        return self.grouping.resolved()

    def segment(self, image: np.ndarray, depth: None = None) -> Instances:
        boxes = np.array([[0, 0, 20, 20], [30, 0, 50, 20], [0, 24, 20, 36]], np.int32)
        return Instances(SIZE, np.arange(1, 4, dtype=np.uint16), np.ones(3, np.uint16),
                         np.array(self.scores, np.float32), boxes,
                         tuple(np.ones((b - t, r - x), bool) for x, t, r, b in boxes),
                         np.zeros((3, 2), np.int32), np.ones(3, np.float32))


TRUTH = sample((0, 0, 20, 20), (0, 30, 20, 50))


def test_the_score_that_parts_right_from_wrong_is_chosen() -> None:
    judgement = judge(Finder([0.4, 0.35, 0.22]), [TRUTH])
    assert judgement.figure == 1.0
    assert 0.22 < judgement.minimum_score <= 0.35


def test_of_scores_that_are_all_as_good_the_nearest_to_the_default_is_chosen() -> None:
    assert judge(Finder([0.9, 0.8, 0.05]), [TRUTH]).minimum_score == 0.5


def test_where_not_everything_is_labelled_the_score_stays() -> None:
    partial = replace(TRUTH, background_known=False)
    assert judge(Finder([0.9, 0.8, 0.05]), [partial]).minimum_score == 0.5


def test_of_models_that_find_what_is_labelled_the_one_of_better_masks_is_better() -> None:
    exact, loose = (replace(sample(box), background_known=False)
                    for box in ((0, 0, 20, 20), (0, 0, 20, 16)))
    # A mask of 400 pixels, on an object of 400 and on one of 320.
    assert [judge(Finder([0.9] * 3), [own]).figure for own in (exact, loose)] == [1.0, 0.9]


def test_what_a_higher_score_leaves_is_part_of_what_a_lower_one_finds() -> None:
    found = Finder([0.9, 0.4, 0.2]).segment(np.zeros((*SIZE, 3), np.uint8))
    assert set(np.unique(above(found, 0.3))) == {0, 1, 2}


@pytest.mark.parametrize(('left', 'ids'), [(30, [7, 3, 8]), (21, [7, 3, 8]), (20, [7, 8, 9])])
def test_what_was_found_has_the_colour_of_the_object_of_which_it_is_more_than_half(
        left: int, ids: list[int]) -> None:
    truth = sample((0, 0, 20, 20), (0, left, 20, 60), labels=(7, 3), classes=(1,) * 7).label_map
    # Of columns 0 to 20, 30 to 50, and on the ground.
    found = Finder([0.9, 0.8, 0.7]).segment(np.zeros((*SIZE, 3), np.uint8))
    assert numbered_as(found, truth).ids.tolist() == ids
    assert numbered_as(found, np.zeros_like(truth)).ids.tolist() == [1, 2, 3]
    assert len(numbered_as(found[:0], truth)) == 0


def test_of_partial_labels_what_the_model_finds_beside_them_is_ignored() -> None:
    partial = replace(sample((0, 0, 20, 22)), background_known=False, name='partial')
    whole = replace(partial, background_known=True, name='whole')
    finder = Finder([0.9, 0.8, 0.3])
    maps = completed([partial, whole], finder)
    assert list(maps) == ['partial']
    assert finder.grouping.minimum_score == 0.25  # Doubtful things, too.
    known = with_labels(partial, maps['partial'])
    assert known.background_known
    expected = np.zeros(SIZE, np.uint16)
    expected[:20, 30:50] = expected[24:36, :20] = IGNORE_LABEL
    expected[:20, :22] = 1  # The first that it finds stands for this one, and takes nothing away.
    np.testing.assert_array_equal(known.label_map, expected)


@pytest.mark.parametrize(('change', 'interval', 'said'), [
    (0.1, [0.02, 0.2], 'better on the 4'), (-0.1, [-0.2, -0.02], 'WORSE'),
    (0.1, [-0.1, 0.2], 'better on the 4 images kept apart, but these are too few'),
    (-0.1, [-0.2, 0.1], 'not better'), (0.0, [0.0, 0.0], 'and so it stays')])
def test_the_verdict_follows_from_the_interval(change: float, interval: list[float],
                                               said: str) -> None:
    rows = [{'figure': figure, 'change': change, 'interval': interval}
            for figure in ('found', 'overlap_f')]
    assert said in verdict({'rows': rows, 'images': dict.fromkeys('abcd')})


def test_the_score_of_a_model_holds_unless_another_is_chosen(own_model: Path) -> None:
    edit_description(own_model, lambda content: content.update(grouping={'minimum_score': 0.3}))
    description = load_description(own_model)
    segmenter = InstanceSegmenter(description, backend=None)
    assert segmenter.own_grouping.minimum_score == 0.3
    for chosen in (0.7, USUAL_MINIMUM_SCORE):
        segmenter.grouping = GroupingConfig(minimum_score=chosen)
        assert segmenter.own_grouping.minimum_score == chosen


def test_a_model_for_which_no_score_was_chosen_has_the_usual_one(own_model: Path) -> None:
    segmenter = InstanceSegmenter(load_description(own_model), backend=None)
    assert segmenter.own_grouping.minimum_score == USUAL_MINIMUM_SCORE


@pytest.mark.parametrize('score', [1.5, -1, 'high', None])
def test_a_score_that_is_none_is_refused(own_model: Path, score) -> None:
    edit_description(own_model, lambda content: content.update(grouping={'minimum_score': score}))
    with pytest.raises(ModelError, match=r'grouping.minimum_score must be in \[0, 1\]'):
        load_description(own_model)


SMALL = [*TWO_STEPS, '--workers', '0', '--device', 'cpu']


def test_from_labels_to_a_model_and_on_after_an_interruption(
        small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    from metricseg_ros.labelling.teaching import teach as module
    labels, output = write_scenes(tmp_path / 'labels', 4), tmp_path / 'model'
    words = ['teach', str(labels), '-o', str(output), '--model', str(small_model), *SMALL]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(module, 'finish', interrupted)
        assert main(words) == 130
    assert not (output / 'model.json').exists()
    looks = json.loads((output / 'teaching' / 'history.json').read_text())
    assert [look['step'] for look in looks] == [0, 2]
    # Other labels are not mixed in.
    assert main([*words, 'steps=3']) == 2
    assert 'holds a teaching with other training' in capsys.readouterr().err
    assert main([*words, '--json', str(tmp_path / 'report.json')]) == 0
    description = load_description(output)
    report = json.loads((tmp_path / 'report.json').read_text())
    assert description.minimum_score == report['minimum_score']
    assert description.checked_file('model.onnx').is_file()
    assert report['history'] == looks
    assert (report['learnt'], report['apart']) == (3, 1)
    page = (output / 'teaching' / 'index.html').read_text()
    assert 'overlap F' in page
    assert all((output / 'teaching' / 'pictures' / name).is_file() for name in report['pictures'])
    assert not (output / 'teaching' / 'checkpoint.pt').exists()
    assert main(words) == 2
    assert 'has been taught already' in capsys.readouterr().err


def named_model(folder: Path, trunk: str) -> ModelDescription:
    """Write a model with random weights that takes depth and names objects."""
    torch.manual_seed(0)
    config = replace(SMALL_NETWORK, name_backbone=trunk, class_count=3, depth=True)
    write_weights(MetricSegmentationNetwork(config), folder, ('object', 'cup', 'book'),
                  INPUT_SIZE, {})
    return load_description(folder)


def test_a_model_with_depth_and_names_learns_with_the_one_and_keeps_the_other(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    from metricseg_ros.labelling.teaching import teach as module
    figures = iter([0.5, 0.6])  # Not the start is the best.
    monkeypatch.setattr(module, 'judge', lambda *_: Judgement(next(figures), 0.5))
    start, output = named_model(tmp_path / 'start', 'shared'), tmp_path / 'model'
    labels = write_scenes(tmp_path / 'labels', 4)
    for index in range(3):
        write_wall(labels, f'scene{index}', (64, 96))
    assert main(['teach', str(labels), '-o', str(output), '--model', str(start.folder),
                 'depth_dropout=0', *SMALL]) == 0
    assert '1 images have no depth, which the model takes' in capsys.readouterr().err
    taught = load_description(output)
    assert (taught.classes, taught.network) == (start.classes, start.network)
    before, after = (read_weights(own.checked_file('weights.safetensors'))
                     for own in (start, taught))
    assert {name.split('.')[0] for name in before if not torch.equal(before[name], after[name])
            } >= {'backbone', 'decoder', 'depth', 'embedding_head', 'class_head'}
    segmenter, sample = opened(output), open_dataset(str(labels))[0]
    plain, deep = (segmenter.embed(sample.image, depth).output.embeddings
                   for depth in (None, sample.depth))
    assert not torch.equal(plain, deep)


def test_a_trunk_of_names_stays_as_it_is_where_labels_have_none(tmp_path: Path) -> None:
    start = named_model(tmp_path / 'start', 'resnet18')
    dataset = open_dataset(str(write_scenes(tmp_path / 'labels', 4)))
    lesson = make_lesson(dataset, range(4), [None] * 4, str(start.folder))
    assert lesson.config.network.name_backbone == ''  # It costs no time.
    trained = MetricSegmentationNetwork(lesson.config.network).state_dict()
    taught = lesson.taught(trained)
    assert (taught.config, lesson.classes) == (start.network, start.classes)
    names = read_weights(start.checked_file('weights.safetensors'))
    for name, tensor in taught.state_dict().items():
        assert torch.equal(tensor, names[name] if name.startswith('names.') else trained[name])


def test_labels_with_names_replace_those_of_the_model(tmp_path: Path) -> None:
    start = named_model(tmp_path / 'start', 'shared')
    root = write_scenes(tmp_path / 'labels', 4)
    write_index(root, **{f'scene{index}': ['bolt', 'nut'] for index in range(4)})
    lesson = make_lesson(open_dataset(str(root)), range(4), [None] * 4, str(start.folder))
    assert lesson.classes == ('bolt', 'nut')
    assert lesson.config.network == replace(start.network, class_count=2)
    assert lesson.source().draw(np.random.default_rng(0)).class_ids.tolist() == [0, 1, 2]


def test_teaching_ends_when_looks_bring_no_gain(small_model: Path, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    from metricseg_ros.labelling.teaching import teach as module
    figures = iter([0.5, 0.6, 0.6, 0.601, 0.6])  # Of the start, and after 2, 4, 6 and 8 steps.
    monkeypatch.setattr(module, 'judge', lambda *_: Judgement(next(figures), 0.5))

    class DoneError(Exception):
        pass

    def finish(lesson: object, output: Path, progress: module.Progress, *_: object) -> None:
        raise DoneError(progress)
    monkeypatch.setattr(module, 'finish', finish)
    dataset = open_dataset(str(write_scenes(tmp_path / 'labels', 4)))
    lesson = make_lesson(dataset, range(4), [None] * 4, str(small_model),
                         [*TWO_STEPS, 'steps=100'])
    with pytest.raises(DoneError) as ended:
        module.teach(lesson, tmp_path / 'model', 0, 'cpu', print)
    (progress,) = ended.value.args
    assert [look['step'] for look in progress.looks] == [0, 2, 4, 6, 8]
    assert progress.best['step'] == 6


def test_the_same_command_goes_on_after_a_kill(
        small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, output = write_scenes(tmp_path / 'labels', 4), tmp_path / 'model'
    words = ['teach', str(labels), '-o', str(output), '--model', str(small_model), *SMALL,
             'steps=6']
    process = subprocess.Popen([sys.executable, '-m', 'metricseg_ros.cli.main', *words],
                               stderr=subprocess.DEVNULL)
    history = output / 'teaching' / 'history.json'
    while not history.is_file() or len(json.loads(history.read_text())) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = json.loads(history.read_text())
    assert not (output / 'model.json').exists()
    assert main(words) == 0
    assert f'of {output / "teaching" / "checkpoint.pt"}' in capsys.readouterr().err
    looks = json.loads((output / 'teaching' / 'comparison.json').read_text())['history']
    assert [look['step'] for look in looks] == [0, 2, 4, 6]
    assert looks[:len(before)] == before
    assert load_description(output).checked_file('model.onnx').is_file()


def test_too_few_images_are_refused(small_model: Path, tmp_path: Path,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    labels = write_scenes(tmp_path / 'labels', 2)
    assert main(['teach', str(labels), '-o', str(tmp_path / 'model'), '--model', str(small_model),
                 *SMALL]) == 2
    assert 'teaching needs 3 labelled images' in capsys.readouterr().err
