"""Plain ``uv add torch-auto`` and ``pip install torch-auto`` give each machine its torch: real frontends and dists."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from support import machines
from support.frontends import OLD_PIP
from support.lock import read_lock

from torch_auto import catalog
from torch_auto.decide import decide
from torch_auto.machine_file import machine_from_json
from torch_auto.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = [pytest.mark.frontend, pytest.mark.usefixtures("published")]

#: Machine, torch-auto and torch with PyPI alone, torch with PyTorch's page. torch-auto has torch's release each time.
KINDS: list[tuple[str, Any, str, str]] = [
    ("CPU", machines.cpu, "2.15.0", "2.15.0+cpu"),
    ("H100 and driver 580", machines.h100_580, "2.15.0", "2.15.0+cu132"),
    ("A100 and driver 550", machines.a100_550, "2.10.0", "2.14.1+cu126"),
    ("P100 and driver 580", machines.p100_580, "2.7.1", "2.14.1+cu126"),
    ("RTX 5090 and driver 575", machines.rtx5090_575, "2.10.0", "2.13.0+cu129"),
]


def on(machine: dict[str, Any], sandbox: Sandbox, **variables: str) -> dict[str, str]:
    """The variables under which a build is for this machine."""
    path = sandbox.root / f"machine-{len(list(sandbox.root.glob('machine-*')))}.json"
    path.write_text(json.dumps(machine), "utf-8")
    return {"TORCH_AUTO_MACHINE": str(path), **variables}


def installed(sandbox: Sandbox, python: Path) -> tuple[str, str]:
    """The versions of torch-auto and of torch, as torch itself says it, in an environment."""
    code = "from importlib.metadata import version as v; print(v('torch-auto'), v('torch'))"
    auto, torch = sandbox.run([python, "-c", code]).stdout.split()
    return auto, torch


def test_uv_add_with_pypi_alone(uv: Frontend, sandbox: Sandbox) -> None:
    """With nothing set up, ``uv add torch-auto`` ends with the newest torch whose public build each machine runs."""
    found = {}
    for number, (name, make, _, _) in enumerate(KINDS):
        project = sandbox.project(name=f"project{number}", requires_python=">=3.11")
        # A cache of its own: what one machine has built must not be served to the next.
        uv.run(
            ["add", "torch-auto"], cwd=project, env=on(make(), sandbox, UV_CACHE_DIR=str(sandbox.root / f"c{number}"))
        )
        found[name] = installed(sandbox, project / ".venv/bin/python")
    assert found == {name: (public, public) for name, _, public, _ in KINDS}


def test_uv_add_with_the_page(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """With UV_FIND_LINKS on the one page, each machine gets the exact build."""
    found = {}
    for number, (name, make, _, _) in enumerate(KINDS):
        project = sandbox.project(name=f"project{number}", requires_python=">=3.11")
        env = on(make(), sandbox, UV_CACHE_DIR=str(sandbox.root / f"c{number}"), UV_FIND_LINKS=index.find_links)
        uv.run(["add", "torch-auto"], cwd=project, env=env)
        found[name] = installed(sandbox, project / ".venv/bin/python")
    assert found == {name: (torch.split("+")[0], torch) for name, _, _, torch in KINDS}


@pytest.mark.slow
@pytest.mark.parametrize("page", [False, True], ids=["PyPI alone", "page"])
def test_pip_install(any_pip: Frontend, sandbox: Sandbox, index: TorchIndex, page: bool) -> None:
    """pip, new and old, installs the same as uv, with PyTorch's page and without it."""
    found, expected = {}, {}
    # A walk back costs pip about 3 s a release, so the old pip goes the way of three machines alone.
    kinds = KINDS if any_pip.version != OLD_PIP else KINDS[:3]
    for number, (name, make, public, local) in enumerate(kinds):
        python = sandbox.venv(name=f"venv{number}")
        env = on(make(), sandbox, PIP_CACHE_DIR=str(sandbox.root / f"c{number}"))
        if page:
            env["PIP_FIND_LINKS"] = index.find_links
        any_pip.run(["--python", python, "install", "torch-auto"], env=env)
        found[name] = installed(sandbox, python)
        expected[name] = (local.split("+")[0], local) if page else (public, public)
    assert found == expected


