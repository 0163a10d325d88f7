# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Render physics-settled clutter with exact masks, depth and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
from metricseg_ros.config import IGNORE_LABEL
from metricseg_ros.datasets.household import household_class
from metricseg_ros.pinhole import implausible_depth
from metricseg_ros.synthesis.rendered.plan import plan
from metricseg_ros.synthesis.rendered.room import furnish
from metricseg_ros.synthesis.rendered.solids import Solid
from metricseg_ros.synthesis.rendered.view import (
    aim,
    draw_elevation,
    nearby_elevation,
    relight,
)
from metricseg_ros.synthesis.rendered.world import (
    add_thing,
    CLEAR_GROUP,
    new_world,
    settle,
)
from metricseg_ros.synthesis.synthetic_scene import SyntheticScene
import mujoco
import numpy as np

CLOSE_UP_AREA = 60 / (240 * 320)  # smaller visible parts are not worth a label
SUPERSAMPLING = 1.5
MAX_GEOMS = 2000
AIMS = 3  # attempts to find a view that nothing hides and that a depth camera could have


@dataclass
class SceneRenderer:
    """
    Render random scenes of one size.

    :param size: (height, width) of the images.
    :param household: models of things, may be empty.
    :param furniture: models for the background, may be empty.
    :param photos: (H,W,3) uint8 pictures printed on things and cloths, may be empty.
    :param only: names of the layouts to choose from; all by their shares where empty.
    """

    size: tuple[int, int]
    household: list[Solid] = field(default_factory=list)
    furniture: list[Solid] = field(default_factory=list)
    photos: list[np.ndarray] = field(default_factory=list)
    only: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._drawn_size = tuple(round(n * SUPERSAMPLING) for n in self.size)
        self._gl = mujoco.GLContext(*self._drawn_size[::-1])
        self._gl.make_current()

    def render(self, rng: np.random.Generator, views: int = 1) -> list[SyntheticScene]:
        """
        Render one scene: laid out, settled and compiled once, seen from one side or several.

        :param views: number of images; for the later ones the lamps move, too.
        """
        layout = plan(rng, self.household, self.photos, self.only)
        elevation = draw_elevation(rng, layout)
        world = new_world()
        bodies = [add_thing(world, item) for item in layout.placed]
        furnish(world, rng, layout, elevation, self.furniture, self.photos)
        visual = world.spec.visual
        visual.quality.offsamples, visual.quality.shadowsize = 0, 1024
        visual.global_.offheight, visual.global_.offwidth = self._drawn_size
        field_of_view = float(rng.uniform(28, 58))
        world.spec.worldbody.add_camera(name='camera', fovy=field_of_view)
        model = world.spec.compile()
        data = settle(model, layout)
        if data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number:
            return self.render(rng, views)  # what burst apart is no scene
        context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
        focal_length = self.size[0] / 2 / np.tan(np.radians(field_of_view) / 2)
        scenes = []
        for view in range(views):
            if view:
                relight(model, rng)
            for _ in range(AIMS):
                aim(model, data, rng, layout, np.array(bodies, int),
                    nearby_elevation(rng, layout, elevation) if view else elevation, self.size)
                image, owner, depth = self._draw(model, data, context)
                labels, kept = _labels(owner, model, bodies)
                if (any(kept) or not bodies) and not implausible_depth(depth):
                    break
            names = tuple(household_class(item.solid.name)
                          for item, is_kept in zip(layout.placed, kept, strict=True) if is_kept)
            scenes.append(SyntheticScene(_photographed(image, rng), labels, names, depth,
                                         float(focal_length), layout.arrangement))
        context.free()
        return scenes

    def _draw(self, model: mujoco.MjModel, data: mujoco.MjData,
              context: mujoco.MjrContext) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scene = mujoco.MjvScene(model, MAX_GEOMS)
        camera = mujoco.MjvCamera()
        camera.type, camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, 0
        shown = mujoco.MjvOption()
        mujoco.mjv_updateScene(model, data, shown, None, camera, mujoco.mjtCatBit.mjCAT_ALL, scene)
        large, _ = _read(scene, context, self._drawn_size)
        image = cv2.resize(large, self.size[::-1], interpolation=cv2.INTER_AREA)
        shown.geomgroup[CLEAR_GROUP] = 0
        mujoco.mjv_updateScene(model, data, shown, None, camera, mujoco.mjtCatBit.mjCAT_ALL, scene)
        scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = 1
        scene.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        codes, nearness = _read(scene, context, self.size)
        owner = _geoms(scene, codes.astype(np.int32) @ [1, 256, 65536])
        return image, owner, _metres(nearness, model)


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


def _photographed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    light = image.astype(np.float32) / 255
    wanted = rng.uniform(0.45, 0.72) if rng.random() < 0.88 else rng.uniform(0.12, 0.35)  # dark
    light *= np.clip(wanted / max(light.mean(), 0.02), 0.3, 3.0)
    if rng.random() < 0.8:  # cameras bend the curve before they burn out
        light = np.where(light < 0.7, light, 1 - 0.3 * np.exp((0.7 - light) / 0.3))
    light = np.clip(light, 0, 1) ** rng.uniform(0.8, 1.2)
    light *= 1 + rng.uniform(-0.06, 0.06, 3)
    if rng.random() < 0.5:
        light = cv2.GaussianBlur(light, None, rng.uniform(0.3, 0.9))
    light += rng.normal(0, rng.uniform(0.002, 0.02), light.shape)
    return (np.clip(light, 0, 1) * 255).astype(np.uint8)
