# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the documents name is there."""

from __future__ import annotations

import ast
from pathlib import Path
import re

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]


def defined(path: Path) -> set[str]:
    """List the functions and classes of a file, and Class.method."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            names |= {f'{node.name}.{inner.name}' for inner in node.body
                      if isinstance(node, ast.ClassDef) and isinstance(inner, ast.FunctionDef)}
    return names


def test_the_places_that_method_names_are_there() -> None:
    text = (ROOT / 'docs' / 'method.md').read_text()
    places = re.findall(r'`([a-z0-9_/]+\.py):([A-Za-z0-9_.]+)`', text)
    assert len(places) > 30
    missing = [f'{file}:{name}' for file, name in places
               if name not in defined(ROOT / 'metricseg_ros' / file)]
    assert not missing


def test_links_between_documents_lead_somewhere() -> None:
    links = [(path, target) for path in DOCUMENTS if path.exists()
             for target in re.findall(r'\]\(([^)#:]+)\)', path.read_text())]
    assert links
    dead = [f'{path.name} -> {target}' for path, target in links
            if not (path.parent / target).exists()]
    assert not dead
