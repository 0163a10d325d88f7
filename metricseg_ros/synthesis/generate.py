# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Generate folders of synthetic scenes: in parallel, resumable, each image from its own seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
import multiprocessing
import os
from pathlib import Path

from metricseg_ros.synthesis.rendered.meshes import CATALOGUE
from metricseg_ros.synthesis.rendered.plan import NAMES
from metricseg_ros.synthesis.sources import contact_sheet, write_sources
from metricseg_ros.synthesis.synthetic_scene import (
    ENTRIES,
    entry_path,
    SyntheticScene,
    write_index,
    write_scene,
)
import numpy as np

Render = Callable[[np.random.Generator], list[SyntheticScene]]
FURNITURE_STRIDE = 4  # a quarter of the catalogue is variety enough for a background


@dataclass(frozen=True)
class GenerationTask:
    """
    Say what to generate.

    :param kind: rendered or composed.
    :param rng_seed: image i comes from the seed (rng_seed, i // views).
    :param label_folders: labelled photographs to cut things from (composed only).
    :param names_file: JSON list of the names of those photographs to use, or None for all.
    :param packages: use what installed packages offer; without, only the label folders and what
        is drawn.
    :param catalogue: folder of the models of things and furniture (.sh3f).
    :param views: images of each rendered scene; a further one costs a sixth of the first.
    :param only: names of the layouts to render; all by their shares where empty.
    """

    kind: str
    root: Path
    count: int
    size: tuple[int, int]
    rng_seed: int = 0
    jobs: int = 1
    label_folders: tuple[Path, ...] = ()
    names_file: Path | None = None
    packages: bool = True
    catalogue: Path = CATALOGUE
    views: int = 1
    only: tuple[str, ...] = ()


def generate(task: GenerationTask) -> int:
    """
    Write the images that are not there yet.

    :raises ValueError: where the task is impossible.
    """
    check_task(task)
    for part in ('images', 'labels', ENTRIES, *(['depth'] if task.kind == 'rendered' else [])):
        (task.root / part).mkdir(parents=True, exist_ok=True)
    missing = [i for i in range(task.count) if not is_written(task.root, i)]
    if missing:
        _report(task, _written(task, missing))
    write_index(task.root, [image_name(i) for i in range(task.count)], task.size)
    write_sources(task.root, task.kind, task.rng_seed, task.label_folders,
                  task.catalogue if task.packages else None)
    contact_sheet(task.root, task.count)
    return len(missing)


def check_task(task: GenerationTask) -> None:
    """
    Refuse an impossible task with the reason.

    :raises ValueError: naming the field, its value and the remedy.
    """
    if task.kind not in ('rendered', 'composed'):
        raise ValueError(f"kind must be 'rendered' or 'composed', got {task.kind!r}")
    for name in ('count', 'jobs', 'views'):
        if getattr(task, name) < 1:
            raise ValueError(f'{name} must be at least 1, got {getattr(task, name)}')
    if task.views > 1 and task.kind != 'rendered':
        raise ValueError(f'views must be 1 unless scenes are rendered, got {task.views}')
    if task.only and task.kind != 'rendered':
        raise ValueError(f'only must be empty unless scenes are rendered, got {task.only}')
    if unknown := set(task.only) - set(NAMES):
        raise ValueError(f'only must be of {", ".join(NAMES)}, got {", ".join(sorted(unknown))}')
    if min(task.size) < 32:
        raise ValueError(f'size must be at least 32x32 (height x width), got {task.size}')


def image_name(index: int) -> str:
    """Return the file name of an image, without suffix."""
    return f'{index:06d}'


def is_written(root: Path, index: int) -> bool:
    """Tell whether an image is complete: its label map is the last to be written."""
    name = image_name(index)
    return (root / 'labels' / f'{name}.png').exists() and entry_path(root, name).exists()


