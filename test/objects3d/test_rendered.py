# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Objects in rendered depth images, against the poses the scene was built with.

`pytest -s` prints the errors.
"""

from __future__ import annotations

from dataclasses import dataclass
import os

from metricseg_ros.config import DepthConfig
from metricseg_ros.objects3d import locate, ObjectInSpace
from metricseg_ros.pinhole import depth_in_metres, Intrinsics
from metricseg_ros.structures import Instances
import numpy as np
import pytest

os.environ.setdefault('MUJOCO_GL', 'osmesa')
mujoco = pytest.importorskip('mujoco')

SIZE = (480, 640)
FIELD_OF_VIEW = 50.0
FOCAL = SIZE[0] / 2 / np.tan(np.radians(FIELD_OF_VIEW) / 2)
LENS = Intrinsics(FOCAL, FOCAL, (SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2)
SCENE = """
<mujoco>
  <visual>
    <global offheight="{size[0]}" offwidth="{size[1]}"/>
    <map znear="0.05" zfar="20"/>
  </visual>
  <statistic extent="1"/>
  <worldbody>
    <light pos="0 0 3"/>
    <geom name="table" type="plane" size="3 3 0.1"/>
    <camera name="camera" pos="0 -0.9 1.1" xyaxes="1 0 0 0 0.77 0.64" fovy="{field}"/>
    {boxes}
  </worldbody>
</mujoco>
"""
BOX = '<geom name="box{index}" type="box" size="{half}" pos="{place}" euler="{turn}"/>'


@dataclass(frozen=True)
class Truth:
    """A box as the scene has it, in the camera's optical frame."""

    centre: np.ndarray
    axes: np.ndarray
    size: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class View:
    """A rendered scene."""

    depth: np.ndarray
    boxes: list[Truth]


@pytest.fixture(scope='module')
def view() -> View:
    rng = np.random.default_rng(0)
    boxes = '\n'.join(
        BOX.format(index=index, half=text(rng.uniform(0.03, 0.1, 3)),
                   place=text([x, y, 0.25]), turn=text(rng.uniform(0, 180, 3)))
        for index, (x, y) in enumerate((x, y) for x in (-0.35, 0, 0.35) for y in (-0.2, 0.25)))
    model = mujoco.MjModel.from_xml_string(
        SCENE.format(size=SIZE, field=FIELD_OF_VIEW, boxes=boxes))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    try:
        renderer = mujoco.Renderer(model, *SIZE)
    except (AttributeError, ImportError, RuntimeError) as error:
        pytest.skip(f'no software OpenGL here: {error}')
    renderer.update_scene(data, 'camera')
    renderer.enable_depth_rendering()
    depth = renderer.render().copy()
    renderer.disable_depth_rendering()
    renderer.enable_segmentation_rendering()
    owner = renderer.render()[..., 0].copy()
    renderer.close()
    # MuJoCo's cameras look along -z, with y up.
    camera = data.cam_xmat[0].reshape(3, 3) * [1, -1, -1]
    geoms = [model.geom(f'box{index}').id for index in range(model.ngeom - 1)]
    return View(depth, [
        Truth((data.geom_xpos[geom] - data.cam_xpos[0]) @ camera,
              camera.T @ data.geom_xmat[geom].reshape(3, 3), 2 * model.geom_size[geom],
              owner == geom) for geom in geoms])


def text(values: object) -> str:
    return ' '.join(map(str, values))


def instances(boxes: list[Truth]) -> Instances:
    """Return the boxes as a perfect segmentation would."""
    extents, crops = [], []
    for box in boxes:
        rows, columns = np.nonzero(box.mask)
        extents.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        left, top, right, bottom = extents[-1]
        crops.append(np.ascontiguousarray(box.mask[top:bottom, left:right]))
    count = len(boxes)
    return Instances(SIZE, np.arange(1, count + 1, dtype=np.uint16), np.ones(count, np.uint16),
                     np.ones(count, np.float32), np.array(extents, np.int32), tuple(crops),
                     np.zeros((count, 2), np.int32), np.ones(count, np.float32))


