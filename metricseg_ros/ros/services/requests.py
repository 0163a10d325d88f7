# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The node's services: each gets an answer, also where the answer is no."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
import functools
import inspect
from threading import Thread
from time import monotonic
from typing import Any

from metricseg_msgs.srv import ReloadModel, SegmentAt, SegmentImage
from metricseg_ros.clicks import ClickError, Clicks
from metricseg_ros.inputs.depth_buffer import Found
from metricseg_ros.ros.camera import Camera
from metricseg_ros.ros.output.conversions import instance_array, provenance_of
from metricseg_ros.ros.parameters import NodeParameters
from metricseg_ros.ros.session import Session
from metricseg_ros.segmenter import InstanceSegmenter
import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future as Task

LOOK_S = 1.0
"""Time between two looks whether one who asks waits in vain, in seconds."""

EXPECTED = (ValueError, LookupError, RuntimeError, OSError)
"""What a request may be refused with; anything else is a fault of this package, and logged."""


def answered(service: Callable[..., Any]) -> Callable[..., Any]:
    """
    Turn what a service raises into its answer; rclpy would end the node.

    :return: the same as a coroutine that never raises.
    """
    @functools.wraps(service)
    async def wrapped(self: Requests, request: Any, response: Any) -> Any:
        try:
            given = service(self, request, response)
            if inspect.isawaitable(given):
                await given
            response.success = True
        except EXPECTED as error:
            response.message = str(error)
        except Exception as error:
            response.message = f'{type(error).__name__}: {error}'
            self.log_error(f'{service.__name__} failed: {response.message}')
        return response
    return wrapped


class Requests:
    """Answer what is asked of the node, in every state of its life cycle."""

    def __init__(self, node: Node, session: Callable[[], Session | None],
                 phase: Callable[[], tuple[str, str]], settings: NodeParameters) -> None:
        """
        Offer the services.

        :param session: gives what the node holds, or None while it is unconfigured.
        :param phase: gives the state of its life cycle, and why the latest configure failed.
        """
        self.log_error = node.get_logger().error
        self._node = node
        self._session = session
        self._phase = phase
        self._settings = settings
        self._loading = False
        # Of their own group: one that waits for its answer must not hold up the images.
        group = ReentrantCallbackGroup()
        for kind, name, answer in ((SegmentAt, 'segment_at', self.segment_at),
                                   (SegmentImage, 'segment', self.segment),
                                   (ReloadModel, 'reload_model', self.reload_model)):
            node.create_service(kind, f'~/{name}', answer, callback_group=group)

    @answered
    def segment_at(self, request: SegmentAt.Request, response: SegmentAt.Response) -> None:
        """Grow the masks of clicks, from the embeddings of a frame that is kept."""
        begin = monotonic()
        session = self._configured()
        frame = camera_of(session, request.camera).recent.find(request.stamp)
        clicks = Clicks(pixels(request.rows, request.columns, 'rows', 'columns'),
                        pixels(request.negative_rows, request.negative_columns, 'negative_rows',
                               'negative_columns'),
                        request.similarity_threshold, request.merge)
        response.result = instance_array(frame.header, frame.masks(session.segmenter, clicks),
                                         session.provenance, frame.depth_used)
        response.took_ms = (monotonic() - begin) * 1e3

    @answered
    async def segment(self, request: SegmentImage.Request,
                      response: SegmentImage.Response) -> None:
        """Segment one image between those of the cameras."""
        session = self._configured()
        camera = camera_of(session, request.camera)
        if session.worker is None:
            raise RuntimeError(f'the node is {self._phase()[0]}: activate it first, with '
                               f'`ros2 lifecycle set {self._name()} activate`')
        refuse_if_stuck(session)
        image, info = request.image, None
        if is_empty(image):
            image = newest_of(camera)
            found = camera.depth_of(image)
        else:
            found, info = depth_given(request, camera)
        response.result = await self._result(session.ask(camera, image, found, info),
                                             session.why_stuck)

    @answered
    async def reload_model(self, request: ReloadModel.Request,
                           response: ReloadModel.Response) -> None:
        """Load a model beside the present one, and go on with it."""
        session = self._configured()
        try:
            await self._reload(session, request.model or session.config.model)
        finally:
            made = session.provenance
            for name in ('model', 'backend', 'provider', 'device', 'precision'):
                setattr(response, name, getattr(made, name))

    async def _reload(self, session: Session, model: str) -> None:
        refuse_if_stuck(session)
        if self._loading:
            raise RuntimeError('another model is being loaded: wait for it')
        self._loading = True
        try:
            config = replace(session.config, model=model)
            segmenter = await self._result(in_background(
                lambda: InstanceSegmenter.from_config(config)))
        except EXPECTED as error:
            raise RuntimeError(f'{error}; {session.provenance.model} goes on') from error
        finally:
            self._loading = False
        if self._session() is not session:
            segmenter.close()
            raise RuntimeError('the node was cleaned up while the model was loaded')
        session.replace(segmenter, config)
        self._settings.force('model', model)
        self._node.get_logger().info(f'now {provenance_of(segmenter).model}, from {model}')

    async def _result(self, work: Future[Any], why_in_vain: Callable[[], str] = str) -> Any:
        """Wait for what another thread does, or until that is in vain; the executor goes on."""
        done = Task(executor=self._node.executor)
        done.add_done_callback(lambda _: None)  # Wakes the executor, which then looks here again.
        work.add_done_callback(lambda _: done.set_result(None))
        timer = self._node.create_timer(LOOK_S, lambda: why_in_vain() and done.set_result(None),
                                        clock=Clock(clock_type=ClockType.STEADY_TIME))
        try:
            await done
        finally:
            self._node.destroy_timer(timer)
        if not work.done():
            raise RuntimeError(why_in_vain() or 'the worker was at one image for too long')
        return work.result()

    def _configured(self) -> Session:
        session = self._session()
        if session is None:
            phase, problem = self._phase()
            because = f' ({problem})' if problem else ''
            raise RuntimeError(f'the node is {phase}{because}: configure it first, with '
                               f'`ros2 lifecycle set {self._name()} configure`')
        return session

    def _name(self) -> str:
        return self._node.get_fully_qualified_name()


