"""``torch-auto[vision]`` with real frontends: torch and torchvision come as a pair, or not at all."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.lock import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = [pytest.mark.frontend, pytest.mark.usefixtures("published")]

#: Machine, and what comes with the pages of torch and torchvision.
KINDS: list[tuple[Any, str, str]] = [
    (machines.cpu, "2.15.0+cpu", "0.29.2+cpu"),
    (machines.a100_550, "2.14.1+cu126", "0.29.1+cu126"),
    (machines.p100_580, "2.14.1+cu126", "0.29.1+cu126"),
    (machines.mi300, "2.14.1+rocm7.2", "0.29.1+rocm7.2"),
]


def on(machine: dict[str, Any], sandbox: Sandbox, name: str = "machine", **variables: str) -> dict[str, str]:
    """The variables under which a build is for this machine, with a cache of its own."""
    path = sandbox.root / f"{name}.json"
    path.write_text(json.dumps(machine), "utf-8")
    caches = {key: str(sandbox.root / f"{name}-cache") for key in ("UV_CACHE_DIR", "PIP_CACHE_DIR")}
    return {"TORCH_AUTO_MACHINE": str(path), **caches, **variables}


def pages(index: TorchIndex, *projects: str) -> list[str]:
    """The find-links pages of projects."""
    return [f"{index.whl}/{project}/" for project in projects]


def built_for(sandbox: Sandbox, python: Path) -> tuple[str, str]:
    """What torch and torchvision say of themselves; each names its torch backend, PyPI's builds too."""
    code = "import torch, torchvision as v; print(torch.__version__, v.__version__)"
    torch, vision = sandbox.run([python, "-c", code]).stdout.split()
    return torch, vision


