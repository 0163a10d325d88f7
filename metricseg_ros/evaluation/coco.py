# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""COCO's average precision of masks, computed by pycocotools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
import io
from typing import Any

from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.labelled_image import LabelledImage
from metricseg_ros.evaluation.matches import UNKNOWN_CLASS
from metricseg_ros.structures import Instances
import numpy as np

FIGURES = {'coco_ap': 0, 'coco_ap50': 1, 'coco_ap75': 2, 'coco_ap_small': 3, 'coco_ap_medium': 4,
           'coco_ap_large': 5, 'coco_ar100': 8}
"""Our names -> places in pycocotools' summary."""

CodedMask = tuple[int, dict[str, Any]]
"""Class id of the data set, and run-length code."""


@dataclass(frozen=True)
class EncodedImage:
    """
    The masks of one image, as pycocotools takes them.

    :param ignored: what is ignored, or None; a mask inside it counts for nothing.
    """

    size: tuple[int, int]
    true: tuple[CodedMask, ...]
    predicted: tuple[CodedMask, ...]
    scores: tuple[float, ...]
    ignored: dict[str, Any] | None


def encode_image(instances: Instances, sample: LabelledImage, classes: np.ndarray) -> EncodedImage:
    """
    Code the masks of an image.

    :param classes: (C+1,), from :func:`common_classes`.
    """
    labels = [int(label) for label in np.unique(sample.label_map)]
    true = [(int(sample.class_ids[label]), _code(sample.label_map == label))
            for label in labels if label not in (0, IGNORE_LABEL)]
    predicted = [(int(classes[class_id]), _code(instances.mask(index)))
                 for index, class_id in enumerate(instances.class_ids)]
    ignored = _code(sample.label_map == IGNORE_LABEL) if IGNORE_LABEL in labels else None
    return EncodedImage(instances.image_size, tuple(true), tuple(predicted),
                        tuple(instances.scores.tolist()), ignored)


def _code(mask: np.ndarray) -> dict[str, Any]:
    from pycocotools import mask as coder
    return coder.encode(np.asfortranarray(mask.view(np.uint8)))


def coco_figures(images: Sequence[EncodedImage],
                 classes: Sequence[int] | None) -> dict[str, float]:
    """
    Compute the mask AP over a data set.

    :param classes: the class ids to average over, or None to take every mask for one class.
    :return: figure -> value in [0,1]; NaN where nothing of that kind is true.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = _truth(images, classes)
        truth.createIndex()
        found = list(_predictions(images, classes))
        is_true = any(not row['iscrowd'] for row in truth.dataset['annotations'])
        if not found or not is_true:  # Then there is no curve.
            return dict.fromkeys(FIGURES, np.nan if found or not is_true else 0.0)
        evaluation = COCOeval(truth, truth.loadRes(found), 'segm')
        for step in (evaluation.evaluate, evaluation.accumulate, evaluation.summarize):
            step()
    return {name: float(evaluation.stats[place]) if evaluation.stats[place] >= 0 else np.nan
            for name, place in FIGURES.items()}


def _truth(images: Sequence[EncodedImage], classes: Sequence[int] | None) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        own = [(_class(class_id, classes), code, 0) for class_id, code in image.true]
        if image.ignored:
            # Of every class that may be found there, since it is not known which are hidden.
            found = {_class(class_id, classes) for class_id, _ in image.predicted}
            own += [(class_id, image.ignored, 1) for class_id in sorted(found)]
        rows += [{'id': len(rows) + index, 'image_id': number, 'category_id': class_id,
                  'segmentation': code, 'area': _area(code), 'iscrowd': crowd,
                  'bbox': [0, 0, 0, 0]}
                 for index, (class_id, code, crowd) in enumerate(own, start=1)
                 if class_id != UNKNOWN_CLASS]
    sizes = [{'id': number, 'height': image.size[0], 'width': image.size[1]}
             for number, image in enumerate(images, start=1)]
    names = [{'id': class_id, 'name': str(class_id)} for class_id in classes or (1,)]
    return {'info': {}, 'images': sizes, 'annotations': rows, 'categories': names}


def _predictions(images: Sequence[EncodedImage],
                 classes: Sequence[int] | None) -> Iterable[dict[str, Any]]:
    for number, image in enumerate(images, start=1):
        for (class_id, code), score in zip(image.predicted, image.scores, strict=True):
            if _class(class_id, classes) != UNKNOWN_CLASS:
                yield {'image_id': number, 'category_id': _class(class_id, classes),
                       'segmentation': code, 'score': score}


def _class(class_id: int, classes: Sequence[int] | None) -> int:
    if classes is None:
        return 1
    return class_id if class_id in classes else UNKNOWN_CLASS


def _area(code: dict[str, Any]) -> int:
    from pycocotools import mask as coder
    return int(coder.area(code))