def located(view: View, depth: np.ndarray, **config: float) -> list[ObjectInSpace]:
    return locate(instances(view.boxes), depth_in_metres(depth), LENS, DepthConfig(**config))


def true_points(view: View, box: Truth) -> np.ndarray:
    """Return (M,3), where the rays of a mask's pixels meet the box (slab method)."""
    rows, columns = np.nonzero(box.mask)
    rays = LENS.points(columns, rows, np.ones(len(rows))).astype(float)
    with np.errstate(divide='ignore'):
        ends = np.stack([(sign * box.size / 2 + box.centre @ box.axes) / (rays @ box.axes)
                         for sign in (-1, 1)])
    near, far = ends.min(0).max(-1), ends.max(0).min(-1)
    # On the outline a pixel may be drawn whose middle is missed.
    return (rays * near[:, None])[near < far]


def angle(first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle between two lines in degrees."""
    return float(np.degrees(np.arccos(min(1.0, abs(first @ second)))))


def seen_face(view: View, box: Truth, item: ObjectInSpace) -> int:
    """Return the axis of the box that the normal found is nearest to, if its faces are large."""
    inside = np.abs((true_points(view, box) - box.centre) @ box.axes) - box.size / 2
    areas = np.bincount(inside.argmax(1), minlength=3)
    face = int(np.abs(item.box.axes[:, 2] @ box.axes).argmax())
    assert areas[face] > 0.8 * areas.max(), 'this is not about the largest face'
    return face


@pytest.mark.parametrize(('noise', 'places', 'angles', 'sizes'), [
    ('none', 1e-5, 0.05, 0.012), ('millimetres', 1e-4, 1.0, 0.012), ('sensor', 3e-4, 1.0, 0.015)])
def test_boxes_are_where_the_scene_has_them(view: View, noise: str, places: float, angles: float,
                                            sizes: float, rng: np.random.Generator) -> None:
    depth = view.depth
    if noise == 'millimetres':
        depth = np.rint(1000 * depth).astype(np.uint16)
    if noise == 'sensor':  # Structured light, Nguyen et al. 2012, equation 4 without its angle.
        sigma = 0.0012 + 0.0019 * (depth - 0.4)**2
        depth = np.rint(1000 * (depth + sigma * rng.normal(size=SIZE))).astype(np.uint16)
    # All of each box is looked at. A pixel is 2.6 mm wide here, and more on a side that is tilted:
    # a rim of one pixel on either side is most of the error of the sizes.
    found = located(view, depth, erosion=1, outlier_deviations=10.0)
    errors = np.array([errors_of(view, box, item)
                       for box, item in zip(view.boxes, found, strict=True)])
    for name, column, unit in zip(('centroid', 'normal', 'size'), errors.T, ('m', 'deg', 'm'),
                                  strict=True):
        print(f'{noise:11} {name:8} error: median {np.median(column):.2g} {unit}, '
              f'most {column.max():.2g} {unit}, of {len(column)} boxes')
    assert (errors < [places, angles, sizes]).all()


def errors_of(view: View, box: Truth, item: ObjectInSpace) -> list[float]:
    """Return the errors of the centroid, the normal and the sides of the face on which it is."""
    face = seen_face(view, box, item)
    same = Truth(box.centre, box.axes, box.size, np.zeros(SIZE, bool))
    same.mask[item.pixels[:, 1], item.pixels[:, 0]] = True
    centroid = np.linalg.norm(item.centroid - true_points(view, same).mean(0))
    sides = np.sort(np.delete(box.size, face))[::-1]
    return [float(centroid), angle(item.box.axes[:, 2], box.axes[:, face]),
            float(np.abs(item.box.size[:2] - sides).max())]
