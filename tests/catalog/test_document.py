"""docs/catalog.md."""

from __future__ import annotations

import pytest
import render_catalog
from catalog_files import DATA, PLATFORMS, load


def test_the_document_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/catalog.md is what tools/render_catalog.py makes of the catalog."""
    assert render_catalog.main(["--check"]) == 0, capsys.readouterr().out


def test_the_document_names_every_build() -> None:
    """The table of builds has a row for every release, and in it every build, struck out where it is never pinned."""
    rows = {}
    for line in render_catalog.render(DATA).partition("## Builds")[2].partition("##")[0].splitlines()[3:]:
        release, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[release] = cells
    for build in load(DATA, "builds.json")["builds"]:
        cell = rows[build["release"]][PLATFORMS.index(build["platform"])].replace("*", "").split()
        name = build["torch_backend"]
        expected = (
            f"~~{name}~~" if build["confidence"] == "unseen" else name + render_catalog._MARKS[build["confidence"]]
        )
        assert expected in cell, build
