"""``torch-auto[vision]`` with real frontends: torch and torchvision come as a pair, or not at all."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.lock import read_lock
from support.wheels import TinyWheel

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = [pytest.mark.frontend, pytest.mark.usefixtures("published")]

#: Machine, and what comes with the pages of torch and torchvision and ``pin = exact``.
KINDS: list[tuple[Any, str, str]] = [
    (machines.cpu, "2.15.0+cpu", "0.29.2+cpu"),
    (machines.a100_550, "2.14.1+cu126", "0.29.1+cu126"),
    (machines.p100_580, "2.14.1+cu126", "0.29.1+cu126"),
    (machines.rtx5090_575, "2.13.0+cu129", "0.28.0+cu129"),
    (machines.mi300, "2.14.1+rocm7.2", "0.29.1+rocm7.2"),
    (machines.arc_b580, "2.14.1+xpu", "0.29.1+xpu"),
]
TRITONS = ("triton-rocm", "triton-xpu")
#: The states of PyTorch's pages.
STATES = {
    "none": (),
    "torch's": ("torch", *TRITONS),
    "torchvision's": ("torchvision",),
    "all": ("torch", *TRITONS, "torchvision"),
}
FORMS = ("find-links", "flat")
#: torch's page in sight of a project of uv's: PyPI's version is there as well, with files for macOS alone.
FAILS = "wheel for the current platform"


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


def tables(index: TorchIndex, form: str, state: str, pin: str = "prefer") -> str:
    """The part of pyproject.toml that names pages, as find-links or as flat indexes, and the pin."""
    lines = ["[tool.uv]"]
    if pin != "prefer":
        lines.append(f'config-settings-package = {{ torch-auto = {{ pin = "{pin}" }} }}')
    if form == "find-links":
        lines.append(f"find-links = {json.dumps(pages(index, *STATES[state]))}")
        return "\n".join(lines)
    for project, url in zip(STATES[state], pages(index, *STATES[state]), strict=True):
        lines += ["[[tool.uv.index]]", f'name = "pytorch-{project}"', f'url = "{url}"', 'format = "flat"']
    return "\n".join(lines)


def added(uv: Frontend, sandbox: Sandbox, make: Any, name: str, extra: str, wanted: str = "torch-auto[vision]") -> str:
    """What ``uv add`` in a new project installs of torch and torchvision, or what uv says."""
    project = sandbox.project(name=name, requires_python=">=3.11", extra=extra)
    done = uv.run(["add", wanted], cwd=project, env=on(make(), sandbox, name.partition(".")[0]), check=False)
    if done.returncode == 0:
        return " ".join(built_for(sandbox, project / ".venv/bin/python"))
    return re.sub(r"[\s│]+", " ", done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_exact_gives_each_machine_its_own_pair(uv: Frontend, sandbox: Sandbox, index: TorchIndex, form: str) -> None:
    """With the pages of both and ``pin = exact``, each machine gets the pair of its own torch backend."""
    for make, torch, vision in KINDS:
        extra = tables(index, form, "all", "exact")
        assert added(uv, sandbox, make, make.__name__, extra) == f"{torch} {vision}", make.__name__


#: What comes of ``uv add "torch-auto[vision]"`` without ``pin = exact``: machine -> state of the pages -> versions.
PREFER: dict[Any, dict[str, str]] = {
    machines.cpu: {
        "none": "2.15.0+cu132 0.29.2+cu132",
        "torch's": FAILS,
        "torchvision's": "2.15.0+cu132 0.29.2+cu132",
        "all": FAILS,
    },
    machines.a100_550: {
        "none": "2.10.0+cu128 0.25.0+cu128",
        "torchvision's": "2.10.0+cu128 0.25.0+cu128",
        "all": "2.14.1+cu126 0.29.1+cu126",
    },
    machines.rtx5090_575: {
        "none": "2.10.0+cu128 0.25.0+cu128",
        "torch's": "2.10.0+cu128 0.25.0+cu128",
        "torchvision's": "2.10.0+cu128 0.25.0+cu128",
        "all": "2.13.0+cu129 0.28.0+cu129",
    },
    machines.p100_580: {
        "none": "2.7.1+cu126 0.22.1+cu126",
        "torch's": "2.7.1+cu126 0.22.1+cu126",
        "torchvision's": "2.7.1+cu126 0.22.1+cu126",
        "all": "2.14.1+cu126 0.29.1+cu126",
    },
    machines.mi300: dict.fromkeys(STATES, "2.14.1+cu130 0.29.1+cu130"),
    machines.arc_b580: dict.fromkeys(STATES, "2.14.1+cu130 0.29.1+cu130"),
}


@pytest.mark.slow
@pytest.mark.parametrize("make", PREFER, ids=lambda make: str(make.__name__))
@pytest.mark.parametrize("form", FORMS)
def test_prefer_takes_pypis_pair(uv: Frontend, sandbox: Sandbox, index: TorchIndex, form: str, make: Any) -> None:
    """Without ``pin = exact``, torch and torchvision are of one torch backend in each state of the pages."""
    for state, expected in PREFER[make].items():
        name = f"{make.__name__}.{list(STATES).index(state)}"
        found = added(uv, sandbox, make, name, tables(index, form, state))
        assert expected in found if expected == FAILS else expected == found, state


@pytest.mark.slow
@pytest.mark.parametrize("make", [machines.cpu, machines.mi300], ids=lambda make: str(make.__name__))
def test_pip_takes_pypis_pair(any_pip: Frontend, sandbox: Sandbox, index: TorchIndex, make: Any) -> None:
    """Both pips take PyPI's pair in each state of the pages: of a version they look at PyPI's files as well."""
    found = {}
    for state, projects in STATES.items():
        python = sandbox.venv(name=state)
        env = on(make(), sandbox, PIP_FIND_LINKS=" ".join(pages(index, *projects)))
        any_pip.run(["--python", python, "install", "torch-auto[vision]==2.14.1"], env=env)
        found[state] = built_for(sandbox, python)
    assert found == dict.fromkeys(STATES, ("2.14.1+cu130", "0.29.1+cu130"))


def test_exact_takes_no_pair_apart(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """With ``pin = exact`` and torch's page alone, uv ends with an error that names the build."""
    said = added(
        uv, sandbox, machines.cpu, "cpu", tables(index, "flat", "torch's", "exact"), "torch-auto[vision]==2.14.1"
    )
    assert re.search(r"there is no version of torchvision(\{[^}]*\})?==0.29.1\+cpu", said), said


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["find-links", "flat", "pip", "old pip"])
def test_a_local_version_that_no_list_names(
    uv: Frontend, pip: Frontend, old_pip: Frontend, sandbox: Sandbox, index: TorchIndex, tool: str
) -> None:
    """A page that lists a newer ROCm than any list names: ``exact`` never takes it, and "or else PyPI's" does."""
    for project, version in (("torch", "2.14.1"), ("torchvision", "0.29.1")):
        wheel = TinyWheel(
            project,
            f"{version}+rocm10.9",
            "cp311-cp311-manylinux_2_28_x86_64",
            modules=((f"{project}/__init__.py", f"__version__ = '{version}+rocm10.9'\n"),),
        )
        index.add_wheel(wheel, "rocm10.9")
    found = {}
    for pin in ("exact", "prefer"):
        for wanted in ("torch-auto[vision]==2.14.1", "torch-auto==2.14.1"):
            name = f"{pin}.{wanted.count('vision')}"
            if tool in FORMS:
                lines = tables(index, tool, "all", pin)
                folder = sandbox.project(name=name, requires_python=">=3.11,<3.12", extra=lines)
                done = uv.run(["add", wanted], cwd=folder, env=on(machines.cpu(), sandbox, pin), check=False)
                python = folder / ".venv/bin/python"
            else:
                python = sandbox.venv(name=name)
                links = " ".join(pages(index, "torch", "torchvision"))
                env = on(machines.cpu(), sandbox, pin, PIP_FIND_LINKS=links, TORCH_AUTO_PIN=pin)
                command: list[str | Path] = ["--python", python, "install", wanted]
                done = (pip if tool == "pip" else old_pip).run(command, env=env, check=False)
            assert done.returncode == 0, done
            code = "from importlib.metadata import distributions as d; print({i.name: i.version for i in d()})"
            versions = ast.literal_eval(sandbox.run([python, "-c", code]).stdout)
            found[pin, "vision" in wanted] = (versions["torch"], versions.get("torchvision"))
    assert found == {
        ("exact", True): ("2.14.1+cpu", "0.29.1+cpu"),
        ("exact", False): ("2.14.1+cpu", None),
        ("prefer", True): ("2.14.1+rocm10.9", "0.29.1+rocm10.9"),
        ("prefer", False): ("2.14.1+rocm10.9", None),
    }


