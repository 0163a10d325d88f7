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
from dataclasses import dataclass
from functools import partial
import secrets
import threading
from typing import Any

from metricseg_ros.datasets.reading import read_photograph
from metricseg_ros.inputs.images import natural_key
from metricseg_ros.labelling.actions import act, Context
from metricseg_ros.labelling.history import History
from metricseg_ros.labelling.labels import LabelError, Labels
from metricseg_ros.labelling.pointing import presegmented
from metricseg_ros.labelling.store import LabelStore
from metricseg_ros.segmenter import InstanceSegmenter
from metricseg_ros.structures import EmbeddedImage, Instances
import numpy as np

IN_MEMORY = 8
"""Images whose embeddings are kept."""

Seen = tuple[EmbeddedImage, Instances]
"""What the network sees in an image, and what the model finds in it."""

UNDO, REDO, DONE = 'undo', 'redo', 'done'


class StaleError(Exception):
    """A change that was made on labels which another page has changed meanwhile."""


@dataclass
class Document:
    """
    The labels of one image with what undo needs.

    :ivar history: the labels, and those before.
    :ivar changes: how many there were since the server started.
    """

    history: History
    changes: int = 0


class LabellingSession:
    """The images of a folder with their labels, as the page sees them."""

    def __init__(self, store: LabelStore, segmenter: InstanceSegmenter) -> None:
        """
        Begin.

        :param store: the folder.
        :param segmenter: finds objects, and what clicks belong to.
        """
        self.store, self.segmenter = store, segmenter
        self._documents: dict[str, Document] = {}
        self._seen: OrderedDict[str, Future[Seen]] = OrderedDict()
        self._changing, self._keeping = threading.RLock(), threading.Lock()
        self._looker = ThreadPoolExecutor(1)  # One image at a time; answers do not wait for it.
        self._own = secrets.token_hex(4)  # Revisions of an earlier server are none of this one.

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

        :param name: of the image.
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
            return self._state(name, self._document(name, seen))

    def change(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """
        Change an image's labels, and write them.

        :param name: of the image.
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
            document = self._document(name, seen)
            if asked.get('revision') != self._revision(document):
                raise StaleError('another page has changed this image: it is shown as it is now')
            chosen = self._act(name, document, asked, seen)
            document.changes += 1
            return self._state(name, document, chosen)

    def set_classes(self, classes: Sequence[str]) -> dict[str, Any]:
        """
        Say which classes objects may have.

        :param classes: their names.
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

    def _act(self, name: str, document: Document, asked: Mapping[str, Any],
             seen: Seen) -> int | None:
        """Change labels and what is on disk, or neither of them."""
        history, chosen, action = document.history, None, asked.get('action')
        before = (history.present, list(history.past), list(history.future))
        try:
            if action in (UNDO, REDO):
                history.undo() if action == UNDO else history.redo()
            elif action != DONE:
                context = Context(seen[0], self.segmenter.grouping, self.store.classes,
                                  partial(self._suggested, seen[1]))
                changed, chosen = act(history.present, asked, context)
                history.change(changed)
            self._write(name, history.present, action, asked)
        except Exception:
            history.present, history.past, history.future = before
            raise
        return chosen

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
                self._seen.popitem(last=False)
            return self._seen[name]

    def _see(self, name: str) -> Seen:
        embedded = self.segmenter.embed(read_photograph(self.store.image_path(name)))
        return embedded, self.segmenter.instances(embedded)

    def _document(self, name: str, seen: Seen) -> Document:
        if name not in self._documents:
            embedded, found = seen
            labels = self.store.read(name)
            if labels is not None and labels.label_map.shape != embedded.image_size:
                raise ValueError(f'the label map of {name} is of size {labels.label_map.shape}, '
                                 f'its image of {embedded.image_size}: remove one of them')
            self._documents[name] = Document(History(
                self._suggested(found) if labels is None else labels))
        return self._documents[name]

    def _suggested(self, found: Instances) -> Labels:
        of_model, classes = self.segmenter.description.classes, self.store.classes
        names = [of_model[class_id - 1] for class_id in found.class_ids.tolist()]
        return presegmented(found, [name if name in classes else classes[0] for name in names])

    def _revision(self, document: Document) -> str:
        return f'{self._own}-{document.changes}'

    def _state(self, name: str, document: Document, chosen: int | None = None) -> dict[str, Any]:
        history = document.history
        labels, ids = history.present, history.present.ids
        return {'name': name, 'revision': self._revision(document),
                'size': list(labels.label_map.shape), 'runs': runs_of(labels.label_map),
                'objects': [{'id': own, 'class': labels.names[own - 1]} for own in ids],
                'chosen': chosen if chosen in ids else None,
                'done': self.store.entries[name].done,
                'undo': len(history.past), 'redo': len(history.future)}


def runs_of(label_map: np.ndarray) -> str:
    """
    Code a label map by its runs of equal pixels, row by row.

    :param label_map: (H,W) uint16.
    :return: base64 of little-endian uint32, label and length of each run in turn.
    """
    flat = label_map.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    runs = np.stack([flat[starts].astype('<u4'), np.diff(starts, append=len(flat))], axis=1)
    return base64.b64encode(runs.astype('<u4').tobytes()).decode()


__all__ = ['LabelError', 'LabellingSession', 'runs_of', 'StaleError']
