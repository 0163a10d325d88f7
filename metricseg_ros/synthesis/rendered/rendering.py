# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Render physics-settled clutter with exact masks, depth and classes."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.household import household_class
from metricseg_ros.synthesis.rendered.layout import Layout, THING_LENGTH
from metricseg_ros.synthesis.rendered.plan import plan
from metricseg_ros.synthesis.rendered.room import furnish
from metricseg_ros.synthesis.rendered.solids import Solid
from metricseg_ros.synthesis.rendered.world import (
    add_thing,
    CLEAR_GROUP,
    new_world,
    settle,
    World,
)
from metricseg_ros.synthesis.synthetic_scene import SyntheticScene
import mujoco
import numpy as np

CLOSE_UP_AREA = 60 / (240 * 320)  # smaller visible parts are not worth a label
SUPERSAMPLING = 1.5
NEAREST, FARTHEST = 0.2, 1.6  # metres from the camera to what is laid out in real size
MAX_GEOMS = 2000
WALL_DISTANCE = 0.3  # metres that the camera is at least before every wall


@dataclass
class SceneRenderer:
    """
    Render random scenes of one size.

    :param size: (height, width) of the images.
    :param household: models of things, may be empty.
    :param furniture: models for the background, may be empty.
    :param photos: (H,W,3) uint8 pictures printed on things and cloths, may be empty.
    """

    size: tuple[int, int]
    household: list[Solid] = field(default_factory=list)
    furniture: list[Solid] = field(default_factory=list)
    photos: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._drawn_size = tuple(round(n * SUPERSAMPLING) for n in self.size)
        self._gl = mujoco.GLContext(*self._drawn_size[::-1])
        self._gl.make_current()

    def render(self, rng: np.random.Generator) -> SyntheticScene:
        """
        Render one scene.

        :param rng: decides everything.
        :return: the scene with its depth.
        """
        layout = plan(rng, self.household, self.photos)
        elevation = _elevation(rng, layout)
        world = new_world()
        bodies = [add_thing(world, item) for item in layout.placed]
        furnish(world, rng, layout, elevation, self.furniture, self.photos)
        self._set_quality(world)
        field_of_view = float(rng.uniform(28, 58))
        world.spec.worldbody.add_camera(name='camera', fovy=field_of_view)
        model = world.spec.compile()
        data = settle(model, layout)
        _aim(model, data, rng, layout, np.array(bodies, int), elevation, self.size)
        image, owner, depth = self._draw(model, data)
        labels, kept = _labels(owner, model, bodies)
        names = tuple(household_class(item.solid.name)
                      for item, is_kept in zip(layout.placed, kept, strict=True) if is_kept)
        focal_length = self.size[0] / 2 / np.tan(np.radians(field_of_view) / 2)
        return SyntheticScene(_photographed(image, rng), labels, names, depth,
                              float(focal_length), layout.arrangement)

    def _set_quality(self, world: World) -> None:
        visual = world.spec.visual
        visual.quality.offsamples, visual.quality.shadowsize = 0, 1024
        visual.global_.offheight, visual.global_.offwidth = self._drawn_size

    def _draw(self, model: mujoco.MjModel,
              data: mujoco.MjData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scene = mujoco.MjvScene(model, MAX_GEOMS)
        camera = mujoco.MjvCamera()
        camera.type, camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, 0
        shown = mujoco.MjvOption()
        mujoco.mjv_updateScene(model, data, shown, None, camera, mujoco.mjtCatBit.mjCAT_ALL, scene)
        context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
        large, _ = _read(scene, context, self._drawn_size)
        image = cv2.resize(large, self.size[::-1], interpolation=cv2.INTER_AREA)
        shown.geomgroup[CLEAR_GROUP] = 0
        mujoco.mjv_updateScene(model, data, shown, None, camera, mujoco.mjtCatBit.mjCAT_ALL, scene)
        scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = 1
        scene.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        codes, nearness = _read(scene, context, self.size)
        context.free()
        return image, _geoms(scene, codes.astype(np.int32) @ [1, 256, 65536]), _metres(
            nearness, model)


def _elevation(rng: np.random.Generator, layout: Layout) -> float:
    if layout.elevation is not None:
        return layout.elevation
    if layout.arrangement == 'shelf':
        return float(rng.uniform(0, 25))
    elevation = 90 - 25 * abs(rng.normal()) if rng.random() < 0.45 else rng.uniform(25, 75)
    return float(np.clip(elevation, 25, 89))


def _read(scene: mujoco.MjvScene, context: mujoco.MjrContext,
          size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    viewport = mujoco.MjrRect(0, 0, size[1], size[0])
    image, nearness = np.empty((*size, 3), np.uint8), np.empty(size, np.float32)
    mujoco.mjr_render(viewport, scene, context)
    mujoco.mjr_readPixels(image, nearness, viewport, context)
    return image[::-1], nearness[::-1]


def _metres(nearness: np.ndarray, model: mujoco.MjModel) -> np.ndarray:
    # The depth buffer is linear in 1 / depth: 1 at the near plane, 0 at the far one.
    near, far = (model.stat.extent * plane for plane in (model.vis.map.znear, model.vis.map.zfar))
    return (near * far / (near + nearness.astype(np.float64) * (far - near))).astype(np.float32)


def _geoms(scene: mujoco.MjvScene, codes: np.ndarray) -> np.ndarray:
    # Code 0 is the void; code c belongs to the scene's geom whose segid is c - 1.
    geom_of = np.full(MAX_GEOMS + 1, -1, np.int32)
    for geom in scene.geoms[:scene.ngeom]:
        if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
            geom_of[geom.segid + 1] = geom.objid
    return geom_of[np.minimum(codes, MAX_GEOMS)]


def _labels(owner: np.ndarray, model: mujoco.MjModel,
            bodies: list[int]) -> tuple[np.ndarray, list[bool]]:
    label_of, kept = np.zeros(model.ngeom + 1, np.uint16), []
    for body in bodies:
        geoms = np.flatnonzero(model.geom_bodyid == body)
        kept.append(int(np.isin(owner, geoms).sum()) >= CLOSE_UP_AREA * owner.size)
        label_of[geoms] = sum(kept) if kept[-1] else IGNORE_LABEL
    return label_of[owner], kept  # geom -1, the void, reads the last entry: background


def _aim(model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator, layout: Layout,
         bodies: np.ndarray, elevation: float, size: tuple[int, int]) -> None:
    on_table = bodies[data.xpos[bodies, 2] > -0.02] if len(bodies) else bodies
    centre = data.xpos[on_table].mean(0) if len(on_table) else np.zeros(3)
    if layout.arrangement == 'close':
        centre = data.xpos[bodies[0]]
    elif len(on_table) and not layout.gathered and layout.arrangement != 'plate':
        centre = data.xpos[rng.choice(on_table)]  # what is scattered has an empty middle
    half_height = np.tan(np.radians(model.cam_fovy[0]) / 2)
    if layout.filling is None:
        distance = THING_LENGTH / (layout.span * 2 * half_height * size[1] / size[0])
    else:
        apart = np.linalg.norm((data.xpos[on_table] - centre)[:, :2], axis=1)
        length = np.mean([item.length for item in layout.placed])
        radius = np.quantile(apart, 0.8) + 0.4 * length if len(apart) else 0.3
        distance = np.clip(radius / (half_height * layout.filling), NEAREST, FARTHEST)
    centre = centre + [*rng.uniform(-0.25, 0.25, 2) * distance * half_height, 0.0]
    tilt, turn = np.radians(elevation), rng.uniform(0, 2 * np.pi)
    if layout.arrangement == 'shelf':  # open towards -y
        turn = -np.pi / 2 + np.radians(rng.normal(0, 18))
    back = np.array([np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)])
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    up = np.cross(back, right)
    roll = np.radians(rng.normal(0, 5))
    right, up = (np.cos(roll) * right + np.sin(roll) * up,
                 np.cos(roll) * up - np.sin(roll) * right)
    model.cam_pos[0] = centre + distance * back
    mujoco.mju_mat2Quat(model.cam_quat[0], np.stack([right, up, back], 1).ravel())
    _move_walls_behind(model, data)
    mujoco.mj_forward(model, data)


def _move_walls_behind(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    # A plane between camera and table would hide it from labels and depth, not from the image.
    for plane in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE):
        normal = data.geom_xmat[plane].reshape(3, 3)[:, 2]
        before = (model.cam_pos[0] - data.geom_xpos[plane]) @ normal
        model.geom_pos[plane] += min(before - WALL_DISTANCE, 0) * normal


def _photographed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    light = image.astype(np.float32) / 255
    wanted = rng.uniform(0.4, 0.7) if rng.random() < 0.85 else rng.uniform(0.12, 0.35)  # dark
    light *= np.clip(wanted / max(light.mean(), 0.02), 0.3, 3.0)
    if rng.random() < 0.8:  # cameras bend the curve before they burn out
        light = np.where(light < 0.7, light, 1 - 0.3 * np.exp((0.7 - light) / 0.3))
    light = np.clip(light, 0, 1) ** rng.uniform(0.8, 1.2)
    light *= 1 + rng.uniform(-0.06, 0.06, 3)
    if rng.random() < 0.5:
        light = cv2.GaussianBlur(light, None, rng.uniform(0.3, 0.9))
    light += rng.normal(0, rng.uniform(0.002, 0.02), light.shape)
    return (np.clip(light, 0, 1) * 255).astype(np.uint8)
