# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the node is, in one sentence; above all, why nothing comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from metricseg_ros.fast_dds import (
    MORE_RECEIVE_BUFFER,
    MORE_SHARED_MEMORY,
    PROFILE,
    SHARED_MEMORY,
    WANTED_SHARED_MEMORY,
)
from metricseg_ros.ros.diagnostics.advice import RELIABILITY, why_refused
from metricseg_ros.ros.diagnostics.graph import TopicView

OK, WARN, ERROR = 0, 1, 2
"""Levels as in diagnostic_msgs/DiagnosticStatus."""

SILENCE_S = 3.0
STUCK_S = 10.0
OLD_MS = 5000.0
AHEAD_MS = -100.0
LOSSY = 0.1
"""Where a late image, a slow worker, a stamp that is off and lost images become a fault."""


ROOM_FOR_IMAGES = (
    'large images need a camera that is reliable, or a larger receive buffer '
    f'(`{MORE_RECEIVE_BUFFER}`, then start this node anew), or {PROFILE} for camera and node')
"""How images of a best effort camera get here whole."""


class SilentTopic(NamedTuple):
    """
    A topic on which nothing has come.

    :param name: relative name, as it is remapped by.
    :param topic: full name.
    """

    name: str
    topic: str
    view: TopicView


@dataclass(frozen=True)
class Facts:
    """
    All that is known about the node at one time.

    :param node: full name of the node.
    :param phase: state of its life cycle.
    :param problem: why the latest configure failed, or empty.
    :param topic: full name of the image topic.
    :param view: who publishes there.
    :param reliable: whether delivery is asked for, whatever the publishers offer.
    :param loss: share of the latest images that the middleware lost.
    :param transport: raw or compressed.
    :param camera: name of the camera, or empty.
    :param refused: QoS policy because of which a publisher is not heard, or empty.
    :param silent_s: time since the latest image, in seconds.
    :param busy_s: time the worker has been at its present image, in seconds.
    :param busy_with: the camera whose image that is, or empty.
    :param wanted: whether any output has a subscriber.
    :param bad_image: why the latest image could not be read or segmented, or empty.
    :param age_ms: median age at publication; None without stamps or frames.
    :param unstamped: whether the latest images carry no stamp.
    :param namesake: whether another node has the same full name.
    :param shared_memory: bytes free; None where there is none.
    :param waits_for_clock: whether time is simulated and nobody tells it.
    :param unserved: who subscribes to an output and cannot be served, and why, or empty.
    :param no_depth: why the latest image was segmented without depth, though there is some, or
        empty.
    :param no_place: why the objects of the latest image have no place in space, or empty.
    :param silent_topics: inputs beside the image on which nothing has come.
    :param rate: frames segmented a second.
    """

    node: str = ''
    phase: str = 'unconfigured'
    problem: str = ''
    topic: str = ''
    view: TopicView = field(default_factory=TopicView)
    reliable: bool = False
    loss: float = 0.0
    transport: str = 'raw'
    camera: str = ''
    refused: str = ''
    silent_s: float = 0.0
    busy_s: float = 0.0
    busy_with: str = ''
    wanted: bool = True
    bad_image: str = ''
    age_ms: float | None = None
    unstamped: bool = False
    namesake: bool = False
    shared_memory: int | None = None
    waits_for_clock: bool = False
    unserved: str = ''
    no_depth: str = ''
    no_place: str = ''
    silent_topics: tuple[SilentTopic, ...] = ()
    rate: float = 0.0


class Verdict(NamedTuple):
    """A level and its reason."""

    level: int
    message: str


def judge(facts: Facts) -> Verdict:
    """
    Find what keeps the node from its work, the nearest cause first.

    :return: the first cause that holds, or that all is well.
    """
    for level, rule in RULES:
        message = rule(facts)
        if message:
            return Verdict(level, message)
    return Verdict(OK, f'segmenting {facts.rate:.1f} images a second')


def _failed(facts: Facts) -> str:
    if facts.phase != 'unconfigured' or not facts.problem:
        return ''
    return f'not configured: {facts.problem}; mend it, then {_configure(facts)}'


def _unconfigured(facts: Facts) -> str:
    return f'unconfigured: waits for {_configure(facts)}' if facts.phase == 'unconfigured' else ''


def _inactive(facts: Facts) -> str:
    if facts.phase == 'inactive':
        return f'inactive: waits for `ros2 lifecycle set {facts.node} activate`'
    return '' if facts.phase == 'active' else f'{facts.phase}: start the node anew'


def why_stuck(busy_s: float, camera: str = '') -> str:
    """
    Say that the worker does not come to an end, and what would help.

    :param busy_s: time it has been at its present image, in seconds.
    :param camera: whose image that is, or empty.
    :return: one sentence without a full stop; empty while it is no fault.
    """
    if busy_s < STUCK_S:
        return ''
    whose = f' of {camera}' if camera else ''
    return f'the worker has been at one image{whose} for {busy_s:.0f} s: the backend hangs or ' \
           'the machine is overloaded; if it lasts, start the node anew'


def _stuck(facts: Facts) -> str:
    return why_stuck(facts.busy_s, facts.busy_with)


