# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
See exact depth as real sensors do: noise, shadows, worn edges, holes, limits of range.

Three principles, each put together from the same small steps. Their numbers follow

- Khoshelham and Elberink, "Accuracy and resolution of Kinect depth data for indoor mapping
  applications", Sensors 12 (2012): depth errors are disparity errors, growing with z^2;
- Nguyen, Izadi, Lovell, "Modeling Kinect sensor noise for improved 3D reconstruction and
  tracking", 3DIMPVT (2012): lateral noise of about a pixel, none measured beyond 70 degrees;
- Handa, Whelan, McDonald, Davison, "A benchmark for RGB-D visual odometry, 3D reconstruction and
  SLAM", ICRA (2014): depth looked up a little aside, disparity in steps of an eighth of a pixel;
- Grunnet-Jepsen, Sweetser, Woodfill, "Best-known-methods for tuning Intel RealSense D400 depth
  cameras for best performance" (2018): z^2 * subpixel / (focal length * baseline), subpixel 0.05
  to 0.1; edges fattened by the matching window;
- Lindner, Schiller, Kolb, Koch, "Time-of-Flight sensor calibration for accurate range sensing",
  CVIU 114 (2010): less light, more noise; mixed depths on edges.

How often each fault occurs, and how strongly, is drawn far beyond a single device's numbers:
what is trained on it must bear any of them. Everywhere depth is (H,W) float32 metres, 0 where
there is none; images are (H,W,3) uint8 RGB, and focal lengths are in pixels of the image.
"""

from __future__ import annotations

import cv2
import numpy as np

KINECT = (0.075, 640)  # baseline in metres, width in pixels of the sensor's own image
ORBBEC = (0.04, 640)
D435 = (0.05, 848)
D415 = (0.055, 1280)
STEEPEST = 70.0  # degrees between the ray and the surface's normal


def sense(depth: np.ndarray, image: np.ndarray, focal_length: float,
          rng: np.random.Generator) -> np.ndarray:
    """
    Look with a random sensor, registered to the colour camera not quite exactly.

    :param depth: (H,W) float32 exact depth in metres, 0 for none.
    :param image: (H,W,3) uint8 RGB of the same view.
    :param rng: decides the sensor and its faults.
    :return: (H,W) float32 metres, 0 where the sensor measures nothing.
    """
    sensors = (structured_light, active_stereo, time_of_flight)
    kind = rng.choice(4, p=[0.35, 0.4, 0.15, 0.1])
    seen = sensors[kind](depth, image, focal_length, rng) if kind < 3 else depth
    shift = rng.normal(0, rng.uniform(0, 1), 2).clip(-2, 2)
    return framed(shifted(seen, shift), rng)


def structured_light(depth: np.ndarray, image: np.ndarray, focal_length: float,
                     rng: np.random.Generator) -> np.ndarray:
    """Look with a projected pattern and one camera, as Kinect (first) and Orbbec Astra do."""
    baseline, width = (KINECT, ORBBEC)[int(rng.integers(2))]
    side = rng.choice([-1.0, 1.0])
    seen = without_steep(depth, focal_length, rng.uniform(STEEPEST, 88))
    seen = shadowed(seen, side * focal_length * baseline)
    seen = wobbled(seen, rng.uniform(0.3, 1.2), rng)
    if rng.random() < 0.4:
        seen = without_edges(seen, rng.uniform(0.02, 0.08), 3)
    own_focal_length = focal_length * width / depth.shape[1]
    seen = disparity_noise(seen, own_focal_length * baseline, rng.uniform(0.03, 0.15),
                           1 / 8 if rng.random() < 0.8 else 1 / 16, rng)
    seen = with_holes(seen, loss_of_light(image, rng) + rng.uniform(0, 0.02), 2.0, rng)
    return within(seen, rng.uniform(0.12, 0.35), rng.uniform(1.5, 6))


def active_stereo(depth: np.ndarray, image: np.ndarray, focal_length: float,
                  rng: np.random.Generator) -> np.ndarray:
    """Look with two infrared cameras and a pattern, as RealSense D415 and D435 do."""
    baseline, width = (D435, D415)[int(rng.integers(2))]
    own_focal_length = focal_length * width / depth.shape[1]
    window = int(rng.choice([1, 3, 5], p=[0.3, 0.5, 0.2]))
    seen = fattened(depth, window)
    seen = wobbled(seen, rng.uniform(0.5, 1.5), rng)
    if rng.random() < 0.6:
        seen = shadowed(seen, focal_length * baseline)
    if rng.random() < 0.6:
        window = int(rng.choice([1, 3, 5], p=[0.45, 0.45, 0.1]))
        seen = without_edges(seen, rng.uniform(0.015, 0.06), window)
    seen = disparity_noise(seen, own_focal_length * baseline, 0.03 * 8 ** rng.random(), 1 / 32,
                           rng, grain=rng.uniform(0.8, 3))
    lost = loss_of_light(image, rng)
    if rng.random() < 0.3:
        lost = lost + loss_of_texture(image, rng.uniform(0.02, 0.4))
    seen = with_holes(seen, lost + rng.uniform(0, 0.02), rng.uniform(1, 4), rng)
    if rng.random() < 0.5:
        seen = smoothed(seen)
    return within(seen, rng.uniform(0.1, 0.3), rng.uniform(1.5, 8))


def time_of_flight(depth: np.ndarray, image: np.ndarray, focal_length: float,
                   rng: np.random.Generator) -> np.ndarray:
    """Look with modulated light, as Azure Kinect, Kinect 2 and Orbbec Femto do."""
    seen = mixed_edges(depth, rng.uniform(0.3, 1.0), rng)
    if rng.random() < 0.6:
        seen = without_edges(seen, rng.uniform(0.03, 0.08), 3)
    returned = np.maximum(luminance(image), 0.1)
    deviation = rng.uniform(5e-4, 2e-3) * (1 + depth**2) / np.sqrt(returned)
    noise = rng.standard_normal(depth.shape, np.float32)
    seen = np.where(seen > 0, seen + deviation.astype(np.float32) * noise, 0)
    seen = seen * (1 + rng.uniform(-0.004, 0.004) * smooth_noise(depth.shape, 12, rng))
    seen = with_holes(seen, loss_of_light(image, rng), 1.5, rng)
    return within(seen, rng.uniform(0.1, 0.25), rng.uniform(2, 5)).astype(np.float32)


def shadowed(depth: np.ndarray, focal_baseline: float) -> np.ndarray:
    """
    Take away what the projector, or the other camera, does not see.

    A point at column x of disparity d lies at x - d in the other view. It is hidden there where
    a point further along has come to lie at or before it.

    :param focal_baseline: focal length in pixels of this image times the baseline in metres;
        positive where the other one stands to the right, so that shadows fall to the left.
    :return: the same with 0 in the shadows.
    """
    if focal_baseline < 0:
        return shadowed(depth[:, ::-1], -focal_baseline)[:, ::-1]
    disparity = np.where(depth > 0, focal_baseline / np.maximum(depth, 1e-3), 0)
    other = np.arange(depth.shape[1], dtype=np.float32) - disparity
    nearest = np.minimum.accumulate(other[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(depth.shape, bool)
    hidden[:, :-1] = nearest[:, 1:] <= other[:, :-1]
    return np.where(hidden, 0, depth).astype(np.float32)


def disparity_noise(depth: np.ndarray, focal_baseline: float, deviation: float, step: float,
                    rng: np.random.Generator, grain: float = 0.0) -> np.ndarray:
    """
    Measure disparity with noise, and in steps: depth errs by z^2 / focal_baseline of that.

    :param focal_baseline: the sensor's own focal length in pixels times its baseline in metres.
    :param deviation: standard deviation of the disparity in the sensor's pixels.
    :param step: disparities are multiples of it, in pixels.
    :param grain: radius in pixels over which the noise is alike, as within a matching window.
    """
    noise = smooth_noise(depth.shape, grain, rng)
    disparity = focal_baseline / np.maximum(depth, 1e-3) + deviation * noise
    disparity = np.maximum(np.rint(disparity / step), 1) * step
    return np.where(depth > 0, focal_baseline / disparity, 0).astype(np.float32)


def wobbled(depth: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Look depths up aside, by a deviation in pixels, so that edges wave and fray."""
    rows, cols = np.indices(depth.shape, np.float32)
    aside = [deviation * smooth_noise(depth.shape, 1.0, rng) for _ in range(2)]
    return cv2.remap(depth, cols + aside[0], rows + aside[1], cv2.INTER_NEAREST,
                     borderMode=cv2.BORDER_REPLICATE)


