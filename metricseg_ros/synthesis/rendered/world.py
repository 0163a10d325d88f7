# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Build a MuJoCo world of a table, things on it and a room around it, and let it settle."""

from __future__ import annotations

from dataclasses import dataclass, field

from metricseg_ros.synthesis.rendered.layout import Layout, Placed
from metricseg_ros.synthesis.rendered.solids import Solid, Surface
import mujoco
import numpy as np

TIME_STEP = 0.004  # seconds
SETTLE_STEPS = 320
GATHER_STEPS = 140
COLLISION_GROUP = 4  # not drawn
CLEAR_GROUP = 2  # drawn in the image, but labels and depth are of what is behind
TEXTURE_ROLE = mujoco.mjtTextureRole.mjTEXROLE_RGB
SHELL = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
CONVEX = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX


@dataclass
class World:
    """
    Collect a MuJoCo specification and the assets already in it.

    :param assets: names of what was added, by the Python object's identity and scale.
    :param kept: those objects: an identity is unique only while its object lives.
    """

    spec: mujoco.MjSpec
    assets: dict[tuple, str] = field(default_factory=dict)
    kept: list[object] = field(default_factory=list)

    def material(self, surface: Surface, repeat: float = 1.0) -> str:
        """Add the material of a surface once, and return its name."""
        key = ('material', id(surface), repeat)
        if key not in self.assets:
            name = self._named(key, 'material', surface)
            material = self.spec.add_material(name=name, rgba=surface.colour)
            material.specular, material.shininess = surface.gloss, 0.2 + 0.6 * surface.gloss
            if surface.texture is not None:
                material.textures[TEXTURE_ROLE] = self._texture(surface.texture, name)
                material.texrepeat, material.texuniform = [repeat, repeat], False
        return self.assets[key]

    def drawn_mesh(self, surface: Surface, scale: float) -> str:
        """Add a surface as a mesh seen from both sides, and return its name."""
        key = ('mesh', id(surface), scale)
        if key not in self.assets:
            name = self._named(key, 'mesh', surface)
            mesh = self.spec.add_mesh(name=name, inertia=SHELL)
            n = len(surface.vertices)
            mesh.uservert = np.tile(surface.vertices * scale, (2, 1)).ravel()
            mesh.usernormal = np.concatenate([surface.normals, -surface.normals]).ravel()
            mesh.usertexcoord = np.tile(surface.texcoords, (2, 1)).ravel()
            mesh.userface = np.concatenate([surface.faces, surface.faces[:, ::-1] + n]).ravel()
        return self.assets[key]

    def hull_mesh(self, points: np.ndarray, scale: float) -> str:
        """Add the convex hull of points as a mesh, and return its name."""
        key = ('hull', id(points), scale)
        if key not in self.assets:
            name = self._named(key, 'hull', points)
            mesh = self.spec.add_mesh(name=name, inertia=CONVEX)
            mesh.uservert = (points * scale).ravel()
        return self.assets[key]

    def _named(self, key: tuple, prefix: str, owner: object) -> str:
        self.kept.append(owner)
        self.assets[key] = f'{prefix}{len(self.assets)}'
        return self.assets[key]

    def _texture(self, image: np.ndarray, name: str) -> str:
        texture = self.spec.add_texture(
            name=f'texture_{name}', type=mujoco.mjtTexture.mjTEXTURE_2D, nchannel=3,
            width=image.shape[1], height=image.shape[0])
        texture.data = np.ascontiguousarray(image).tobytes()
        return f'texture_{name}'


def new_world() -> World:
    """Start an empty world with soft but deep-free contacts."""
    spec = mujoco.MjSpec()
    spec.option.timestep = TIME_STEP
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.iterations = 30
    # One contact a pair lets flat things sink and rock.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_MULTICCD
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_OVERRIDE
    spec.option.o_solref[:] = [2.5 * TIME_STEP, 1.0]
    spec.option.o_solimp[:] = [0.95, 0.99, 0.001, 0.5, 2.0]
    spec.option.o_margin = 0.0
    spec.option.o_friction[:] = [0.7, 0.7, 0.01, 0.004, 0.004]
    spec.compiler.boundmass, spec.compiler.boundinertia = 1e-3, 1e-7
    spec.stat.extent = 1.0
    spec.stat.center = np.zeros(3)
    spec.visual.map.znear, spec.visual.map.zfar = 0.02, 30.0
    return World(spec)


def add_thing(world: World, item: Placed) -> int:
    """
    Drop a thing: a free body drawn as its surfaces and colliding as its hulls.

    :param item: the thing and its pose above the tabletop (z = 0).
    :return: the body's number after compilation, counted by free bodies from 0.
    """
    scale = item.length / float(item.solid.extent.max())
    body = world.spec.worldbody.add_body(pos=item.position, quat=item.quaternion)
    body.add_freejoint()
    for points in item.solid.hulls:
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=world.hull_mesh(points, scale),
                      group=COLLISION_GROUP, density=400.0, condim=6,
                      friction=[0.7, 0.01, 0.004], rgba=[0, 0, 0, 0])
    draw_solid(world, body, item.solid, scale)
    return len(world.spec.bodies) - 1


def draw_solid(world: World, body: mujoco.MjsBody, solid: Solid, scale: float) -> None:
    """
    Add the visible surfaces of a solid to a body.

    :param scale: metres per unit of the solid.
    """
    for surface in solid.surfaces:
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=world.drawn_mesh(surface, scale),
                      material=world.material(surface), contype=0, conaffinity=0, mass=0)


def settle(model: mujoco.MjModel, layout: Layout) -> mujoco.MjData:
    """Let everything fall and come to rest."""
    data = mujoco.MjData(model)
    free = model.jnt_bodyid[model.jnt_type == mujoco.mjtJoint.mjJNT_FREE]
    mass = model.body_mass[free][:, None]
    for step in range(0, SETTLE_STEPS, 10):
        pull = 5.0 if layout.gathered and step < GATHER_STEPS else 0.0
        data.xfrc_applied[free, :2] = -pull * mass * np.sign(data.xpos[free, :2]) * np.minimum(
            np.abs(data.xpos[free, :2]) / 0.05, 1.0)
        mujoco.mj_step(model, data, 10)
        data.qvel *= 0.97 if step < SETTLE_STEPS // 2 else 0.8  # nothing rolls for ever
    mujoco.mj_forward(model, data)
    return data
