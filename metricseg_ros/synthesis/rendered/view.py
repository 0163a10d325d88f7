# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Choose from where a scene is seen, and move its lamps for another image of it."""

from __future__ import annotations

from metricseg_ros.synthesis.rendered.layout import Layout, THING_LENGTH
import mujoco
import numpy as np

NEAREST, FARTHEST = 0.2, 1.6  # metres from the camera to what is laid out in real size
WALL_DISTANCE = 0.3  # metres that the camera is at least before every wall
WALLED = 65.0  # degrees: from higher up no walls are seen, and none are built


def draw_elevation(rng: np.random.Generator, layout: Layout) -> float:
    """Draw from how high in degrees a layout is seen."""
    if layout.elevation is not None:
        return layout.elevation
    if layout.arrangement == 'shelf':
        return float(rng.uniform(0, 25))
    elevation = 90 - 25 * abs(rng.normal()) if rng.random() < 0.45 else rng.uniform(25, 75)
    return float(np.clip(elevation, 25, 89))


def nearby_elevation(rng: np.random.Generator, layout: Layout, elevation: float) -> float:
    """Draw another elevation near one: as low as the shelf is open, or as the room has walls."""
    low, high = (0.0, 25.0) if layout.arrangement == 'shelf' else (
        (12.0, 89.0) if elevation < WALLED else (WALLED, 89.0))
    return float(np.clip(elevation + rng.normal(0, 14), low, high))


def relight(model: mujoco.MjModel, rng: np.random.Generator) -> None:
    """Turn all lamps about the table and change their strength."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    model.light_pos[:, :2] = model.light_pos[:, :2] @ turn.T
    model.light_dir[:, :2] = model.light_dir[:, :2] @ turn.T
    model.light_diffuse *= rng.uniform(0.7, 1.2, (model.nlight, 1))
    model.vis.headlight.ambient *= rng.uniform(0.7, 1.2)


def aim(model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator, layout: Layout,
        bodies: np.ndarray, elevation: float, size: tuple[int, int]) -> None:
    """
    Move the model's camera to where it sees the things.

    :param layout: says how large things shall appear.
    :param bodies: (N,) numbers of the things' bodies.
    :param elevation: of the camera in degrees.
    :param size: (height, width) of the image.
    """
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
