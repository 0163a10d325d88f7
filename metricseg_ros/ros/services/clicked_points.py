# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points that somebody clicks on in RViz: the mask of what is seen there, packed and drawn."""

from __future__ import annotations

from collections.abc import Callable

from builtin_interfaces.msg import Time
from geometry_msgs.msg import PointStamped
from metricseg_ros.clicks import Clicks
from metricseg_ros.inputs.registered_depth import intrinsics_of
from metricseg_ros.pinhole import Intrinsics
from metricseg_ros.ros.camera import Camera
from metricseg_ros.ros.output.conversions import instance_array, provenance_of
from metricseg_ros.ros.services.transforms import Transforms
from metricseg_ros.ros.session import Session
import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

TOPIC = '/clicked_point'
"""Where RViz publishes; as with /tf there is one for the whole robot."""


class PointError(ValueError):
    """A point of which there is no mask; the text says why."""


class ClickedPoints:
    """Take points in, and give the mask in every camera that sees them."""

    def __init__(self, node: Node, session: Callable[[], Session | None]) -> None:
        """
        Subscribe.

        :param session: gives what the node holds, or None while it is unconfigured.
        """
        self._node = node
        self._session = session
        self._transforms = Transforms(node)
        self._ignores = False
        # Of its own group: one that waits for a transform must not hold up the images.
        node.create_subscription(PointStamped, TOPIC, self._clicked, 5,
                                 callback_group=ReentrantCallbackGroup())

    async def _clicked(self, point: PointStamped) -> None:
        session, log = self._session(), self._node.get_logger()
        if session is None or session.worker is None:
            log.warning(f'no mask of the clicked point: {self._node.get_name()} is not active')
            return
        wanted = [camera for camera in session.cameras.values() if camera.outputs.clicked_wanted()]
        if not wanted and not self._ignores:  # Said once: the clicks may be for another node.
            topics = ', '.join(f'~/{camera.prefix}clicked' for camera in session.cameras.values())
            log.warning(f'no mask of the clicked point: nobody subscribes to {topics} or '
                        'clicked_overlay; further ones are ignored until somebody does')
        self._ignores = not wanted
        reasons = []
        for camera in wanted:
            try:
                await self._answer(session, camera, point)
            except (ValueError, LookupError, RuntimeError) as error:
                reasons.append(f'{camera.prefix and f"{camera.name}: "}{error}')
            except Exception as error:  # rclpy would end the node.
                reasons.append(f'{camera.prefix}{type(error).__name__}: {error}')
        if wanted and len(reasons) == len(wanted):
            log.warning(f'no mask of the clicked point: {"; ".join(reasons)}')

    async def _answer(self, session: Session, camera: Camera, point: PointStamped) -> None:
        """Publish the mask; raise where there is none."""
        outputs, segmenter = camera.outputs, session.segmenter
        frame, info = camera.recent.find(Time()), camera.depth.info
        if info is None:
            raise PointError(f'no camera_info has come on {camera.prefix}camera_info')
        where, size = frame.header.frame_id, frame.embedded.image_size
        position = await self._transforms.moved(point, where)
        click = Clicks(pixel_of(position, intrinsics_of(info, where, size), where))
        found, made = frame.masks(segmenter, click), provenance_of(segmenter)
        if outputs.wanted('clicked'):
            outputs.publish('clicked', instance_array(frame.header, found, made,
                                                      frame.depth_used))
        outputs.publish_overlay('clicked_overlay', frame.header, frame.image, found,
                                made.class_names)


def pixel_of(position: np.ndarray, intrinsics: Intrinsics, frame: str) -> np.ndarray:
    """
    Find where a point is seen.

    :param position: (3,) in the camera's optical frame, in metres.
    :return: (1,2) row and column, with fractions; maybe outside the image.
    :raises PointError: if it is not in front of the camera.
    """
    x, y, z = position.tolist()
    if not z > 0 or not np.isfinite(position).all():  # Written so that NaN is refused.
        raise PointError(f'the point ({x:.3g}, {y:.3g}, {z:.3g}) in {frame} is not in front of '
                         'the camera')
    return intrinsics.pixels(position[None])[:, ::-1]