@pytest.mark.slow
def test_uv_add_with_the_pages(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """With the pages of both, each machine gets the pair of its own torch backend."""
    hint = ",".join(pages(index, "torch", "torchvision", "triton-rocm"))
    for make, torch, vision in KINDS:
        name = make.__name__
        project = sandbox.project(name=name, requires_python=">=3.11")
        uv.run(["add", "torch-auto[vision]"], cwd=project, env=on(make(), sandbox, name, UV_FIND_LINKS=hint))
        assert built_for(sandbox, project / ".venv/bin/python") == (torch, vision)


@pytest.mark.parametrize("hint", ["none", "torch alone", "torchvision alone"])
def test_uv_never_takes_a_pair_apart(uv: Frontend, sandbox: Sandbox, index: TorchIndex, hint: str) -> None:
    """A page that is missing leads to PyPI's pair where that is one of one torch backend, and to an error elsewhere."""
    shown = {"none": (), "torch alone": ("torch",), "torchvision alone": ("torchvision",)}[hint]
    found = {}
    for make in (machines.cpu, machines.h100_580):
        name = make.__name__
        project = sandbox.project(name=name, requires_python=">=3.11")
        env = on(make(), sandbox, name, UV_FIND_LINKS=",".join(pages(index, *shown)))
        done = uv.run(["add", "torch-auto[vision]==2.14.1"], cwd=project, env=env, check=False)
        said = re.sub(r"[\s│]+", " ", done.stderr)
        found[name] = built_for(sandbox, project / ".venv/bin/python") if done.returncode == 0 else said
    assert found["h100_580"] == ("2.14.1+cu130", "0.29.1+cu130")
    assert re.search(r"there is no version of torch(vision)?(\{[^}]*\})?==[\d.]+\+cpu", str(found["cpu"])), found["cpu"]


@pytest.mark.slow
def test_uv_walks_back_to_a_pair_that_pypi_has(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """A100 and driver 550 without torchvision's page: 2.7.1, the newest whose PyPI builds are of its torch backend."""
    project = sandbox.project(requires_python=">=3.11")
    env = on(machines.a100_550(), sandbox, UV_FIND_LINKS=index.find_links)
    uv.run(["add", "torch-auto[vision]"], cwd=project, env=env)
    assert built_for(sandbox, project / ".venv/bin/python") == ("2.7.1+cu126", "0.22.1+cu126")


def test_pypis_pair_without_any_page(pip: Frontend, sandbox: Sandbox) -> None:
    """``TORCH_AUTO_BACKEND=pypi``: without a GPU and without a page PyPI's pair installs, with its GPU libraries."""
    python = sandbox.venv()
    env = on(machines.cpu(), sandbox, TORCH_AUTO_BACKEND="pypi")
    pip.run(["--python", python, "install", "torch-auto[vision]==2.14.1"], env=env)
    assert built_for(sandbox, python) == ("2.14.1+cu130", "0.29.1+cu130")


def test_pip_takes_the_pair(pip: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """With the pages of both, pip comes to the CPU pair."""
    python = sandbox.venv()
    env = on(machines.cpu(), sandbox, PIP_FIND_LINKS=" ".join(pages(index, "torch", "torchvision")))
    pip.run(["--python", python, "install", "torch-auto[vision]==2.14.1"], env=env)
    assert built_for(sandbox, python) == ("2.14.1+cpu", "0.29.1+cpu")


def test_pip_never_takes_it_apart(old_pip: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """With torch's page alone, an old pip ends with an error that names the build, and not with CUDA's torchvision."""
    env = on(machines.cpu(), sandbox, PIP_FIND_LINKS=index.find_links)
    command: list[str | Path] = ["--python", sandbox.venv(), "install", "torch-auto[vision]==2.14.1"]
    done = old_pip.run(command, env=env, check=False)
    assert done.returncode != 0
    assert "torchvision==0.29.1+cpu" in done.stderr


def test_both_extras_at_once(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """vision and audio agree on the torch backend of one torch."""
    source = sandbox.root / "in.txt"
    source.write_text("torch-auto[vision,audio]==2.10.0\n", "utf-8")
    hint = ",".join(pages(index, "torch", "torchvision", "torchaudio"))
    done = uv.run(
        ["pip", "compile", source, "--no-annotate"], env=on(machines.rtx5090_575(), sandbox, UV_FIND_LINKS=hint)
    )
    found = dict(re.findall(r"^(torch\w*)==(\S+)", done.stdout, re.MULTILINE))
    assert found == {"torch": "2.10.0+cu128", "torchvision": "0.25.0+cu128", "torchaudio": "2.10.0+cu128"}


@pytest.mark.parametrize("make", [machines.cpu, machines.mi300])
def test_a_lock_serves_macos_and_windows(any_uv: Frontend, sandbox: Sandbox, index: TorchIndex, make: Any) -> None:
    """A lock made on Linux with the pages holds torchvision for macOS and Windows: PyPI's build, or its twin there."""
    shown = pages(index, "torch", "torchvision", "pytorch-triton-rocm")
    project = sandbox.project(
        ["torch-auto[vision]==2.5.1"], requires_python=">=3.11,<3.13", extra=f"[tool.uv]\nfind-links = {shown}"
    )
    any_uv.run(["lock"], cwd=project, env=on(make(), sandbox))
    lock = read_lock(project)
    serving = {
        tag: {(name, item.version) for name in ("torch", "torchvision") for item in lock[name] if item.serves(tag)}
        for tag in ("macosx_11_0_arm64", "win_amd64")
    }
    assert serving["macosx_11_0_arm64"] == {("torch", "2.5.1"), ("torchvision", "0.20.1")}
    assert serving["win_amd64"] >= {("torch", "2.5.1+cpu"), ("torchvision", "0.20.1+cpu")}


def test_windows_by_resolution(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """For Windows without a GPU: PyPI's pair without a page, and its twins with the pages."""
    source = sandbox.root / "in.txt"
    source.write_text("torch-auto[vision]==2.14.1\n", "utf-8")
    found = []
    for shown in ((), ("torch",), ("torchvision",), ("torch", "torchvision")):
        env = on(machines.windows_cpu(), sandbox, UV_FIND_LINKS=",".join(pages(index, *shown)))
        command: list[str | Path] = ["pip", "compile", source, "--no-annotate", "--python-version", "3.11"]
        done = uv.run([*command, "--python-platform", "x86_64-pc-windows-msvc"], env=env)
        found.append(dict(re.findall(r"^(torch|torchvision)==(\S+)", done.stdout, re.MULTILINE)))
    assert found == [
        {"torch": "2.14.1", "torchvision": "0.29.1"},
        {"torch": "2.14.1+cpu", "torchvision": "0.29.1"},
        {"torch": "2.14.1", "torchvision": "0.29.1+cpu"},
        {"torch": "2.14.1+cpu", "torchvision": "0.29.1+cpu"},
    ]


def test_poetry_locks_the_pair(poetry: Frontend, sandbox: Sandbox) -> None:
    """Poetry reads an extra's pins as they are meant: the CPU pair for this platform, PyPI's for the others."""
    from support.frontends import poetry_sources  # noqa: PLC0415

    project = sandbox.project(
        ["torch-auto[vision]==2.5.1"], requires_python=">=3.11,<3.13", extra=poetry_sources(sandbox.index, "cpu")
    )
    poetry.run(["lock"], cwd=project, env=on(machines.cpu(), sandbox))
    lock = read_lock(project, "poetry.lock")
    assert {item.version for item in lock["torch"]} == {"2.5.1", "2.5.1+cpu"}
    assert {item.version for item in lock["torchvision"]} == {"0.20.1", "0.20.1+cpu"}


def test_torchaudio_whose_cuda_differs_is_not_taken(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """torch 2.15.0 is cu132 and PyPI's torchaudio cu130: where no page has +cu132, 2.14.1 comes, cu130 as well."""
    source = sandbox.root / "in.txt"
    source.write_text("torch-auto[audio]\n", "utf-8")
    hint = ",".join(pages(index, "torch", "torchaudio"))
    command: list[str | Path] = ["pip", "compile", source, "--no-annotate", "--python-version", "3.12"]
    done = uv.run(command, env=on(machines.h100_580(), sandbox, UV_FIND_LINKS=hint))
    found = dict(re.findall(r"^(torch|torchaudio)==(\S+)", done.stdout, re.MULTILINE))
    assert found == {"torch": "2.14.1+cu130", "torchaudio": "2.11.0+cu130"}


def test_why_there_is_an_extra(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """A plain torchvision beside torch-auto comes apart from torch: CUDA's beside +cpu, where torch's page is named."""
    source = sandbox.root / "in.txt"
    source.write_text("torch-auto==2.14.1\ntorchvision\n", "utf-8")
    env = on(machines.cpu(), sandbox, UV_FIND_LINKS=index.find_links)
    done = uv.run(["pip", "compile", source, "--no-annotate"], env=env)
    found = dict(re.findall(r"^(torch|torchvision)==(\S+)", done.stdout, re.MULTILINE))
    assert found["torch"] == "2.14.1+cpu"
    assert "+" not in found["torchvision"]  # PyPI's, which is for CUDA