def _report(task: GenerationTask, written: Iterable[int]) -> None:
    from tqdm import tqdm
    done = sum(is_written(task.root, i) for i in range(task.count))
    with tqdm(total=task.count, initial=done, unit='image', mininterval=2.0) as bar:
        for count in written:
            bar.update(count)


def _written(task: GenerationTask, missing: list[int]) -> Iterable[int]:
    import cv2
    os.environ.setdefault('LP_NUM_THREADS', '1')  # the software renderer, one core a process
    cv2.setNumThreads(1)  # its pool of threads would not live on in a fork
    # What all share is loaded here, once, and comes to the processes by forking.
    open_renderer = _rendered_scenes(task) if task.kind == 'rendered' else _composed_scenes(task)
    scenes = sorted({i // task.views for i in missing})
    if task.jobs == 1:
        _start_worker(task, open_renderer)
        yield from map(_write_some, scenes)
        return
    context = multiprocessing.get_context('fork')
    # A process is replaced now and then: the renderer leaks.
    with context.Pool(task.jobs, _start_worker, (task, open_renderer), 500) as pool:
        yield from pool.imap(_write_some, scenes, chunksize=4)


_task: GenerationTask | None = None
_render: Render | None = None


def _start_worker(task: GenerationTask, open_renderer: Callable[[], Render]) -> None:
    global _task, _render
    _task, _render = task, open_renderer()


def _write_some(scene: int) -> int:
    """Write the images of a scene that are not there yet, and return how many they are."""
    images = _render(np.random.default_rng([_task.rng_seed, scene]))
    numbers = range(scene * _task.views, min((scene + 1) * _task.views, _task.count))
    missing = [i for i in numbers if not is_written(_task.root, i)]
    for i in missing:
        write_scene(_task.root, image_name(i), images[i - numbers.start])
    return len(missing)


def _rendered_scenes(task: GenerationTask) -> Callable[[], Render]:
    os.environ.setdefault('MUJOCO_GL', 'osmesa')
    try:
        from metricseg_ros.synthesis.rendered.rendering import SceneRenderer
    except ImportError as error:
        raise ValueError('kind rendered needs the Python package mujoco (scripts/setup without '
                         f"--runtime) and Debian's libosmesa6, got {error}") from error
    from metricseg_ros.synthesis.backgrounds import load_wallpapers
    from metricseg_ros.synthesis.rendered.meshes import load_solids, read_catalogue
    entries = read_catalogue(task.catalogue) if task.packages else []
    household = load_solids([entry for entry in entries if entry.is_household])
    furniture = load_solids([entry for entry in entries if entry.is_furniture][::FURNITURE_STRIDE])
    photos = load_wallpapers() if task.packages else []

    def open_renderer() -> Render:
        renderer = SceneRenderer(task.size, household, furniture, photos, task.only)
        return lambda rng: renderer.render(rng, task.views)

    return open_renderer


def _composed_scenes(task: GenerationTask) -> Callable[[], Render]:
    import json

    from metricseg_ros.datasets.label_folder import open_label_folder
    from metricseg_ros.synthesis.backgrounds import load_backgrounds, load_wallpapers
    from metricseg_ros.synthesis.composed.composition import compose
    from metricseg_ros.synthesis.composed.cutouts import load_cutouts
    from metricseg_ros.synthesis.composed.flat_things import draw_library
    names = json.loads(task.names_file.read_text()) if task.names_file else None
    folders = tuple(open_label_folder(path, names) for path in task.label_folders)
    cutouts = load_cutouts(folders, task.packages, task.catalogue)
    if not cutouts:
        raise ValueError('kind composed needs cut-outs: install tuxpaint-stamps-default or '
                         'sweethome3d-furniture, or give a label folder, got none of them')
    rng = np.random.default_rng(task.rng_seed)
    backgrounds = load_backgrounds(rng, packages=task.packages)
    flat, large = draw_library(rng, load_wallpapers() if task.packages else [])
    return lambda: lambda rng: [compose(backgrounds, cutouts + flat, task.size, rng, large)]
