# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Read the household models of the Debian package sweethome3d-furniture."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
import os
from pathlib import Path
import re
import zipfile

from metricseg_ros.synthesis.rendered.solids import Solid
from metricseg_ros.synthesis.rendered.wavefront import (
    load_converted,
    read_wavefront,
    save_converted,
)

CATALOGUE = Path('/usr/share/sweethome3d/furniture')
PACKAGE = 'sweethome3d-furniture'
LICENCES = {'BlendSwap-CC-0': 'CC0-1.0', 'BlendSwap-CC-BY': 'CC-BY-3.0',
            'KatorLegaz': 'CC-BY-3.0-US', 'Reallusion': 'CC-BY-3.0-US', 'Scopia': 'CC-BY-3.0'}
HOUSEHOLD_CM = 50.0
# Fixed to a wall, people, or several objects in one model: no single thing to pick up.
EXCLUDED = re.compile(
    r'switch|plug|socket|dimmer|wall|intercom|bell|antenna|smoke|cctv|surveillance|emergency|'
    r'ceiling|entry|faucet|porch|hose|letters box|stool|chair|table$|kitchen tools|cutlery|'
    r'oil servers|apples|fruits|salad|fries|chessboard|slippers|sneakers|shoes|mocassin|'
    r'pair|sushi|tulips|lantern|spot|folded clothes', re.IGNORECASE)
FURNITURE_CATEGORIES = ('Living room', 'Kitchen', 'Office', 'Bedroom', 'Miscellaneous')


@dataclass(frozen=True)
class CatalogueEntry:
    """
    Describe one model of the catalogue.

    :param archive: the zip file it lies in.
    :param model: path of the OBJ file inside the archive.
    :param icon: path of the picture with alpha inside the archive.
    :param size: width, depth, height in metres.
    """

    archive: Path
    name: str
    category: str
    creator: str
    model: str
    icon: str
    size: tuple[float, float, float]

    @property
    def licence(self) -> str:
        """Return the SPDX-like licence of the archive."""
        return LICENCES.get(self.archive.stem, 'see the package')

    @property
    def is_household(self) -> bool:
        """Tell whether this is one movable thing smaller than 50 cm."""
        return (max(self.size) < HOUSEHOLD_CM / 100 and self.category != 'Characters'
                and not EXCLUDED.search(self.name))

    @property
    def is_furniture(self) -> bool:
        """Tell whether this is standing furniture for the background."""
        return 0.5 <= max(self.size) <= 2.2 and self.category in FURNITURE_CATEGORIES


def read_catalogue(folder: Path = CATALOGUE) -> list[CatalogueEntry]:
    """List the models of the .sh3f archives in a folder; none where there are none."""
    return [entry for archive in sorted(folder.glob('*.sh3f')) for entry in _entries(archive)]


def load_solids(entries: list[CatalogueEntry], cache: Path | None = None) -> list[Solid]:
    """
    Load models, converting them at the first use.

    :param cache: folder of the converted models; the user's cache folder when None.
    :return: the solids; models without faces are left out.
    """
    cache = cache or cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    solids = [_load(entry, cache) for entry in entries]
    return [solid for solid in solids if solid is not None]


def cache_folder() -> Path:
    """Return the folder of converted models below the user's cache folder."""
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(base) / 'metricseg_ros' / 'meshes'


def _load(entry: CatalogueEntry, cache: Path) -> Solid | None:
    path = cache / f'{entry.archive.stem}-{Path(entry.model).stem}.npz'
    if not path.exists():
        with zipfile.ZipFile(entry.archive) as archive:
            save_converted(path, read_wavefront(archive, entry.model, entry.size))
    return load_converted(path, entry.name)


def _entries(archive: Path) -> list[CatalogueEntry]:
    with zipfile.ZipFile(archive) as content:
        text = content.read('PluginFurnitureCatalog.properties').decode('latin-1')
    fields: dict[str, dict[str, str]] = defaultdict(dict)
    for key, number, value in re.findall(r'^(\w+)#(\d+)=(.*)$', text, re.MULTILINE):
        fields[number][key] = value.strip()
    wanted = (f for f in fields.values()
              if f.get('model', '').endswith('.obj') and f.get('doorOrWindow') != 'true')
    return [_entry(archive, f) for f in wanted]


def _entry(archive: Path, fields: dict[str, str]) -> CatalogueEntry:
    width, depth, height = (float(fields[key]) / 100 for key in ('width', 'depth', 'height'))
    return CatalogueEntry(archive, fields['name'], fields.get('category', ''),
                          fields.get('creator', ''), fields['model'].lstrip('/'),
                          fields.get('icon', '').lstrip('/'), (width, depth, height))
