# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The modest set of classes of the household models, and which of them a name means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
import re

from metricseg_ros.datasets.labelled_image import LabelledDataset, LabelledImage
import numpy as np

OBJECT = 'object'
PHRASES: dict[str, str] = {
    # What looks like another class by name: the longest phrase found in a name decides.
    OBJECT: 'knife stand|cutting board|potted plant|glass jar|wine rack|toilet paper|toilet brush|'
            'dining table|book shelf|trophy cup|letters box|can opener|'
            'drum tomtom|penbox|table tennis bat|rodents mouse|birds chicken profile|post box',
    'bottle': 'bottle|flacon|spray bottle|soap dispenser|jar|old jar|medicine bottle',
    'cup': 'cup|mug|glass|wine glass|beer glass|cocktail glass|coffee cup|coffee mug|teacup',
    'bowl': 'bowl',
    'plate': 'plate|saucer|dish',
    'can': 'can|tin|soda can|soup can',
    'box': 'box|carton|packet|medicine box|gift|parcel',
    'book': 'book|magazine|notebook|newspaper',
    'cutlery': 'fork|knife|spoon|cutlery|chopsticks|kitchen knife',
    'tool': 'tool|tools|hammer|screwdriver|wrench|plyers|pliers|saw|mallet|scissors|drill|spade|'
            'tape measure|measuring tape|nutcracker|stapler|flashlight|brush|paintbrush|chisel',
    'ball': 'ball|sports ball|basketball|soccer|football|cricketball|tennis ball|soccer ball',
    'fruit': 'fruit|apple|orange|banana|lemon|mandarin|mandarine|pear|peach|plum|kiwi|mango|'
             'strawberry|raspberry|pineapple|grapes|apricot|cherry|avocado|pomegranate',
    'food': 'food|vegetables|vegetable|nuts|bread|cake|cup cake|hot dog|hamburger|pizza|donut|'
            'sandwich|broccoli|carrot|steak|chicken|roasted chicken|egg|sushi|cheese|butter|'
            'dessert|mushrooms|mince pie|birthday cake',
    'toy': 'toy|toys|teddy bear|doll|rubberduck|wood toy|toy train|car model|rubik s cube|puzzle|'
           'xylophone|biplane|dreydl|frisbee|kite',
    'pen': 'pen|pencil|text marker|marker|highlighter|crayon',
    'device': 'device|phone|cell phone|mobile phone|wireless phone|iphone|remote|'
              'remote control|keyboard|mouse|laptop|tablet|camera|reflex camera|radio|'
              'calculator|joystick|playstation|circuit board|tv|speaker|headphones|'
              'thermometer|sandwich maker|toaster|mp3 base|mp3 station|clock|watch|'
              'hair drier|camera 35mm|apple iphone|apple ibook|apple imac|ibook|imac|'
              'food processor'}
HOUSEHOLD_CLASSES = tuple(PHRASES)
"""Names of the classes; class id i is the (i-1)-th. What is none of the others is an object."""


@cache
def household_class(name: str) -> str:
    """
    Tell the household class of a thing.

    :return: one of HOUSEHOLD_CLASSES: that of the longest phrase found in the name, the last of
        those that are as long; `object` where there is none.
    """
    words = f' {" ".join(re.findall("[a-z0-9]+", name.lower()))} '
    found = [(len(phrase), words.rfind(f' {phrase} '), own) for phrase, own in _phrases()
             if f' {phrase} ' in words]
    return max(found)[2] if found else OBJECT


@cache
def _phrases() -> tuple[tuple[str, str], ...]:
    return tuple((phrase, own) for own, text in PHRASES.items() for phrase in text.split('|'))


@dataclass(frozen=True)
class HouseholdDataset:
    """A data set whose classes are the household classes."""

    dataset: LabelledDataset
    classes: tuple[str, ...] = HOUSEHOLD_CLASSES

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> LabelledImage:
        sample = self.dataset[index]
        return replace(sample, class_ids=household_ids(self.dataset.classes)[sample.class_ids])


def household_ids(names: tuple[str, ...]) -> np.ndarray:
    """Give the (N+1,) uint16 class id that each name means, after 0 for the background."""
    return np.array([0, *(HOUSEHOLD_CLASSES.index(household_class(name)) + 1 for name in names)],
                    np.uint16)