def test_pypis_pair_without_any_page(pip: Frontend, sandbox: Sandbox) -> None:
    """``TORCH_AUTO_BACKEND=pypi``: without a GPU and without a page PyPI's pair installs, with its GPU libraries."""
    python = sandbox.venv()
    env = on(machines.cpu(), sandbox, TORCH_AUTO_BACKEND="pypi")
    pip.run(["--python", python, "install", "torch-auto[vision]==2.14.1"], env=env)
    assert built_for(sandbox, python) == ("2.14.1+cu130", "0.29.1+cu130")


def test_pip_takes_the_pair(any_pip: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """With the pages of both and pin=exact, pip installs the CPU pair."""
    python = sandbox.venv()
    links = " ".join(pages(index, "torch", "torchvision"))
    env = on(machines.cpu(), sandbox, PIP_FIND_LINKS=links, TORCH_AUTO_PIN="exact")
    any_pip.run(["--python", python, "install", "torch-auto[vision]==2.14.1"], env=env)
    assert built_for(sandbox, python) == ("2.14.1+cpu", "0.29.1+cpu")


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
    """A lock made on Linux with the pages and pin=exact holds torchvision for macOS and Windows: PyPI's or its twin."""
    shown = pages(index, "torch", "torchvision", "pytorch-triton-rocm")
    project = sandbox.project(
        ["torch-auto[vision]==2.5.1"], requires_python=">=3.11,<3.13", extra=f"[tool.uv]\nfind-links = {shown}"
    )
    any_uv.run(["lock"], cwd=project, env=on(make(), sandbox, TORCH_AUTO_PIN="exact"))
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
    """Poetry reads an extra's pins as they are meant: with exact the CPU pair here and PyPI's elsewhere, or PyPI's."""
    from support.frontends import poetry_sources  # noqa: PLC0415

    project = sandbox.project(
        ["torch-auto[vision]==2.5.1"], requires_python=">=3.11,<3.13", extra=poetry_sources(sandbox.index, "cpu")
    )
    poetry.run(["lock"], cwd=project, env=on(machines.cpu(), sandbox, TORCH_AUTO_PIN="exact"))
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
