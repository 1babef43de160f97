"""What a project says of torch by itself becomes a requirement of torch-auto, and the rest of the file stays."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from torch_auto import catalog
from torch_auto.catalog.pairs import pair_rows
from torch_auto.cli import main
from torch_auto.cli.project.change import Change, kept
from torch_auto.cli.project.script import Script
from torch_auto.cli.project.toml import parse
from torch_auto.cli.project.toml.document import Document, edited
from torch_auto.cli.tools.takeover import found_among, is_satisfiable, overrides, specifier_of, take_requirements
from torch_auto.cli.tools.uv_takeover import take_conflicts, take_sources

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = catalog.load()
NEWEST = CATALOG.newest.version

#: Requirements, and the versions of torch-auto that they stand for.
REQUIRED = {
    ("torch",): "",
    ("torch==2.9.1+cu128",): "==2.9.1",
    ("torch===2.9.1",): "==2.9.1",
    ("Torch==2.9.1", "torch_vision"): "==2.9.1",
    ("torch>=2.5,<2.8",): ">=2.5,<2.8",
    ("torch~=2.8.0",): "~=2.8.0",
    ("torch==2.9.*",): "==2.9.*",
    ("torch!=2.6.0",): "!=2.6.0",
    ("torch>=2.7", "torch>=2.7"): ">=2.7",
    ("torch[opt-einsum]>=2.7; sys_platform == 'linux'",): ">=2.7",
    ("torchvision",): "",
    ("torchvision==0.24.1",): "==2.9.1",
    ("torchvision==0.24.1+cu128",): "==2.9.1",
    ("torchvision~=0.23.0",): "==2.8.0",
    ("torchvision>=0.22.0",): ">=2.7.0",
    ("torchvision>=0.22,<0.24",): ">=2.7.0,<=2.8.0",
    ("torchaudio==2.8.0", "torchvision>=0.22"): "==2.8.0",
    ("torch>=2.7.0", "torchvision>=0.22.0"): ">=2.7.0",
    ("torch>=2.7", "torchvision==0.24.1"): ">=2.7,==2.9.1",
    ("numpy>=2", "torchmetrics==1.0"): "",
}


@pytest.mark.parametrize("texts", list(REQUIRED))
def test_versions(texts: tuple[str, ...]) -> None:
    """torch-auto has torch's versions; a local version is its own to choose, and a pair's release is torch's."""
    found = found_among(texts)
    assert found.faults == ()
    assert specifier_of(found, CATALOG) == REQUIRED[texts]


def test_a_bound_of_the_newest_pair_is_a_bound() -> None:
    """What `uv add torchvision` writes on the day of a release is a bound, and no pin."""
    [vision] = [row["version"] for row in pair_rows() if (row["project"], row["release"]) == ("torchvision", NEWEST)]
    assert specifier_of(found_among([f"torchvision>={vision}"]), CATALOG) == f">={NEWEST}"
    assert specifier_of(found_among([f"torchvision=={vision}"]), CATALOG) == f"=={NEWEST}"


FAULTY = {
    "torch @ https://x.example/torch.whl": "is at an address of its own",
    "torchvision @ file:///vision": "is at an address of its own",
}


@pytest.mark.parametrize("text", list(FAULTY))
def test_what_cannot_be_taken_over(text: str) -> None:
    """A URL is somebody's choice, and torch-auto has no answer to it."""
    [fault] = found_among([text]).faults
    assert FAULTY[text] in fault


def test_contradictions_and_old_releases_are_told() -> None:
    """Several versions of torch are named, and one that no release of torch-auto has is found out."""
    [fault] = found_among(["torch>=2.7", "torch==2.6.0; sys_platform == 'darwin'"]).faults
    assert fault == "torch is required in several ways: >=2.7, ==2.6.0"
    assert not is_satisfiable("==1.13.1", CATALOG)
    assert is_satisfiable(f"=={NEWEST}", CATALOG)


def test_what_replaces_or_takes_away_a_pin() -> None:
    """Overrides and exclusions of the three are faults; those of others and constraints are none."""
    settings = {
        "override-dependencies": ["torch==2.9.1", "numpy<2"],
        "exclude-dependencies": ["torchaudio"],
        "constraint-dependencies": ["torch<2.10"],
    }
    assert list(overrides(settings, "uv.toml")) == [
        "override-dependencies in uv.toml has torch==2.9.1, which replaces what torch-auto pins",
        "exclude-dependencies in uv.toml has torchaudio, which takes away what torch-auto pins",
    ]


PROJECT = """\
[project]
name = "x" # ours
dependencies = [
    "numpy", # arrays
    "torch>=2.7", # the newest
    "zarr",
]

[project.optional-dependencies]
gpu = ["torch", "triton"]
cpu = ["torch"]

[dependency-groups]
dev = ["ruff"]
vision = [ 'torchvision>=0.22' ]

[tool.uv]
conflicts = [
    [{ extra = "cpu" }, { extra = "gpu" }],
    [{ extra = "gpu" }, { group = "dev" }],
]

[tool.uv.sources]
torch = { index = "pytorch-cpu" }
triton = { index = "pytorch-cu128" }

# ours
[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true

[[tool.uv.index]]
name = "pytorch-cu128"
url = "https://download.pytorch.org/whl/cu128"
explicit = true

[tool.ruff]
line-length = 100
"""