def fattened(depth: np.ndarray, window: int) -> np.ndarray:
    """Let the nearer surface win in a window of odd pixels: things grow by half of it."""
    far = np.where(depth > 0, depth, np.inf).astype(np.float32)
    near = cv2.erode(far, np.ones((window, window), np.uint8))
    return np.where(np.isinf(near), 0, near).astype(np.float32)


def without_edges(depth: np.ndarray, jump: float, window: int) -> np.ndarray:
    """
    Measure nothing where depth jumps or folds; on a plane, however steep, 1 / z is linear.

    :param jump: share of the depth.
    :param window: odd, in pixels, around the edge.
    """
    inverse = np.where(depth > 0, 1 / np.maximum(depth, 1e-3), 0).astype(np.float32)
    edge = np.zeros(depth.shape, np.uint8)
    edge[1:-1] = np.abs(np.diff(inverse, 2, 0)) * depth[1:-1] > jump
    edge[:, 1:-1] |= np.abs(np.diff(inverse, 2, 1)) * depth[:, 1:-1] > jump
    return np.where(cv2.dilate(edge, np.ones((window, window), np.uint8)), 0, depth).astype(
        np.float32)


def without_steep(depth: np.ndarray, focal_length: float, steepest: float) -> np.ndarray:
    """
    Measure nothing on surfaces seen at a grazing angle.

    :param steepest: angle between the ray and the surface's normal in degrees.
    """
    recedes = np.zeros_like(depth)
    for axis in (0, 1):
        step = np.abs(np.diff(depth, axis=axis, prepend=np.inf, append=np.inf))
        # The smaller of the steps to both neighbours: beside a jump the surface may be flat.
        before, after = (np.take(step, np.arange(n, n + depth.shape[axis]), axis) for n in (0, 1))
        recedes += np.minimum(before, after) ** 2
    # A pixel aside is z / f, on which the surface recedes by the tangent of the angle.
    limit = depth / focal_length * np.tan(np.radians(steepest))
    return np.where(recedes > limit**2, 0, depth).astype(np.float32)