def _no_publisher(facts: Facts) -> str:
    view = facts.view
    if view.publishers:
        return ''
    carries = f'{facts.topic} carries {", ".join(view.other_types)}'
    text = carries if view.other_types else f'nobody publishes on {facts.topic}'
    if facts.transport == 'raw' and f'{facts.topic}/compressed' in view.other_transport:
        return f'{text}; there are compressed images on {facts.topic}/compressed: set ' \
               'image_transport to compressed'
    if view.elsewhere and facts.topic not in view.other_transport:
        return f'{text}; there are images on {", ".join(view.elsewhere)}: start with ' \
               f'`--ros-args -r {_relative(facts, facts.transport)}:={view.elsewhere[0]}`'
    if view.other_transport:
        other = 'compressed' if facts.transport == 'raw' else 'raw'
        return f'{text}; there are {other} images on {", ".join(view.other_transport)}: start ' \
               f'with `--ros-args -p image_transport:={other} -r ' \
               f'{_relative(facts, other)}:={view.other_transport[0]}`'
    if view.other_types:
        return f'{text}, which are no images, and there are none elsewhere: is the camera running?'
    return f'{text}, nor images elsewhere: is the camera running, with the same ROS_DOMAIN_ID?'


def _refused(facts: Facts) -> str:
    view = facts.view
    policy = facts.refused if facts.silent_s >= SILENCE_S else ''
    if policy == RELIABILITY and not view.best_effort:
        policy = ''  # The one that was refused is gone.
    if view.publishers and facts.reliable and view.best_effort == view.publishers:
        policy = RELIABILITY
    return f'QoS: no publisher on {facts.topic} can be heard: {why_refused(policy)}' \
        if policy else ''


def _silent(facts: Facts) -> str:
    if facts.silent_s < SILENCE_S:
        return ''
    return f'{facts.topic} has a publisher, but no image came for {facts.silent_s:.0f} s: is ' \
           f'the camera paused? If not, {ROOM_FOR_IMAGES}'


def _lossy(facts: Facts) -> str:
    if facts.loss < LOSSY:
        return ''
    return f'{facts.loss:.0%} of the latest images on {facts.topic} were lost on the way: ' \
           f'{ROOM_FOR_IMAGES}'


def _nobody_served(facts: Facts) -> str:
    return '' if facts.wanted else facts.unserved


def _unserved(facts: Facts) -> str:
    return facts.unserved


def _idle(facts: Facts) -> str:
    if facts.wanted:
        return ''
    topic = '/'.join(filter(None, (facts.node, facts.camera, 'instances')))
    return f'idle: nobody subscribes to {topic}, label_map or overlay, so the ' \
           'network does not run'


def _bad_image(facts: Facts) -> str:
    return facts.bad_image


def _no_clock(facts: Facts) -> str:
    if not facts.waits_for_clock:
        return ''
    return 'use_sim_time is true and nobody publishes /clock: ages are wrong'


def _namesake(facts: Facts) -> str:
    if not facts.namesake:
        return ''
    return f'another node is called {facts.node}: services and parameters reach either, and ' \
           'every image is answered twice; end it, or rename one by `--ros-args -r __node:=other`'


def _no_room(facts: Facts) -> str:
    if facts.shared_memory is None or facts.shared_memory >= WANTED_SHARED_MEMORY:
        return ''
    return f'{facts.shared_memory / 2**20:.0f} MiB are free in {SHARED_MEMORY}, so that images ' \
           f'take the slower way: {MORE_SHARED_MEMORY}'


def _bad_stamp(facts: Facts) -> str:
    if facts.unstamped:
        return f'the images on {facts.topic} carry no stamp: nobody can match masks to them'
    if facts.age_ms is not None and not AHEAD_MS <= facts.age_ms <= OLD_MS:
        side = 'behind' if facts.age_ms > 0 else 'ahead of'
        return f"the images' stamps are {abs(facts.age_ms) / 1e3:.1f} s {side} this node's " \
               "clock: synchronise the machines' clocks, or set use_sim_time for a recording"
    return ''


def _no_place(facts: Facts) -> str:
    return f'no object has a place: {_causes(facts) or facts.no_place}' if facts.no_place else ''


def _no_depth(facts: Facts) -> str:
    return f'segmented without depth: {_causes(facts) or facts.no_depth}' if facts.no_depth else ''


def _causes(facts: Facts) -> str:
    return '; '.join(_why_silent(*item, facts.reliable) for item in facts.silent_topics)


def _why_silent(name: str, topic: str, view: TopicView, reliable: bool) -> str:
    if view.publishers and reliable and view.best_effort == view.publishers:
        return f'no publisher on {topic} can be heard: {why_refused(RELIABILITY)}'
    if view.publishers:
        return f'nothing came on {topic}, which has a publisher: is it paused?'
    if view.other_types:
        return f'{topic} carries {", ".join(view.other_types)}'
    if not view.elsewhere:
        return f'nobody publishes on {topic}, nor messages of its type elsewhere: is it ' \
               "switched on in the camera's driver?"
    return f'nobody publishes on {topic}; there is {", ".join(view.elsewhere)}: start with ' \
           f'`--ros-args -r {name}:=...`'


def _configure(facts: Facts) -> str:
    return f'`ros2 lifecycle set {facts.node} configure`'


def _relative(facts: Facts, transport: str) -> str:
    name = 'image' if transport == 'raw' else 'image/compressed'
    return f'{facts.camera}/{name}' if facts.camera else name


RULES: tuple[tuple[int, Callable[[Facts], str]], ...] = (
    (ERROR, _failed), (WARN, _unconfigured), (WARN, _inactive), (ERROR, _stuck),
    (WARN, _no_publisher), (ERROR, _refused), (WARN, _silent), (WARN, _nobody_served),
    (WARN, _namesake), (OK, _idle), (ERROR, _bad_image), (WARN, _lossy), (WARN, _no_clock),
    (WARN, _no_place), (WARN, _no_depth), (WARN, _bad_stamp), (WARN, _unserved),
    (WARN, _no_room))
"""Level and rule, in the order in which they are asked."""
