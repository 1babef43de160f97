"""Where the hint may be set, and whether it is: the places that each tool reads."""

from __future__ import annotations

import configparser
import os
import sys
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from torch_auto.catalog import rocm_version, toolkit_version
from torch_auto.cli.environment import Environment
from torch_auto.cli.pages import same_page
from torch_auto.cli.project import PYPROJECT, Project
from torch_auto.cli.toml import NoTomlReaderError, NotTomlError, items, load, table


@dataclass(frozen=True)
class Hint:
    """A URL that a tool looks for torch at, and the file or variable that names it."""

    url: str
    origin: str


def _of_uv(settings: Mapping[str, Any], origin: str) -> Iterator[Hint]:
    for url in items(settings.get("find-links")):
        yield Hint(str(url), origin)
    for entry in items(settings.get("index")):
        yield Hint(str(table(entry).get("url", "")), origin)
    for key in ("extra-index-url",):
        for url in items(settings.get(key)):
            yield Hint(str(url), origin)


def _uv(project: Project, environment: Mapping[str, str]) -> Iterator[Hint]:
    for url in environment.get("UV_FIND_LINKS", "").split(","):
        yield Hint(url.strip(), "UV_FIND_LINKS")
    for name in ("UV_EXTRA_INDEX_URL", "UV_INDEX"):
        for url in environment.get(name, "").split():
            yield Hint(url.rpartition("=")[2], name)
    if environment.get("UV_NO_CONFIG"):
        return
    path, settings = project.uv_settings()
    yield from _of_uv(settings, path)
    for path in _uv_files(environment):
        try:
            yield from _of_uv(load(path), path)
        except (OSError, NotTomlError, NoTomlReaderError):
            continue  # there is none, or none that uv itself would take


def _uv_files(environment: Mapping[str, str]) -> Tuple[str, ...]:
    """The files of the user and of the system that uv reads (docs.astral.sh/uv/concepts/configuration-files)."""
    if environment.get("UV_CONFIG_FILE"):
        return (environment["UV_CONFIG_FILE"],)
    if sys.platform == "win32":
        folders = [environment.get("APPDATA", ""), environment.get("PROGRAMDATA", "")]
    else:
        home = environment.get("HOME", "")
        folders = [environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")]
        folders += [*environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"), "/etc"]
    return tuple(os.path.join(folder, "uv", "uv.toml") for folder in folders if folder)


def pip_files(environment: Mapping[str, str], prefix: str) -> Tuple[str, ...]:
    """The configuration files of pip, the last one counting most (pip.pypa.io/en/stable/topics/configuration)."""
    if environment.get("PIP_CONFIG_FILE") == os.devnull:
        return ()
    home = environment.get("HOME", environment.get("USERPROFILE", ""))
    if sys.platform == "win32":
        found = [os.path.join(environment.get(name, ""), "pip", "pip.ini") for name in ("PROGRAMDATA", "APPDATA")]
        found += [os.path.join(home, "pip", "pip.ini"), os.path.join(prefix, "pip.ini")]
    else:
        config = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        found = ["/etc/pip.conf", os.path.join(home, ".pip", "pip.conf"), os.path.join(config, "pip", "pip.conf")]
        if sys.platform == "darwin":
            found.insert(2, os.path.join(home, "Library", "Application Support", "pip", "pip.conf"))
        found.append(os.path.join(prefix, "pip.conf"))
    if environment.get("PIP_CONFIG_FILE"):
        found.append(environment["PIP_CONFIG_FILE"])
    return tuple(found)


_PIP_OPTIONS = ("find-links", "extra-index-url", "index-url")


def _pip(project: Project, environment: Mapping[str, str], prefix: str) -> Iterator[Hint]:
    for option in _PIP_OPTIONS:
        name = "PIP_" + option.upper().replace("-", "_")
        for url in environment.get(name, "").split():
            yield Hint(url, name)
    for path in pip_files(environment, prefix):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself says what is wrong with it
        for section in parser.sections():
            for option in _PIP_OPTIONS:
                for url in parser.get(section, option, fallback="").split():
                    yield Hint(url, path)
    yield from _requirements_file(project.file("requirements.txt"))


def _requirements_file(path: Optional[str]) -> Iterator[Hint]:
    if path is None:
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.split("#", 1)[0].replace("=", " ", 1).split()
            if len(words) == 2 and words[0] in ("-f", *(f"--{option}" for option in _PIP_OPTIONS)):  # noqa: PLR2004
                yield Hint(words[1], path)


def _sources(values: Any, origin: str) -> Iterator[Hint]:
    for entry in items(values):
        yield Hint(str(table(entry).get("url", "")), origin)


def _pixi(project: Project) -> Iterator[Hint]:
    path = project.file("pixi.toml")
    options: Dict[str, Any] = {}
    if path is not None:
        options = table(load(path), "pypi-options")
    else:
        path = os.path.join(project.root, PYPROJECT)
        options = table(project.pyproject, "tool", "pixi", "pypi-options")
    yield from _sources(options.get("find-links"), path)
    for key in ("index-url", "extra-index-urls"):
        value = options.get(key)
        for url in [value] if isinstance(value, str) else items(value):
            yield Hint(str(url), path)


def hints(tool: str, project: Project, environment: Mapping[str, str], installed: Environment) -> List[Hint]:
    """Every URL beside PyPI that a tool looks for torch at.

    Raises:
        NotTomlError, NoTomlReaderError, OSError: a file of the project's cannot be read.
    """
    pyproject = os.path.join(project.root, PYPROJECT)
    if tool == "uv":
        found = _uv(project, environment)
    elif tool == "poetry":
        found = _sources(table(project.pyproject, "tool", "poetry").get("source"), pyproject)
    elif tool == "pdm":
        found = _sources(table(project.pyproject, "tool", "pdm").get("source"), pyproject)
    elif tool == "pixi":
        found = _pixi(project)
    else:
        found = _pip(project, environment, installed.prefix)
    return [item for item in found if item.url]


def missing_pages(found: List[Hint], pages: Tuple[str, ...], index_url: str) -> Tuple[str, ...]:
    """The pages of the hint that no place names. A mirror's page does, and so does an index of torch backends."""
    urls = [item.url for item in found]
    if any(_tail(url) == _tail(index_url) or _is_backend_index(url) for url in urls):
        return ()
    return tuple(page for page in pages if not any(same_page(url, page) or _tail(url) == _tail(page) for url in urls))


def _tail(url: str) -> str:
    """The last part of a URL's path: "torch" of .../whl/torch/."""
    return url.split("#", maxsplit=1)[0].rstrip("/").rpartition("/")[2]


def _is_backend_index(url: str) -> bool:
    tail = _tail(url)
    return tail in ("cpu", "xpu") or toolkit_version(tail) is not None or rocm_version(tail) is not None