def camera_of(session: Session, name: str) -> Camera:
    """
    Look a camera up.

    :param name: of the camera; may be empty if there is only one.
    """
    cameras = session.cameras
    if not name and len(cameras) == 1:
        return next(iter(cameras.values()))
    if list(cameras) == ['']:
        raise LookupError(f'the only camera has no name: leave camera empty, got {name!r}')
    if name not in cameras:
        known = ', '.join(map(repr, cameras))
        raise LookupError(f'camera must be one of {known}, got {name!r}')
    return cameras[name]


def refuse_if_stuck(session: Session) -> None:
    """Refuse what would wait for the worker, if that does not come to an end."""
    if stuck := session.why_stuck():
        raise RuntimeError(stuck)


def newest_of(camera: Camera) -> Any:
    """
    Give the image that came last from a camera.

    :raises LookupError: if none has come.
    """
    if camera.newest is None:
        raise LookupError(f'no image has come on {camera.input.topic} yet: see /diagnostics, or '
                          'send an image in the request')
    return camera.newest


def is_empty(image: Any) -> bool:
    """Tell whether an image was left out of a request."""
    return not image.data and not image.height and not image.width


def depth_given(request: SegmentImage.Request, camera: Camera) -> tuple[Found | None, Any]:
    """
    Take the depth out of a request.

    :param camera: whose camera_info is taken where the request has none.
    :return: the depth and the camera_info; both None if the request has no depth.
    """
    if is_empty(request.depth):
        return None, None
    info = request.camera_info if any(request.camera_info.k) else camera.depth.info
    if info is None:
        raise ValueError('depth needs camera_info: send it in the request, too')
    return Found(request.depth, True), info


def pixels(rows: Any, columns: Any, *names: str) -> np.ndarray:
    """
    Pair rows and columns.

    :return: (P,2) float64 (row, col).
    :raises ClickError: if there are not as many of both.
    """
    if len(rows) != len(columns):
        raise ClickError(f'{names[0]} and {names[1]} must be of the same length, got {len(rows)} '
                         f'and {len(columns)}')
    return np.stack([np.asarray(rows, float), np.asarray(columns, float)], axis=1)


def in_background(work: Callable[[], Any]) -> Future[Any]:
    """Do something on a thread of its own: gets what it returns or raises."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
    Thread(target=run, name='model-loader', daemon=True).start()
    return future