def mixed_edges(depth: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Mix near and far on edges: pixels that fly between the two."""
    valid = (depth > 0).astype(np.float32)
    mean = cv2.blur(depth, (3, 3)) / np.maximum(cv2.blur(valid, (3, 3)), 1e-6)
    mixed = (rng.random(depth.shape, np.float32) < share) & (depth > 0)
    return np.where(mixed, mean, depth).astype(np.float32)


def smoothed(depth: np.ndarray) -> np.ndarray:
    """Take the median of 3x3, as a sensor's own filter does, (H,W) metres; holes stay."""
    return np.where(depth > 0, cv2.medianBlur(depth, 3), 0).astype(np.float32)


def with_holes(depth: np.ndarray, probability: np.ndarray | float, grain: float,
               rng: np.random.Generator) -> np.ndarray:
    """
    Punch holes.

    :param probability: of a hole, one or (H,W).
    :param grain: radius of holes in pixels.
    """
    noise = smooth_noise(depth.shape, grain, rng)
    # The logistic function is the normal distribution's to within 0.01.
    return np.where(1 / (1 + np.exp(-1.702 * noise)) < probability, 0, depth).astype(np.float32)


def loss_of_light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Tell how likely too little light comes back, or too much: from the dark and the glaring.

    :return: (H,W) probabilities.
    """
    light = luminance(image)
    # Sensors bring their own light: how bright a thing is matters, not the room's lamps.
    light = light / max(float(np.quantile(light[::4, ::4], 0.9)), 0.05)
    dark = np.clip(1 - light / rng.uniform(0.03, 0.12), 0, 1) * rng.uniform(0, 0.7)
    glare = np.clip(2 * (light - 1.1), 0, 1) * rng.uniform(0, 0.6) * (rng.random() < 0.5)
    return cv2.blur((dark + glare).astype(np.float32), (3, 3))


def loss_of_texture(image: np.ndarray, most: float) -> np.ndarray:
    """
    Tell how likely nothing is found to match: on what is of one colour.

    :param most: the probability where there is no texture at all.
    :return: (H,W) probabilities.
    """
    light = luminance(image)
    contrast = cv2.blur(np.abs(light - cv2.blur(light, (5, 5))), (7, 7))
    return most * np.exp(-contrast / 0.02)


def luminance(image: np.ndarray) -> np.ndarray:
    """Return how bright (H,W,3) uint8 RGB is, (H,W) float32 in 0..1."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255


def smooth_noise(size: tuple[int, int], grain: float, rng: np.random.Generator) -> np.ndarray:
    """
    Draw normal noise that is alike over a radius.

    :param size: (height, width).
    :param grain: standard deviation in pixels of the blur; none below 0.3.
    :return: (H,W) float32 of about unit variance.
    """
    noise = rng.standard_normal(size, np.float32)
    if grain < 0.3:
        return noise
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * grain)) + 1, grain, cv2.CV_32F)
    # Independent pixels add up by the squares of their weights.
    return cv2.sepFilter2D(noise, -1, kernel, kernel) / float((kernel**2).sum())


def shifted(depth: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """
    Register depth wrongly by a few pixels.

    :param shift: (2,) rows and columns, rounded to the nearest pixel.
    :return: (H,W) metres, 0 where nothing comes from.
    """
    across = np.float32([[1, 0, round(shift[1])], [0, 1, round(shift[0])]])
    return cv2.warpAffine(depth, across, depth.shape[::-1], flags=cv2.INTER_NEAREST)


def framed(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Leave out margins that the depth camera does not see, in a third of the images."""
    if rng.random() > 0.33:
        return depth
    height, width = depth.shape
    top, bottom, left, right = (rng.uniform(0, 0.06, 4) * [height, height, width, width]).astype(
        int)
    seen = np.zeros_like(depth)
    inside = np.s_[top:height - bottom, left:width - right]
    seen[inside] = depth[inside]
    return seen


def within(depth: np.ndarray, nearest: float, farthest: float) -> np.ndarray:
    """Measure nothing beyond the sensor's range, in metres."""
    return np.where((depth >= nearest) & (depth <= farthest), depth, 0).astype(np.float32)
