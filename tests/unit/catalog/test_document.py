"""docs/reference/catalog.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import render_catalog
from catalog_files import DATA, PLATFORMS, load, save

if TYPE_CHECKING:
    from pathlib import Path


def test_the_document_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/reference/catalog.md is what tools/render_catalog.py makes of the catalog."""
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


def test_a_build_of_unknown_gpus(tmp_path: Path) -> None:
    """A build whose wheel told no GPUs, for CUDA or for ROCm, is a row of the document that says so."""
    files = {path.stem: load(DATA, path.name) for path in DATA.glob("*.json")}
    rows = {build["torch_backend"]: build for build in files["builds"]["builds"] if build["release"] == "2.15.0"}
    rows["cu134"].update(sm=[], arch_confidence="unknown", arch_source=None)
    rows["rocm10.0"].update(gfx=[], arch_confidence="unknown", arch_source=None)
    save(tmp_path, {f"{name}.json": value for name, value in files.items()})
    text = render_catalog.render(tmp_path)
    assert "| rocm10.0 | linux_x86_64 | 2.15.0 | not known | - | unknown |" in text
    assert "| cu134 | linux_aarch64 | 2.15.0 | not known | - | unknown |" in text
