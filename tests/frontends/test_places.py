"""Every spelling of "where packages come from": what torch-auto says of it is what the tool does.

The index on 127.0.0.1 has numpy 1.26.3 beside torch, as the real one has an old numpy, and PyPI has 2.3.5.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support import frontends
from support.frontends import Frontend, Sandbox
from support.torch_index import NUMPY, OLD_NUMPY

from torch_auto.cli import tools
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project import project as projects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.torch_index import TorchIndex

pytestmark = pytest.mark.frontend


def in_words(text: str, index: TorchIndex) -> str:
    """A spelling with the addresses of this run: TORCH is an index of PyTorch's, WHL its base, VIEW is PyPI."""
    return text.replace("TORCH", index.of_backend("cu126")).replace("WHL", index.whl).replace("VIEW", index.pypi)


def hidden(
    tool: str, folder: Path, variables: Mapping[str, str], index: TorchIndex, prefix: Path | None = None
) -> bool:
    """What torch-auto says: whether an index of PyTorch's hides PyPI."""
    project = projects.find(str(folder))
    installed = environments.at(str(prefix)) if prefix is not None else None
    found = tools.by_name(tool).hiding(project, variables, installed or environments.own(), index.whl)
    return bool(found)


#: [tool.uv] of a project, uv.toml in it, the user's uv.toml, variables; and whether numpy comes from PyTorch's index,
#: in a project and with `uv pip`.
UV: dict[str, tuple[str, str | None, str, dict[str, str | None], bool, bool]] = {
    "nothing": ("", None, "", {}, False, False),
    "index": ('[[tool.uv.index]]\nurl = "TORCH"', None, "", {}, True, True),
    "index, the whole": ('[[tool.uv.index]]\nurl = "WHL"', None, "", {}, True, True),
    "index, inline": ('[tool.uv]\nindex = [{ url = "TORCH" }]', None, "", {}, True, True),
    "index, explicit": ('[[tool.uv.index]]\nname = "p"\nurl = "TORCH"\nexplicit = true', None, "", {}, False, False),
    "index, default": (
        '[[tool.uv.index]]\nurl = "TORCH"\ndefault = true', None, "", {"UV_DEFAULT_INDEX": None}, True, True,
    ),
    "index, default, and PyPI beside it": (
        '[[tool.uv.index]]\nurl = "TORCH"\ndefault = true\n[[tool.uv.index]]\nurl = "VIEW"',
        None, "", {"UV_DEFAULT_INDEX": None}, False, False,
    ),
    "index, flat": ('[[tool.uv.index]]\nurl = "WHL/torch/"\nformat = "flat"', None, "", {}, False, False),
    "index behind PyPI": (
        '[[tool.uv.index]]\nurl = "VIEW"\n[[tool.uv.index]]\nurl = "TORCH"', None, "", {}, False, False,
    ),
    "extra-index-url": ('[tool.uv]\nextra-index-url = ["TORCH"]', None, "", {}, True, True),
    "extra-index-url behind PyPI": ('[tool.uv]\nextra-index-url = ["VIEW", "TORCH"]', None, "", {}, False, False),
    "extra-index-url behind an index": (
        '[tool.uv]\nextra-index-url = ["TORCH"]\n[[tool.uv.index]]\nurl = "VIEW"', None, "", {}, False, False,
    ),
    "index before PyPI's extra-index-url": (
        '[tool.uv]\nextra-index-url = ["VIEW"]\n[[tool.uv.index]]\nurl = "TORCH"', None, "", {}, True, True,
    ),
    "index-url": ('[tool.uv]\nindex-url = "TORCH"', None, "", {"UV_DEFAULT_INDEX": None}, True, True),
    "index-url that a variable replaces": ('[tool.uv]\nindex-url = "TORCH"', None, "", {}, False, False),
    "index-url, and PyPI beside it": (
        '[tool.uv]\nindex-url = "TORCH"\nextra-index-url = ["VIEW"]',
        None, "", {"UV_DEFAULT_INDEX": None}, False, False,
    ),
    "find-links": ('[tool.uv]\nfind-links = ["WHL/numpy/"]', None, "", {}, False, False),
    "tool.uv.pip, extra": ('[tool.uv.pip]\nextra-index-url = ["TORCH"]', None, "", {}, False, True),
    "tool.uv.pip, index-url": (
        '[tool.uv]\nindex-url = "VIEW"\n[tool.uv.pip]\nindex-url = "TORCH"',
        None, "", {"UV_DEFAULT_INDEX": None}, False, True,
    ),
    "the best version of all": (
        '[tool.uv]\nindex-strategy = "unsafe-best-match"\nextra-index-url = ["TORCH"]', None, "", {}, False, False,
    ),
    "the best version of all, for uv pip": (
        '[tool.uv]\nextra-index-url = ["TORCH"]\n[tool.uv.pip]\nindex-strategy = "unsafe-best-match"',
        None, "", {}, True, False,
    ),
    "uv.toml": ("", 'extra-index-url = ["TORCH"]', "", {}, True, True),
    "uv.toml, index": ("", '[[index]]\nurl = "TORCH"', "", {}, True, True),
    "uv.toml, pip": ("", '[pip]\nextra-index-url = ["TORCH"]', "", {}, False, True),
    "uv.toml, which hides [tool.uv]": ('[tool.uv]\nextra-index-url = ["TORCH"]', "", "", {}, False, False),
    "the user's uv.toml": ("", None, 'extra-index-url = ["TORCH"]', {}, True, True),
    "the user's uv.toml, index": ("", None, '[[index]]\nurl = "TORCH"', {}, True, True),
    "the user's uv.toml, index-url": ("", None, 'index-url = "TORCH"', {"UV_DEFAULT_INDEX": None}, True, True),
    "the user's uv.toml behind the project's PyPI": (
        '[[tool.uv.index]]\nurl = "VIEW"', None, '[[index]]\nurl = "TORCH"', {}, False, False,
    ),
    "UV_INDEX": ("", None, "", {"UV_INDEX": "TORCH"}, True, True),
    "UV_INDEX with a name": ("", None, "", {"UV_INDEX": "p=TORCH"}, True, True),
    "UV_EXTRA_INDEX_URL": ("", None, "", {"UV_EXTRA_INDEX_URL": "TORCH"}, True, True),
    "UV_DEFAULT_INDEX": ("", None, "", {"UV_DEFAULT_INDEX": "TORCH"}, True, True),
    "UV_INDEX_URL": ("", None, "", {"UV_DEFAULT_INDEX": None, "UV_INDEX_URL": "TORCH"}, True, True),
    "UV_INDEX_URL behind UV_DEFAULT_INDEX": ("", None, "", {"UV_INDEX_URL": "TORCH"}, False, False),
    "UV_INDEX_STRATEGY": ("", None, "", {"UV_INDEX": "TORCH", "UV_INDEX_STRATEGY": "unsafe-best-match"}, False, False),
    "UV_FIND_LINKS": ("", None, "", {"UV_FIND_LINKS": "WHL/numpy/"}, False, False),
    "UV_NO_CONFIG": ('[tool.uv]\nextra-index-url = ["TORCH"]', None, "", {"UV_NO_CONFIG": "1"}, False, False),
    "UV_CONFIG_FILE": (
        '[tool.uv]\nextra-index-url = ["TORCH"]', None, "", {"UV_CONFIG_FILE": "empty.toml"}, False, False,
    ),
    "pip's variable": ("", None, "", {"PIP_EXTRA_INDEX_URL": "TORCH"}, False, False),
}  # fmt: skip


