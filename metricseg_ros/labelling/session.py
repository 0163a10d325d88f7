# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A folder being labelled: what the server does, without the web.

Every change names the revision that it was made on. If another page has changed the labels
meanwhile it is refused, so that nobody's work is lost unseen. One process writes to a folder.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
import hashlib
import threading
from typing import Any

from metricseg_ros.datasets.reading.files import read_photograph
from metricseg_ros.inputs.images import natural_key
from metricseg_ros.labelling.actions import act, ActionContext
from metricseg_ros.labelling.history import History
from metricseg_ros.labelling.labels import LabelError, Labels
from metricseg_ros.labelling.pointing import presegmented
from metricseg_ros.labelling.store import LabelStore
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage, Instances
import numpy as np

IN_MEMORY = 8
"""Images whose embeddings are kept, and the steps to undo."""

Seen = tuple[EmbeddedImage, Instances]
"""What the network sees in an image, and what the model finds in it."""

UNDO, REDO, DONE = 'undo', 'redo', 'done'


class StaleError(Exception):
    """A change that was made on labels which another page has changed meanwhile."""


class LabellingSession:
    """The images of a folder with their labels, as the page sees them."""

    def __init__(self, store: LabelStore, segmenter: InstanceSegmenter,
                 depth: bool = True) -> None:
        """
        Begin.

        :param depth: whether it sees depth, where the folder has it.
        """
        self.store, self.segmenter, self.depth = store, segmenter, depth
        self._histories: dict[str, History] = {}
        self._seen: OrderedDict[str, Future[Seen]] = OrderedDict()
        self._changing, self._keeping = threading.RLock(), threading.Lock()
        self._looker = ThreadPoolExecutor(1)  # One image at a time; answers do not wait for it.

    @property
    def names(self) -> list[str]:
        """Return the names of the images, in the order in which they are labelled."""
        return sorted(self.store.entries, key=natural_key)

    def overview(self) -> dict[str, Any]:
        """Say which images there are, which are done, and which classes objects may have."""
        with self._changing:
            entries = {name: self.store.entries[name] for name in self.names}
            images = [{'name': name, 'done': entry.done,
                       'begun': entry.done or self.store.label_path(name).is_file()}
                      for name, entry in entries.items()]
        return {'images': images, 'classes': list(self.store.classes),
                'folder': str(self.store.root), 'model': self.segmenter.description.name}

    def open(self, name: str) -> dict[str, Any]:
        """
        Show an image's labels, or what the model finds where there are none.

        :return: the state, as :meth:`change` gives it.
        :raises KeyError: if there is no such image.
        :raises ValueError: if a file is damaged.
        """
        self.store.entries[name]
        seen = self._look(name).result()
        names = self.names
        for following in names[names.index(name) + 1:][:1]:
            self._look(following)
        with self._changing:
            return self._state(name, self._history(name, seen))

    def change(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """
        Change an image's labels, and write them.

        :param asked: `revision`, `action`, and what the action needs.
        :return: `revision`, `size`, `runs` (the label map, as :func:`runs_of` codes it),
            `objects`, `chosen`, `done`, `undo` and `redo` (how many steps there are).
        :raises KeyError: if there is no such image.
        :raises StaleError: if the labels have been changed since that revision.
        :raises LabelError: if it cannot be done.
        :raises OSError: if it cannot be written; then nothing has changed.
        """
        self.store.entries[name]
        seen = self._look(name).result()
        with self._changing:
            history = self._history(name, seen)
            if asked.get('revision') != revision_of(history.present):
                raise StaleError('another page has changed this image: it is shown as it is now')
            history, chosen = self._act(name, history, asked, seen)
            self._histories[name] = history
            return self._state(name, history, chosen)

    def set_classes(self, classes: Sequence[str]) -> dict[str, Any]:
        """
        Say which classes objects may have.

        :return: as :meth:`overview`.
        :raises LabelError: if they cannot be.
        """
        with self._changing:
            self.store.set_classes(tuple(classes))
        return self.overview()

    def close(self) -> None:
        """Wait for what is being written, and end."""
        self._looker.shutdown(cancel_futures=True)
        with self._changing:
            self.segmenter.close()

    def _act(self, name: str, history: History, asked: Mapping[str, Any],
             seen: Seen) -> tuple[History, int | None]:
        """Change labels on disk; give what they are then, and what is chosen."""
        chosen, action = None, asked.get('action')
        if action in (UNDO, REDO):
            history = history.undone() if action == UNDO else history.redone()
        elif action != DONE:
            context = ActionContext(seen[0], self.segmenter.grouping, self.store.classes,
                                    partial(self._suggested, seen[1]))
            changed, chosen = act(history.present, asked, context)
            history = history.changed(changed)
        self._write(name, history.present, action, asked)
        return history, chosen

    def _write(self, name: str, labels: Labels, action: str, asked: Mapping[str, Any]) -> None:
        if action != DONE:
            self.store.write(name, labels)
        elif asked.get('done', True) is True:
            self.store.finish(name, labels)
        else:
            self.store.take_back(name, labels)

    def _look(self, name: str) -> Future[Seen]:
        """Let the model look at an image, unless it has; what is to come can be waited for."""
        with self._keeping:
            kept = self._seen.get(name)
            if kept is None or (kept.done() and kept.exception()):
                self._seen[name] = self._looker.submit(self._see, name)
            self._seen.move_to_end(name)
            while len(self._seen) > IN_MEMORY:
                forgotten, _ = self._seen.popitem(last=False)
                self._histories.pop(forgotten, None)
            return self._seen[name]

    def _see(self, name: str) -> Seen:
        image = read_photograph(self.store.image_path(name))
        depth = self.store.read_depth(name, image.shape[:2]) if self.depth else None
        embedded = self.segmenter.embed(image, depth)
        return embedded, self.segmenter.instances(embedded)

    def _history(self, name: str, seen: Seen) -> History:
        if name not in self._histories:
            embedded, found = seen
            labels = self.store.read(name)
            if labels is not None and labels.label_map.shape != embedded.image_size:
                raise ValueError(f'the label map of {name} is of size {labels.label_map.shape}, '
                                 f'its image of {embedded.image_size}: remove one of them')
            self._histories[name] = History(self._suggested(found) if labels is None else labels)
        return self._histories[name]

    def _suggested(self, found: Instances) -> Labels:
        of_model, classes = self.segmenter.description.classes, self.store.classes
        names = [of_model[class_id - 1] for class_id in found.class_ids.tolist()]
        return presegmented(found, [name if name in classes else classes[0] for name in names])

    def _state(self, name: str, history: History, chosen: int | None = None) -> dict[str, Any]:
        labels, ids = history.present, history.present.ids
        return {'name': name, 'revision': revision_of(labels),
                'size': list(labels.label_map.shape), 'runs': runs_of(labels.label_map),
                'objects': [{'id': own, 'class': labels.names[own - 1]} for own in ids],
                'chosen': chosen if chosen in ids else None,
                'done': self.store.entries[name].done,
                'undo': len(history.past), 'redo': len(history.future)}


def revision_of(labels: Labels) -> str:
    """Give a text that tells these labels from all others."""
    return hashlib.sha256(labels.png + '\n'.join(labels.names).encode()).hexdigest()[:32]


def runs_of(label_map: np.ndarray) -> str:
    """
    Code a label map by its runs of equal pixels, row by row.

    :return: base64 of little-endian uint32, label and length of each run in turn.
    """
    flat = label_map.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    runs = np.stack([flat[starts].astype('<u4'), np.diff(starts, append=len(flat))], axis=1)
    return base64.b64encode(runs.astype('<u4').tobytes()).decode()


__all__ = ['LabelError', 'LabellingSession', 'runs_of', 'StaleError']