def test_what_is_taken_out_of_a_project() -> None:
    """Requirements, groups and extras that are then empty, their conflicts, sources, and indexes that nobody uses."""

    def edit(document: Document) -> None:
        take_conflicts(document, take_requirements(document))

    base = "https://download.pytorch.org/whl"
    found = edited(edited(PROJECT, edit), partial(take_sources, path="pyproject.toml", index_url=base))
    content = parse(found)
    assert content["project"]["dependencies"] == ["numpy", "zarr"]
    assert content["project"]["optional-dependencies"] == {"gpu": ["triton"]}
    assert content["dependency-groups"] == {"dev": ["ruff"]}
    assert content["tool"]["uv"]["conflicts"] == [[{"extra": "gpu"}, {"group": "dev"}]]
    assert content["tool"]["uv"]["sources"] == {"triton": {"index": "pytorch-cu128"}}
    assert [entry["name"] for entry in content["tool"]["uv"]["index"]] == ["pytorch-cu128"]
    for line in ('name = "x" # ours', '    "numpy", # arrays', "[tool.ruff]\nline-length = 100\n"):
        assert line in found


EVERY_SPELLING = """\
[tool.uv]
index-url = "https://download.pytorch.org/whl/cpu"
extra-index-url = ["https://ours.example/simple", "https://download.pytorch.org/whl/cu126"]
find-links = ["https://download.pytorch.org/whl/torch/"]

[tool.uv.pip]
index-url = "https://download.pytorch.org/whl/cpu/"
extra-index-url = ["https://download.pytorch.org/whl/cu126"]
"""


@pytest.mark.parametrize("path", ["pyproject.toml", "uv.toml"])
def test_every_spelling_of_an_index_is_taken_out(path: str) -> None:
    """PyTorch's indexes go from [tool.uv] and from uv.toml, and from what is for `uv pip`; others stay."""
    in_project = path == "pyproject.toml"
    text = EVERY_SPELLING if in_project else EVERY_SPELLING.replace("[tool.uv]\n", "").replace("tool.uv.", "")
    found = edited(text, partial(take_sources, path=path, index_url="https://download.pytorch.org/whl"))
    content = parse(found)
    settings = content["tool"]["uv"] if in_project else content
    assert settings == {"extra-index-url": ["https://ours.example/simple"]}


def test_an_index_that_add_cannot_take_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of PyTorch's that another package is taken from, and one in a variable, end it with what to do."""
    text = (
        '[project]\nname = "x"\nversion = "1"\ndependencies = ["triton"]\n\n[tool.uv.sources]\n'
        'triton = { index = "p" }\n\n[[tool.uv.index]]\nname = "p"\nurl = "https://download.pytorch.org/whl/cu126"\n'
    )
    path = tmp_path / "pyproject.toml"
    path.write_text(text, "utf-8")
    assert main(["add", "--project", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert f"Write explicit = true there, or take it out of {path}" in error
    assert path.read_text("utf-8") == text
    path.write_text(text.replace('cu126"\n', 'cu126"\nexplicit = true\n'), "utf-8")
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "https://download.pytorch.org/whl/cpu")
    assert main(["add", "--project", str(tmp_path), "--dry-run"]) == 2
    assert "Unset UV_EXTRA_INDEX_URL" in capsys.readouterr().err


SCRIPTS = {
    "none": ("import torch\n", "# /// script\n# dependencies = []\n# a = 1\n# ///\n\nimport torch\n"),
    "a shebang": (
        "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\nx = 1\n",
        "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# /// script\n# dependencies = []\n# a = 1\n# ///\n\nx = 1\n",
    ),
    "a block": (
        "# hi\n# /// script\n# dependencies = [\n#   'numpy',\n# ]\n#\n# # ours\n# ///\nx = '# /// script'\n",
        "# hi\n# /// script\n# dependencies = [\n#   'numpy',\n# ]\n#\n# # ours\n# a = 1\n# ///\nx = '# /// script'\n",
    ),
}


@pytest.mark.parametrize("name", list(SCRIPTS))
def test_a_script(name: str, tmp_path: Path) -> None:
    """The block of a script is read and changed as TOML, and made below the first lines where there is none."""
    before, after = SCRIPTS[name]
    path = tmp_path / "s.py"
    path.write_text(before, "utf-8")
    script = Script(str(path))
    parse(script.after)
    script.after += "a = 1\n"
    script.write()
    assert path.read_text("utf-8") == after


def test_files_are_kept_together(tmp_path: Path) -> None:
    """Where something fails, files are as they were before: changed ones back, new ones gone, missing ones made."""
    changed, new, gone = (tmp_path / name for name in ("changed", "new", "gone"))
    changed.write_bytes(b"a\r\n\xff")
    gone.write_text("g", "utf-8")

    def fail() -> None:
        with kept(map(str, (changed, new, gone))):
            changed.write_bytes(b"b\xff")
            new.write_text("n", "utf-8")
            gone.unlink()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (changed.read_bytes(), new.exists(), gone.read_text("utf-8")) == (b"a\r\n\xff", False, "g")


def test_a_file_that_is_asked_for_twice_is_one_text(tmp_path: Path) -> None:
    """A change sees a file once, by whichever path, and shows whether lines of the user's go."""
    path = tmp_path / "a.toml"
    path.write_text("x = 1\n", "utf-8")
    change = Change()
    text = change.text(str(path))
    assert change.text(str(tmp_path / "." / "a.toml")) is text
    text.after += "y = 2\n"
    assert (change.takes_away, change.difference("changes")) == (False, [f"{path} changes:", "  + y = 2"])
    text.after = "y = 2\n"
    assert change.takes_away
