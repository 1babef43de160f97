"""The recipes of docs/guides/images.md, built and run; the exit status of ``check`` on three kinds of machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import docs, frontends, images, machines, pytorch_org
from support.images import Images
from support.torch_index import TorchIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.docs import Block
    from support.images import Container, Image

pytestmark = [
    pytest.mark.frontend,
    pytest.mark.slow,
    pytest.mark.skipif(images.why_not() is not None, reason=str(images.why_not())),
]

PAGE = docs.ROOT / "docs" / "guides" / "images.md"
MACHINES = {
    "no GPU": machines.cpu(),
    "A100, driver 550": machines.a100_550(),
    "P100, driver 580": machines.p100_580(),
}
UV, PIP, FOR_ALL, FOR_ONE, OWN = (
    "uv",
    "pip",
    "a lock for every machine",
    "a lock for one torch backend",
    "an image that has torch",
)
#: Each row of the page's table: the recipe, and the torch backend that its build argument names.
ROWS = [
    *((recipe, backend) for recipe in (UV, PIP) for backend in ("cu126", "cu132", "cpu")),
    *((FOR_ALL, backend) for backend in ("cu126", "cu130", "cpu")),
    (FOR_ONE, ""),
    (OWN, ""),
]

APP = "import torch\n\nprint(torch.__version__)\n"
PROJECT = '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["numpy"{}]\n'
PAGES = '[[tool.uv.index]]\nname = "pytorch-torch"\nurl = "https://download.pytorch.org/whl/torch/"\nformat = "flat"\n'
ONE_BACKEND = '[tool.uv]\nconfig-settings-package = { torch-auto = { backend = "cu126" } }\n'


def blocks(mark: str) -> dict[str, Block]:
    """The page's blocks that have a mark, by what the mark says."""
    return {block.marks[mark]: block for block in docs.blocks(PAGE) if mark in block.marks}


def recipe(name: str) -> str:
    """The Dockerfile of a recipe."""
    return blocks("image")[name].text