@pytest.mark.parametrize("name", list(UV))
def test_uv(name: str, uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """Which spellings hide PyPI from uv, and from `uv pip`."""
    own, in_project, of_user, variables, in_projects, in_pip = UV[name]
    project = sandbox.project(("numpy",), extra=in_words(own, index))
    (project / "empty.toml").touch()
    if in_project is not None:
        (project / "uv.toml").write_text(in_words(in_project, index), "utf-8")
    if of_user:
        folder = sandbox.root / "home" / "config" / "uv"
        folder.mkdir(parents=True)
        (folder / "uv.toml").write_text(in_words(of_user, index), "utf-8")
    env = {key: in_words(value, index) if value is not None else None for key, value in variables.items()}
    if "UV_CONFIG_FILE" in env:
        env["UV_CONFIG_FILE"] = str(project / "empty.toml")
    seen = {key: value for key, value in {**sandbox.environment, **env}.items() if value is not None}
    assert (hidden("uv", project, seen, index), hidden("uv_pip", project, seen, index)) == (in_projects, in_pip)
    uv.run(["lock"], cwd=project, env=env)
    lock = re.search(r'name = "numpy"\nversion = "([^"]+)"', (project / "uv.lock").read_text("utf-8"))
    assert lock is not None
    assert (lock.group(1) == OLD_NUMPY.version) is in_projects
    said = uv.run(["pip", "install", "--dry-run", "--python", sandbox.venv(), "numpy"], cwd=project, env=env).stderr
    assert (f"numpy=={OLD_NUMPY.version}" in said) is in_pip
    assert f"numpy=={OLD_NUMPY.version}" in said or f"numpy=={NUMPY.version}" in said


#: Lines of requirements.txt, the configuration of pip, variables; and whether numpy comes from PyTorch's index.
PIP: dict[str, tuple[str, str, dict[str, str | None], bool]] = {
    "extra-index-url": ("--extra-index-url TORCH", "", {}, False),
    "-i": ("-i TORCH", "", {}, True),
    "-iURL": ("-iTORCH", "", {}, True),
    "--index-url=": ("--index-url=TORCH", "", {}, True),
    "--pypi-url": ("--pypi-url TORCH", "", {}, True),
    "the beginning of an option": ("--index TORCH", "", {}, True),
    "in quotes, behind another option": ('--no-binary :none: -i "TORCH"', "", {}, True),
    "a line that goes on": ("--index-url \\\n  TORCH", "", {}, True),
    "a variable in a line": ("--index-url ${AN_INDEX}", "", {"AN_INDEX": "TORCH"}, True),
    "a file that is included": ("-r more.txt", "", {}, True),
    "-i, and PyPI beside it": ("-i TORCH\n--extra-index-url VIEW", "", {}, False),
    "find-links": ("-f WHL/numpy/", "", {}, False),
    "a comment": ("# -i TORCH", "", {}, False),
    "PIP_EXTRA_INDEX_URL": ("", "", {"PIP_EXTRA_INDEX_URL": "TORCH"}, False),
    "PIP_INDEX_URL": ("", "", {"PIP_INDEX_URL": "TORCH"}, True),
    "PIP_INDEX_URL, and PyPI beside it": ("", "", {"PIP_INDEX_URL": "TORCH", "PIP_EXTRA_INDEX_URL": "VIEW"}, False),
    "pip.conf": ("", "[global]\nindex-url = TORCH\n", {"PIP_INDEX_URL": None}, True),
    "pip.conf, as a variable is called": ("", "[global]\nindex_url = TORCH\n", {"PIP_INDEX_URL": None}, True),
    "pip.conf, install": (
        "", "[install]\nindex-url = TORCH\n[global]\nindex-url = VIEW\n", {"PIP_INDEX_URL": None}, True,
    ),
    "pip.conf, extra": ("", "[global]\nextra-index-url = TORCH\n", {}, False),
    "pip.conf that a variable replaces": ("", "[global]\nindex-url = TORCH\n", {}, False),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PIP))