def test_a_v100_with_an_old_driver_resolves(uv: Frontend, sandbox: Sandbox, interpreter: Callable[[str], Path]) -> None:
    """Driver 470 on Python 3.12 has no public build that uses the GPU; something resolves all the same."""
    project = sandbox.project(requires_python=">=3.12")
    env = on(machines.v100_470(python="3.12"), sandbox, UV_PYTHON=str(interpreter("3.12")))
    uv.run(["add", "torch-auto"], cwd=project, env=env)
    assert installed(sandbox, project / ".venv/bin/python") == ("2.7.1", "2.7.1")


def test_a_v100_with_an_old_driver_gets_its_build_with_the_page(
    uv: Frontend, sandbox: Sandbox, index: TorchIndex
) -> None:
    """Driver 470 runs CUDA 11.8 builds, and with PyTorch's page gets the newest."""
    project = sandbox.project(requires_python=">=3.11")
    uv.run(["add", "torch-auto"], cwd=project, env=on(machines.v100_470(), sandbox, UV_FIND_LINKS=index.find_links))
    assert installed(sandbox, project / ".venv/bin/python") == ("2.7.1", "2.7.1+cu118")


def test_a_release_that_is_asked_for(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> None:
    """``torch-auto==2.5.1`` on an A100 with driver 550 and PyTorch's page is torch 2.5.1+cu124."""
    project = sandbox.project(requires_python=">=3.11")
    env = on(machines.a100_550(), sandbox, UV_FIND_LINKS=index.find_links)
    uv.run(["add", "torch-auto==2.5.1"], cwd=project, env=env)
    assert installed(sandbox, project / ".venv/bin/python") == ("2.5.1", "2.5.1+cu124")


def test_pin_exact_in_metadata(any_pip: Frontend, sandbox: Sandbox, dists: Path) -> None:
    """With ``-C pin=exact`` the METADATA of 2.5.1 reads ``torch==2.5.1+cu124`` with the platform's marker."""
    wheel = sandbox.root / "wheel"
    command: list[str | Path] = ["wheel", "--no-deps", "-w", wheel, dists / "torch_auto-2.5.1.tar.gz"]
    any_pip.run([*command, "--config-settings", "pin=exact"], env=on(machines.a100_550(), sandbox))
    pins = requirements_of(next(wheel.glob("*.whl")))
    assert pins[0] == "torch==2.5.1+cu124; sys_platform == 'linux' and platform_machine == 'x86_64'"


def requirements_of(wheel: Path) -> list[str]:
    """The torch requirements in a wheel's METADATA."""
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(wheel) as archive:
        name = next(item for item in archive.namelist() if item.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    return [line.split(": ", 1)[1] for line in text.splitlines() if re.match("Requires-Dist: torch[=!]", line)]


def test_a_pin_that_nothing_satisfies_says_why(uv: Frontend, sandbox: Sandbox) -> None:
    """A release that needs a newer driver is refused by uv with the driver's version in its message."""
    project = sandbox.project(["torch-auto==2.15.0"], requires_python=">=3.11")
    done = uv.run(["lock"], cwd=project, env=on(machines.a100_550(), sandbox), check=False)
    assert done.returncode == 1
    assert "needs.nvidia.driver.580" in re.sub(r"\s+", "", done.stderr)


# --- one machine's lock on other platforms -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "here"),
    [(machines.cpu, "2.5.1+cpu"), (machines.a100_550, "2.5.1+cu124"), (machines.mi300, "2.5.1+rocm6.2")],
    ids=["CPU", "A100", "MI300"],
)
def test_a_lock_from_linux_serves_macos_and_windows(
    any_uv: Frontend, sandbox: Sandbox, index: TorchIndex, make: Any, here: str
) -> None:
    """A lock made on Linux with PyTorch's page holds wheels for macOS and Windows: PyPI's build, or its twin there."""
    pages = [index.find_links, f"{index.whl}/pytorch-triton-rocm/"]
    project = sandbox.project(
        ["torch-auto==2.5.1"], requires_python=">=3.11,<3.13", extra=f"[tool.uv]\nfind-links = {pages}"
    )
    any_uv.run(["lock"], cwd=project, env=on(make(), sandbox))
    locked = read_lock(project)["torch"]

    def versions(tag: str) -> set[str]:
        return {package.version for package in locked if package.serves(tag)}

    assert here in versions("linux_x86_64")
    assert versions("macosx_11_0_arm64") == {"2.5.1"}
    # The public build for Windows is the CPU build, and 2.5.1+cpu is that build on the index.
    serving = [package for package in locked if package.serves("win_amd64") and package.version == "2.5.1+cpu"]
    assert serving
    if here != "2.5.1+cpu":
        assert any("win32" in marker for package in serving for marker in package.markers)


@pytest.mark.parametrize("make", [machines.cpu, machines.a100_550, machines.mi300], ids=["CPU", "A100", "MI300"])
def test_other_platforms_resolve_to_the_public_build(
    uv: Frontend, sandbox: Sandbox, index: TorchIndex, make: Any
) -> None:
    """Resolved for macOS and Windows on a Linux machine, with PyTorch's page and without it, PyPI's build comes out."""
    found = {}
    for page in (False, True):
        env = on(make(), sandbox, **({"UV_FIND_LINKS": index.find_links} if page else {}))
        for platform in ("aarch64-apple-darwin", "x86_64-pc-windows-msvc"):
            source = sandbox.root / "in.txt"
            source.write_text("torch-auto==2.5.1\n", "utf-8")
            done = uv.run(
                ["pip", "compile", "--python-platform", platform, "--python-version", "3.11", source], env=env
            )
            found[platform, page] = re.findall(r"^torch==(\S+)", done.stdout, re.MULTILINE)
    assert found == {
        ("aarch64-apple-darwin", False): ["2.5.1"],
        ("aarch64-apple-darwin", True): ["2.5.1"],
        ("x86_64-pc-windows-msvc", False): ["2.5.1"],
        ("x86_64-pc-windows-msvc", True): ["2.5.1+cpu"],
    }


@pytest.mark.parametrize(
    ("make", "torch"),
    [(machines.mi300, "2.14.1+rocm7.2"), (machines.arc_b580, "2.14.1+xpu")],
    ids=["AMD", "Intel"],
)
def test_amd_and_intel_need_the_page_of_their_triton(
    any_uv: Frontend, sandbox: Sandbox, index: TorchIndex, make: Any, torch: str
) -> None:
    """The pages that plan gives install the ROCm or XPU build; torch's page alone leads to what PyPI has."""
    machine = machine_from_json(make())
    plan = decide(catalog.load().release("2.14.1"), machine, Settings(index_url=index.whl), catalog.load())
    found = []
    for number, pages in enumerate([plan.pages, plan.pages[:1]]):
        extra = f"[tool.uv]\nfind-links = {list(pages)}"
        project = sandbox.project(name=f"project{number}", requires_python=">=3.11", extra=extra)
        any_uv.run(["add", "torch-auto"], cwd=project, env=on(make(), sandbox))
        found.append(installed(sandbox, project / ".venv/bin/python")[1])
    assert found == [torch, "2.14.1+cu130"]  # PyPI's build's twin


def test_local_versions_that_are_no_torch_backends_are_left_out(
    any_uv: Frontend, sandbox: Sandbox, index: TorchIndex
) -> None:
    """2.5.1+cpu.cxx11.abi and its like lie on the page, sort above +cpu, and are never taken."""
    source = sandbox.root / "in.txt"
    source.write_text("torch-auto==2.5.1\n", "utf-8")
    env = on(machines.cpu(), sandbox, UV_FIND_LINKS=index.find_links)
    done = any_uv.run(["pip", "compile", source, "--no-annotate"], env=env)
    assert "torch==2.5.1+cpu\n" in done.stdout


def test_poetry_locks_each_platform(poetry: Frontend, sandbox: Sandbox) -> None:
    """Poetry locks torch-auto and the torch that its METADATA pins."""
    from support.frontends import poetry_sources  # noqa: PLC0415

    project = sandbox.project(
        ["torch-auto==2.5.1"], requires_python=">=3.11,<3.13", extra=poetry_sources(sandbox.index, "cu124")
    )
    poetry.run(["lock"], cwd=project, env=on(machines.a100_550(), sandbox))
    versions = {package.version for package in read_lock(project, "poetry.lock")["torch"]}
    assert "2.5.1+cu124" in versions
    assert versions <= {"2.5.1+cu124", "2.5.1", "2.5.1+cpu"}


# --- the machine is looked at anew ---------------------------------------------------------------------------------


def test_the_sdist_is_built_anew_on_each_machine(
    uv: Frontend, sandbox: Sandbox, index: TorchIndex, fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """One sdist: a CUDA machine and a CPU machine each get their own pins from it, both ways round."""
    cuda = fake_nvml(driver="550.54.14", cuda="12.4", devices=[("NVIDIA A100-SXM4-80GB", "8.0")])
    found = []
    for number, machine in enumerate([cuda, {}, cuda]):
        project = sandbox.project(name=f"project{number}", requires_python=">=3.11")
        env = {**machine, "UV_FIND_LINKS": index.find_links, "UV_CACHE_DIR": str(sandbox.root / f"cache{number}")}
        uv.run(["add", "torch-auto==2.5.1"], cwd=project, env=env)
        found.append(installed(sandbox, project / ".venv/bin/python")[1])
    assert found == ["2.5.1+cu124", "2.5.1+cpu", "2.5.1+cu124"]


def test_a_hung_driver_does_not_hang_a_build(
    any_pip: Frontend, sandbox: Sandbox, dists: Path, fake_nvml: Callable[..., dict[str, str]]
) -> None:
    """NVML that never answers costs a few seconds; the wheel is built, and says in its record what happened."""
    import zipfile  # noqa: PLC0415

    env = fake_nvml(driver="550.54.14", cuda="12.4", devices=[("NVIDIA A100", "8.0")], hang="nvmlInitWithFlags")
    wheel = sandbox.root / "wheel"
    any_pip.run(["wheel", "--no-deps", "-w", wheel, dists / "torch_auto-2.5.1.tar.gz"], env=env, timeout=90)
    with zipfile.ZipFile(next(wheel.glob("*.whl"))) as archive:
        record = json.loads(archive.read("torch_auto-2.5.1.dist-info/torch_auto.json"))
    assert any(item["outcome"] == "unreadable" for item in record["machine"]["evidence"]), record["machine"]


def test_requirements_are_valid_and_scoped(any_pip: Frontend, sandbox: Sandbox, dists: Path) -> None:
    """Every pin carries the marker of the platforms that it is for, and exactly one of them holds on each."""
    wheel = sandbox.root / "wheel"
    command: list[str | Path] = ["wheel", "--no-deps", "-w", wheel, dists / "torch_auto-2.14.1.tar.gz"]
    any_pip.run(command, env=on(machines.a100_550(), sandbox))
    pins = [Requirement(text) for text in requirements_of(next(wheel.glob("*.whl")))]
    for system, architecture in [("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64")]:
        environment = {"sys_platform": system, "platform_machine": architecture, "python_version": "3.12"}
        active = [pin for pin in pins if pin.marker is not None and pin.marker.evaluate(environment)]
        assert len(active) == 1, (system, architecture)
        assert ("2.14.1+cu126" in str(active[0].specifier).split("==")[-1]) == (
            (system, architecture) == ("linux", "x86_64")
        )