def table() -> list[list[str]]:
    """The rows of the page's table."""
    found = re.findall(r"(?s)<!-- images -->\n.*?\|---\|\n(.*?)<!-- /images -->", PAGE.read_text("utf-8"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines()]


# --- a storage, and a folder with an app ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def index(wheelhouse: Path, dists: Path) -> Iterator[TorchIndex]:
    """Both indexes, with what we publish."""
    with TorchIndex(wheelhouse=wheelhouse, dists=dists) as running:
        yield running


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for download.pytorch.org, and its key."""
    return pytorch_org.certificate(tmp_path_factory.mktemp("pytorch-org"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, index: TorchIndex, pem: Path) -> Iterator[Images]:
    """A storage with the images that recipes start from; nothing of it is left behind."""
    root = tmp_path_factory.mktemp("images")
    with Images(root / "storage", index, pem) as running:
        yield running
    assert list(root.iterdir()) == []
    assert str(root) not in Path("/proc/self/mounts").read_text("utf-8")


@pytest.fixture
def on(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """``on(machine)``: its file, which every user may read."""

    def write(machine: dict[str, Any]) -> Path:
        path = tmp_path / f"machine-{len(list(tmp_path.glob('machine-*')))}.json"
        path.write_text(json.dumps(machine), "utf-8")
        path.chmod(0o644)
        return path

    return write


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, index: TorchIndex, pem: Path) -> Callable[[str, str], Path]:
    """``locked(recipe, pyproject)``: a project with its lock, and with torch groups where the recipe has them."""
    made: dict[str, Path] = {}

    def make(name: str, pyproject: str) -> Path:
        if name not in made:
            sandbox = frontends.Sandbox(tmp_path_factory.mktemp("locked"), index)
            folder = made[name] = sandbox.root / "app"
            folder.mkdir()
            (folder / "pyproject.toml").write_text(pyproject, "utf-8")
            env = pytorch_org.stand_in(index, pem)
            tools = frontends.uv().executable.parent
            if name == FOR_ALL:
                init = ["init", "--portable", "--releases", "2.13.0", "--backends", "cpu,cu126,cu130"]
                sandbox.run([tools / "uvx", "torch-auto-core", *init], cwd=folder, env=env)
            sandbox.run([tools / "uv", "lock"], cwd=folder, env=env)
        return made[name]

    return make


@pytest.fixture
def context(tmp_path: Path, locked: Callable[[str, str], Path]) -> Callable[[str], Path]:
    """``context(recipe)``: a folder with an app, as the recipe wants it, and an environment of the host's in it."""

    def make(name: str) -> Path:
        folder = tmp_path / "app"
        (folder / "app").mkdir(parents=True)
        (folder / "app" / "__main__.py").write_text(APP, "utf-8")
        (folder / ".dockerignore").write_text(blocks("file")[".dockerignore"].text, "utf-8")
        (folder / ".venv").mkdir()
        (folder / ".venv" / "of-the-host").touch()
        if name == PIP:
            (folder / "requirements.txt").write_text("numpy\ntorch-auto\n", "utf-8")
        elif name in (FOR_ALL, FOR_ONE):
            settings = "" if name == FOR_ALL else ONE_BACKEND + PAGES
            made = locked(name, PROJECT.format("" if name == FOR_ALL else ', "torch-auto"') + settings)
            for file in ("pyproject.toml", "uv.lock"):
                (folder / file).write_bytes((made / file).read_bytes())
        elif name == UV:
            (folder / "pyproject.toml").write_text(PROJECT.format(', "torch-auto"'), "utf-8")
        return folder

    return make


@pytest.fixture
def build(built: Images, context: Callable[[str], Path]) -> Callable[..., Image]:
    """``build(recipe, torch backend)``: its image."""

    def make(name: str, torch_backend: str) -> Image:
        if name == OWN:
            own = "ENV PIP_FIND_LINKS=https://download.pytorch.org/whl/torch/\nRUN pip install torch==2.9.1+cu130\n"
            [base] = re.findall(r"FROM (\S+)", recipe(OWN))
            folder = context(name)
            built.build(base, f"FROM {images.BASES[1]}\n{own}", folder)
            return built.build("own", recipe(OWN), folder)
        args = {"TORCH_BACKEND": torch_backend} if torch_backend else {}
        return built.build("app", recipe(name), context(name), args)

    return make


def torch_of(container: Container, **options: Any) -> str:
    """The version of the torch that an image's Python imports, with the image's own command where it has one."""
    command = container.config["Cmd"] if "app" in (container.config["Cmd"] or ()) else ["python", "-c", APP]
    return container.run(*command, **options).stdout.strip()


# --- what is promised ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "torch_backend"), ROWS, ids=lambda value: value or "-")
def test_a_recipe(
    name: str, torch_backend: str, build: Callable[..., Image], on: Callable[[dict[str, Any]], Path]
) -> None:
    """A recipe builds as it stands, and its HEALTHCHECK exits as the page's table says, on each kind of machine."""
    [row] = [row for row in table() if row[:2] == [name, torch_backend]]
    with build(name, torch_backend).container() as container:
        done = {title: container.health(on(machine)) for title, machine in MACHINES.items()}
        found = [name, torch_backend, torch_of(container), *(str(item.returncode) for item in done.values())]
        assert found == row, "\n".join(map(str, done.values()))
        if name == OWN:
            return
        assert container.config["User"] == "1000"
        assert container.run("ls", "/app/.venv/of-the-host", check=False).returncode != 0
        # The image's user is told what to build, and is given nothing to type that would fail.
        unused = {title for title, item in done.items() if item.returncode == 1 or torch_backend == "cpu"} - {"no GPU"}
        told = {title for title, item in done.items() if "an image for this machine with backend=" in item.stdout}
        assert (told, [item for item in done.values() if "-> " in item.stdout]) == (unused, [])


def test_the_table_has_every_row() -> None:
    """The page's table has a row for each build that is run, and no other."""
    assert [tuple(row[:2]) for row in table()] == ROWS


def test_torch_is_not_installed_again_where_the_app_changes(built: Images, context: Callable[[str], Path]) -> None:
    """A change of the app alone takes the layer with torch from the cache, and runs in the next image."""
    folder = context(UV)
    built.build("app", recipe(UV), folder, {"TORCH_BACKEND": "cu126"}, layers=True)
    (folder / "app" / "__main__.py").write_text("print('changed')\n", "utf-8")
    image = built.build("app", recipe(UV), folder, {"TORCH_BACKEND": "cu126"}, layers=True)
    after = image.log.split("uv pip install", 1)[1]
    assert "Using cache" in after.split("STEP", 1)[0], image.log
    assert "Installed" not in image.log
    with image.container() as container:
        assert container.run(*container.config["Cmd"]).stdout == "changed\n"


@pytest.mark.parametrize("name", [UV, PIP])
def test_the_cache_serves_no_other_torch_backend(name: str, built: Images, context: Callable[[str], Path]) -> None:
    """Builds for two torch backends that share one cache, and one release of torch, get each its own."""
    folder = context(name)
    for path in (folder / "pyproject.toml", folder / "requirements.txt"):
        if path.exists():
            path.write_text(path.read_text("utf-8").replace("torch-auto", "torch-auto==2.14.1"), "utf-8")
    found = []
    for torch_backend in ("cu126", "cpu", "cu126"):
        with built.build("app", recipe(name), folder, {"TORCH_BACKEND": torch_backend}).container() as container:
            found.append(torch_of(container))
    assert found == ["2.14.1+cu126", "2.14.1+cpu", "2.14.1+cu126"]


def test_any_user_without_a_home(build: Callable[..., Image], on: Callable[[dict[str, Any]], Path]) -> None:
    """A user that no file knows, as OpenShift gives, with a home that is not there, gets the same from check."""
    options: dict[str, Any] = {"user": "1000650000:0", "env": {"HOME": "/nonexistent"}}
    with build(PIP, "cu126").container() as container:
        assert container.run("touch", "/opt/venv/x", check=False, **options).returncode != 0
        good, bad = (
            container.health(on(machine), **options) for machine in (machines.a100_550(), machines.rtx5090_575())
        )
        assert (good.returncode, bad.returncode) == (0, 1)
        assert "build an image for this machine with backend=cu129" in bad.stdout
        assert torch_of(container, **options) == "2.14.1+cu126"


@pytest.mark.skipif(images.why_no_podman() is not None, reason=str(images.why_no_podman()))
@pytest.mark.parametrize("user", ["1000650000:0", "0"])
def test_podman_reads_the_health(
    user: str, built: Images, build: Callable[..., Image], on: Callable[[dict[str, Any]], Path]
) -> None:
    """podman calls a container healthy or not by check, with a root that cannot be written, and for any user."""
    image = build(UV, "cu132")
    options = ["--read-only", "--user", user, "--env", "HOME=/nonexistent"]
    found = {title: built.health_of_podman(image, on(machine), *options) for title, machine in MACHINES.items()}
    assert found == {"no GPU": "healthy 0", "A100, driver 550": "unhealthy 1", "P100, driver 580": "unhealthy 1"}


def test_refresh_in_an_environment_without_pip(
    built: Images, build: Callable[..., Image], on: Callable[[dict[str, Any]], Path]
) -> None:
    """Root may change a container: where its environment was made without pip, refresh takes the image's pip."""
    with build(PIP, "cpu").container() as container:
        options: dict[str, Any] = {"machine": on(machines.a100_550()), "user": "0"}
        said = container.run("torch-auto", "check", **options).stdout
        assert "-> torch-auto refresh" in said
        container.run("torch-auto", "refresh", **{**options, "env": built.proxy})
        assert "All is well." in container.run("torch-auto", "check", **options).stdout
        assert torch_of(container, user="0") == "2.14.1+cu126"


NVIDIAS = """
FROM python:3.12-slim-bookworm
RUN pip install --find-links https://download.pytorch.org/whl/torch/ torch==2.9.1+cu130
RUN cd /usr/local/lib/python3*/site-packages && \\
    sed -i "s/2.9.1+cu130/2.9.0a0+50eac811a6.nv25.09/" torch/*.py && \\
    mv torch-2.9.1+cu130.dist-info torch-2.9.0a0+50eac811a6.nv25.9.dist-info && \\
    sed -i "s/^Version: .*/Version: 2.9.0a0+50eac811a6.nv25.9/" torch-2*/METADATA && \\
    mkdir /etc/pip && echo torch==2.9.0a0+50eac811a6.nv25.9 > /etc/pip/constraint.txt
ENV PIP_CONSTRAINT=/etc/pip/constraint.txt PIP_FIND_LINKS=https://download.pytorch.org/whl/torch/
"""


def test_nvidias_own_torch(built: Images, on: Callable[[dict[str, Any]], Path], tmp_path: Path) -> None:
    """In an image like NVIDIA's, with a torch of its own and PIP_CONSTRAINT, that torch stays, unknown to check."""
    built.build("nvidia", NVIDIAS, tmp_path)
    for package in ("torch-auto-core", "torch-auto"):
        image = built.build(
            "app", f"FROM nvidia\nRUN pip install {package}\nHEALTHCHECK CMD torch-auto check\n", built.root
        )
        with image.container() as container:
            assert torch_of(container) == "2.9.0a0+50eac811a6.nv25.09"
            done = container.health(on(machines.a100_550()))
            assert done.returncode == 0, done
            assert "a build that this command" in done.stdout
            shown = container.run("pip", "list", "--format", "json").stdout
            versions = {item["name"]: item["version"] for item in json.loads(shown)}
            assert versions.get("torch-auto") == ("2.9.0" if package == "torch-auto" else None)
    # uv knows no PIP_CONSTRAINT.
    image = built.build("app", "FROM nvidia\nRUN uv pip install --system torch-auto\n", tmp_path)
    with image.container() as container:
        assert torch_of(container) == "2.15.0+cu132"  # what PyPI's build says of itself


def test_a_dev_container(built: Images, context: Callable[[str], Path], on: Callable[[dict[str, Any]], Path]) -> None:
    """devcontainer.json's commands install each machine's own torch beside the folder, and check is content."""
    said = json.loads(blocks("file")["devcontainer.json"].text)
    folder, found = context(FOR_ALL), []
    for machine in MACHINES.values():
        with images.Image(built, said["image"], "", 0.0).container() as container:
            options: dict[str, Any] = {"machine": on(machine), "files": {"/workspaces/app": folder}}
            options["env"] = {**said["containerEnv"], **built.proxy}
            for step in ("postCreateCommand", "postStartCommand"):
                container.run("sh", "-c", f"cd /workspaces/app && {said[step]}", **options)
            found.append(container.run("/opt/venv/bin/python", "-c", APP).stdout.strip())
    assert found == ["2.13.0+cpu", "2.13.0+cu126", "2.13.0+cu126"]
    assert [path.name for path in (folder / ".venv").iterdir()] == ["of-the-host"]