def test_pip(name: str, pip: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """Which spellings hide PyPI from pip, which takes the best version of all."""
    lines, configuration, variables, hides = PIP[name]
    folder = sandbox.root / "folder"
    folder.mkdir()
    (folder / "more.txt").write_text(in_words("-i TORCH\n", index), "utf-8")
    (folder / "requirements.txt").write_text(in_words(f"{lines}\nnumpy\n", index), "utf-8")
    env = {key: in_words(value, index) if value is not None else None for key, value in variables.items()}
    # pip reads no file at all where this names none, and neither do we: the user's own is one like any other.
    env["PIP_CONFIG_FILE"] = str(sandbox.root / "pip.conf")
    (sandbox.root / "pip.conf").write_text(in_words(configuration, index), "utf-8")
    seen = {key: value for key, value in {**sandbox.environment, **env}.items() if value is not None}
    prefix = pip.tool.python.parent.parent  # an environment with pip
    assert hidden("pip", folder, seen, index, prefix) is hides
    python = sandbox.venv()
    done = pip.run(
        ["--python", python, "install", "--dry-run", "--no-deps", "-r", folder / "requirements.txt"], env=env
    )
    [version] = re.findall(r"Would install numpy-(\S+)", done.stdout)
    assert version in (NUMPY.version, OLD_NUMPY.version)
    assert (version == OLD_NUMPY.version) is hides


@pytest.mark.parametrize(
    ("lines", "hides"),
    [
        ("--extra-index-url TORCH", True),
        ("--extra-index-url VIEW\n--extra-index-url TORCH", False),
        ("-i TORCH\n--extra-index-url VIEW", False),
        ("--find-links WHL/numpy/", False),
    ],
)
def test_uv_reads_requirements(lines: str, hides: bool, uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """In an environment without pip, uv installs requirements.txt, and takes the first index that lists a package."""
    folder = sandbox.root / "folder"
    folder.mkdir()
    (folder / "requirements.txt").write_text(in_words(f"{lines}\nnumpy\n", index), "utf-8")
    python = sandbox.venv()
    assert hidden("pip", folder, sandbox.environment, index, python.parent.parent) is hides
    done = uv.run(["pip", "install", "--dry-run", "--python", python, "-r", "requirements.txt"], cwd=folder)
    assert (f"numpy=={OLD_NUMPY.version}" in done.stderr) is hides


def of_sources(tool: str, *entries: tuple[str, str, str]) -> str:
    """Sources as (name, URL, more lines)."""
    tables = [f'[[tool.{tool}.source]]\nname = "{name}"\nurl = "{url}"\n{more}' for name, url, more in entries]
    return "\n".join(tables)


POETRY = {
    "PyTorch's alone": ((("p", "TORCH", ""),), True),
    "both": ((("p", "TORCH", ""), ("view", "VIEW", "")), False),
    "PyPI asked last": ((("p", "TORCH", ""), ("view", "VIEW", 'priority = "supplemental"')), True),
    "PyTorch's asked last": ((("view", "VIEW", ""), ("p", "TORCH", 'priority = "supplemental"')), False),
    "PyTorch's explicit": ((("view", "VIEW", ""), ("p", "TORCH", 'priority = "explicit"')), False),
}


@pytest.mark.parametrize("name", list(POETRY))
def test_poetry(name: str, sandbox: Sandbox, index: TorchIndex) -> None:
    """A primary source stands in the place of PyPI, and of several the best version counts."""
    sources, hides = POETRY[name]
    text = "[tool.poetry]\npackage-mode = false\n" + of_sources("poetry", *sources)
    project = sandbox.project(("numpy",), extra=in_words(text, index))
    assert hidden("poetry", project, {}, index) is hides
    Frontend(frontends.poetry(), sandbox).run(["lock"], cwd=project)
    held = re.search(r'name = "numpy"\nversion = "([^"]+)"', (project / "poetry.lock").read_text("utf-8"))
    assert held is not None
    assert (held.group(1) == OLD_NUMPY.version) is hides


ORDERED = "[tool.pdm.resolution]\nrespect-source-order = true\n"
PDM = {
    "a source": ("", (("p", "TORCH", ""),), False),
    "a source, in order": (ORDERED, (("p", "TORCH", ""),), False),
    "before PyPI, in order": (ORDERED, (("p", "TORCH", ""), ("pypi", "VIEW", "")), True),
    "behind PyPI, in order": (ORDERED, (("pypi", "VIEW", ""), ("p", "TORCH", "")), False),
    "in the place of PyPI": ("", (("pypi", "TORCH", ""),), True),
    "in the place of PyPI, and that beside it": ("", (("pypi", "TORCH", ""), ("view", "VIEW", "")), False),
    "for torch alone": (
        ORDERED,
        (("p", "TORCH", 'include_packages = ["torch*"]\nexclude_packages = ["*"]'), ("pypi", "VIEW", "")),
        False,
    ),
    "a page": (ORDERED, (("p", "WHL/torch/", 'type = "find_links"'), ("pypi", "VIEW", "")), False),
}


@pytest.mark.parametrize("name", list(PDM))
def test_pdm(name: str, sandbox: Sandbox, index: TorchIndex) -> None:
    """PDM takes the best version of all, or of the first source that lists a package where the project says so."""
    order, sources, hides = PDM[name]
    project = sandbox.project(("numpy",), extra=in_words(order + of_sources("pdm", *sources), index))
    assert hidden("pdm", project, {}, index) is hides
    tool = Frontend(frontends.pdm(), sandbox)
    tool.run(["use", "-f", sandbox.python], cwd=project)
    tool.run(["lock"], cwd=project)
    held = re.search(r'name = "numpy"\nversion = "([^"]+)"', (project / "pdm.lock").read_text("utf-8"))
    assert held is not None
    assert (held.group(1) == OLD_NUMPY.version) is hides
