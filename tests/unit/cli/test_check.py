"""``torch-auto check`` finds what is wrong, says so in a sentence, and names the commands that fix it."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import machines

from torch_auto import __version__
from torch_auto.cli import main, tools
from torch_auto.cli.check.finding import Finding
from torch_auto.cli.check.findings import all_findings
from torch_auto.cli.check.outcome import agreed
from torch_auto.cli.check.situation import Where, survey
from torch_auto.cli.output import FORMAT_VERSION
from torch_auto.cli.project.environment import at
from unit.cli.fake_environment import FakeEnvironment
from unit.data import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = "https://download.pytorch.org/whl/torch/"
PYPROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["torch-auto"]\n'
WITH_PAGE = f'{PYPROJECT}\n[tool.uv]\nfind-links = ["{PAGE}"]\n'

H100_OLD = machines.with_nvidia("550.54.14", machines.H100)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that names PyTorch's page."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(WITH_PAGE, "utf-8")
    return folder


@pytest.fixture
def env(project: Path) -> FakeEnvironment:
    """The project's own virtual environment, empty."""
    return FakeEnvironment.make(project / ".venv")


@pytest.fixture
def look(project: Path, env: FakeEnvironment) -> Callable[..., dict[str, Finding]]:
    """``look(machine, **variables)``: the findings by what was checked."""

    def findings(machine: machines.Machine, **variables: str) -> dict[str, Finding]:
        path = project / "machine.json"
        path.write_text(json.dumps(machine), "utf-8")
        where = Where(str(project), {"HOME": str(project), **variables}, {"machine": str(path)}, str(env.prefix))
        return {finding.check: finding for finding in all_findings(survey(where))}

    return findings


def statuses(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.status for name, finding in found.items()}


def test_all_is_well(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A machine that has what it needs gets ok on every line, and no command."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    found = look(machines.a100_550())
    assert statuses(found) == {"machine": "ok", "torch-auto": "ok", "torch": "ok", "pages": "ok"}
    assert not any(finding.commands for finding in found.values())


def test_cpu_build_on_a_gpu_machine(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A CPU build that leaves a GPU unused fails, and the GPU is named."""
    env.install_torch_auto(machines.cpu(), "2.14.1")
    env.install_torch("2.14.1+cpu")
    found = look(machines.a100_550())
    assert statuses(found) == {"machine": "ok", "torch-auto": "fail", "torch": "fail", "pages": "ok"}
    assert "It is a CPU build, and leaves NVIDIA A100" in found["torch"].text
    assert "no GPU then, NVIDIA A100" in found["torch-auto"].text


def test_no_kernel_image(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A CUDA build without code for the GPU fails before torch itself says "no kernel image"."""
    env.install_torch_auto(machines.h100_580(), "2.14.1")
    env.install_torch("2.14.1+cu130")
    found = look(machines.p100_580())
    assert found["torch"].status == "fail"
    assert "no kernel image" in found["torch"].text
    assert "none of which runs on 6.0" in found["torch"].text


def test_gpu_swapped(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """Another GPU that needs the same torch is told and no fault."""
    env.install_torch_auto(machines.h100_580(), "2.14.1")
    env.install_torch("2.14.1+cu130")
    found = look(machines.with_nvidia("580.65.06", machines.A100))
    assert found["torch-auto"].status == "ok"
    assert "NVIDIA H100 80GB HBM3" in found["torch-auto"].text
    assert "the answer is the same" in found["torch-auto"].text


def test_another_glibc(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """Another libc that needs the same torch is told and no fault; so is one that was not known then."""
    for libc, then in (("glibc 2.31", "glibc 2.31"), (None, "unknown libc")):
        for folder in env.site.glob("*"):
            shutil.rmtree(folder)
        env.install_torch_auto(machines.cpu(libc=libc), "2.14.1")
        env.install_torch("2.14.1+cpu")
        found = look(machines.cpu())["torch-auto"]
        assert found.status == "ok"
        assert f"({then} then, glibc 2.36 now: the answer is the same)" in found.text


def test_driver_too_old_for_the_build(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A driver that went back to an older one than the build needs is named with the one that is enough."""
    env.install_torch_auto(machines.h100_580(), "2.14.1")
    env.install_torch("2.14.1+cu130")
    found = look(H100_OLD)
    assert "driver 580.65.06 then, 550.54.14 now" in found["torch-auto"].text
    assert "CUDA 13 needs driver 580" in found["torch"].text


def test_public_build_that_uses_the_gpu(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """PyPI's build where a better one is on PyTorch's page is a warning."""
    machine = machines.with_nvidia("570.26", machines.A100)
    env.install_torch_auto(machine, "2.10.0")
    env.install_torch("2.10.0", "2.10.0+cu128")
    assert look(machine)["torch"].status == "ok"
    older = machines.a100_550()
    other = look(older)
    assert other["torch"].status == "warn"
    assert "torch 2.10.0+cu126 fits this machine better" in other["torch"].text


def test_public_build_that_leaves_the_gpu_unused(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """PyPI's CUDA build on an AMD machine satisfies the pins, and fails all the same."""
    env.install_torch_auto(machines.mi300(), "2.14.1")
    env.install_torch("2.14.1", "2.14.1+cu130")
    found = look(machines.mi300())
    assert found["torch"].status == "fail"
    assert "It does not use AMD Instinct MI300X (gfx942): it is made for NVIDIA GPUs" in found["torch"].text


def test_nouveau(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A GPU of NVIDIA's without its driver is a warning that says what to install."""
    env.install_torch_auto(machines.nouveau(), "2.15.0")
    env.install_torch("2.15.0+cpu")
    found = look(machines.nouveau())
    assert found["machine"].status == "warn"
    assert "NVIDIA's driver is not installed or not loaded" in found["machine"].text
    assert "nouveau is not enough" in found["machine"].text


def test_a_driver_without_its_cuda_library(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """NVIDIA's driver without libcuda: torch is the right one, and does not find the GPU."""
    machine = machines.a100_550()
    machine["accelerators"][0]["lacks"] = "libcuda.so.1"
    env.install_torch_auto(machine, "2.14.1")
    env.install_torch("2.14.1+cu126")
    found = look(machine)
    assert found["machine"].status == "warn"
    assert "libcuda.so.1 was not found, and without it torch does not find the GPU" in found["machine"].text


@pytest.mark.parametrize(("torch", "numpy", "said"), [("2.2.2", "2.1.0", True), ("2.2.2", "1.26.4", False),
                                                     ("2.3.0", "2.1.0", False)])  # fmt: skip
def test_numpy_2_beside_a_torch_for_numpy_1(
    env: FakeEnvironment,
    look: Callable[..., dict[str, Finding]],
    torch: str,
    numpy: str,
    said: bool,
) -> None:
    """torch requires no NumPy, so nothing keeps the two apart."""
    env.install_torch_auto(machines.cpu(), torch)
    env.install_torch(f"{torch}+cpu")
    env.install("numpy", numpy)
    found = look(machines.cpu())
    assert ("numpy" in found) is said
    if said:
        assert found["numpy"].status == "warn"
        assert "numpy 2.1.0 is installed: torch cannot exchange arrays with it" in found["numpy"].text


def test_companion_of_another_torch_backend(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A torchvision that was built for another torch backend fails, with a command."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    env.install("torchvision", "0.29.2+xpu", ("torch>=2.14.0",))
    found = look(machines.a100_550())
    assert found["torchvision"].status == "fail"
    assert found["torchvision"].text == (
        "torchvision 0.29.2+xpu was built for xpu, and torch for cu126: they have to be of one torch backend."
    )
    assert found["torchvision"].commands == ("torch-auto add vision",)


def test_companion_for_the_cpu_beside_a_torch_for_a_gpu(
    env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """A torchvision for the CPU imports beside a torch for CUDA: a warning."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    env.install("torchvision", "0.29.1+cpu", ("torch>=2.14.0",))
    found = look(machines.a100_550())["torchvision"]
    assert found.status == "warn"
    assert found.text.endswith("built for the CPU, and torch for cu126: its operators will not use the GPU.")


def test_torchaudio_wants_the_very_cuda_version(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """Of two CUDA builds of one major torchvision only warns, and torchaudio, which refuses at import, fails."""
    env.install_torch_auto(machines.h100_580(), "2.15.0")
    env.install_torch("2.15.0+cu132")
    env.install("torchvision", "0.29.1+cu130", ("torch>=2.14.0",))
    env.install("torchaudio", "2.11.0+cu130", ())
    found = look(machines.h100_580())
    assert (found["torchvision"].status, found["torchaudio"].status) == ("warn", "fail")


def test_companion_of_another_release(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A torchvision that requires another torch fails."""
    env.install_torch_auto(machines.cpu(), "2.13.0")
    env.install_torch("2.13.0+cpu")
    env.install("torchvision", "0.20.1+cpu", ("torch==2.5.1",))
    assert look(machines.cpu())["torchvision"].text == (
        "torchvision 0.20.1+cpu requires torch==2.5.1, and torch 2.13.0+cpu is installed."
    )


@pytest.mark.parametrize("tool", ["uv", "UV_FIND_LINKS"])
def test_pages_are_seen(
    tool: str, project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """PyTorch's pages count wherever uv reads them."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    variables = {}
    if tool == "UV_FIND_LINKS":
        (project / "pyproject.toml").write_text(f"{PYPROJECT}\n[tool.uv]\n", "utf-8")
        assert look(machines.a100_550())["pages"].status == "warn"
        variables[tool] = f"https://example.org/x,{PAGE}"
    assert look(machines.a100_550(), **variables)["pages"].status == "ok"


def test_pages_that_are_not_needed(
    project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """A machine whose torch is PyPI's own build needs no page."""
    (project / "pyproject.toml").write_text(f"{PYPROJECT}\n[tool.uv]\n", "utf-8")
    newest = CATALOG.newest
    public = newest.platforms["linux_x86_64"].public
    assert public is not None
    assert public.torch_backend.toolkit is not None
    driver = CATALOG.drivers.native(public.torch_backend.toolkit, windows=False)  # with which it is the best one
    machine = machines.with_nvidia(str(driver), machines.H100)
    env.install_torch_auto(machine, newest.version)
    env.install_torch(newest.version, f"{newest.version}+{public.torch_backend}")
    found = look(machine)
    assert found["pages"].text == (
        "PyTorch's pages are not named, and not needed: PyPI has what there is for this machine."
    )
    assert statuses(found) == {"machine": "ok", "torch-auto": "ok", "torch": "ok", "pages": "ok"}


@pytest.mark.parametrize(
    ("pages", "missing"),
    [
        ("", "{0}torch/ and {0}torchvision/ are not named. They have"),
        (f'find-links = ["{PAGE}"]\n', "{0}torchvision/ is not named. It has"),
    ],
)
def test_pages_that_are_lacking(
    pages: str, missing: str, project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """Each page that the machine's torch or its torchvision is on is told by its address, and `init` names it."""
    asked = PYPROJECT.replace("torch-auto", "torch-auto[vision]")
    (project / "pyproject.toml").write_text(f"{asked}\n[tool.uv]\n{pages}", "utf-8")
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    found = look(machines.a100_550())
    assert found["pages"].code == "pages.missing"
    assert found["pages"].text == f"{missing} builds that fit this machine better.".format(PAGE.removesuffix("torch/"))
    assert found["pages"].commands == ("torch-auto init", "torch-auto refresh")
    env.install("torchvision", "0.29.1+cu130", ("torch>=2.14.0",))
    assert look(machines.a100_550())["torchvision"].commands == ("torch-auto init", "torch-auto refresh")


@pytest.mark.parametrize("name", ["musl", "macos-x86-64", "macos-arm64"])
def test_pages_that_make_no_difference(
    name: str, project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """A machine that the PyTorch index has nothing more for is not told to name pages."""
    (project / "pyproject.toml").write_text(f"{PYPROJECT}\n[tool.uv]\n", "utf-8")
    env.install_torch_auto(machines.MACHINES[name], "2.13.0")
    assert look(machines.MACHINES[name])["pages"].status == "ok"


def test_setting_of_the_project_counts(
    project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """A torch backend that the project asks for in [tool.uv] is what check compares with."""
    (project / "pyproject.toml").write_text(
        WITH_PAGE + 'config-settings-package = { torch-auto = { backend = "cpu" } }\n', "utf-8"
    )
    env.install_torch_auto(machines.a100_550(), "2.14.1", {"backend": "cpu"})
    env.install_torch("2.14.1+cpu")
    found = look(machines.a100_550())
    assert (found["torch"].code, found["torch"].status) == ("torch.cpu-asked", "warn")
    assert "backend=cpu asked for it (in the project's settings for uv). Take that setting away" in found["torch"].text
    assert found["torch"].commands == ()


def test_setting_that_the_build_had(env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A setting that was given when the wheel was built is no drift, and is told."""
    env.install_torch_auto(machines.a100_550(), "2.14.1", {"backend": "cpu"})
    env.install_torch("2.14.1+cpu")
    found = look(machines.a100_550())
    assert found["torch-auto"].status == "ok"
    assert "It was built with backend=cpu" in found["torch-auto"].text


LOCK = """\
version = 1

[[package]]
name = "torch"
version = "{torch}"
source = {{ registry = "https://download.pytorch.org/whl/torch/" }}

[[package]]
name = "torch-auto"
version = "{release}"
source = {{ registry = "https://index.example/simple" }}
dependencies = [
    {{ name = "torch", version = "{torch}", marker = "sys_platform == 'linux'" }},
    {{ name = "torch", version = "0.0", marker = "sys_platform == 'darwin'" }},
]
"""


def test_lock_of_another_machine(project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """A lock that holds another machine's torch, which works here as well, is a warning, and whose it is is named."""
    (project / "uv.lock").write_text(LOCK.format(torch="2.14.1+cu126", release="2.14.1"), "utf-8")
    env.install_torch_auto(machines.cpu(), "2.14.1")
    env.install_torch("2.14.1+cpu")
    found = look(machines.cpu())
    assert found["uv.lock"].status == "warn"
    assert found["uv.lock"].text == (
        "It was made for another machine: it holds torch 2.14.1+cu126, which is for a machine with an NVIDIA GPU. "
        "This one needs torch 2.14.1+cpu. It works here as well, on the CPU."
    )
    assert found["uv.lock"].commands == ("torch-auto refresh",)
    assert found["uv.lock"].otherwise == ("torch-auto init --portable", "uv lock", "torch-auto sync")


@pytest.mark.parametrize(
    ("torch", "machine", "code", "words"),
    [
        # For nobody in particular, and works: on the CPU, or with the GPU.
        ("2.14.1", machines.cpu(), "lock.older", "from PyPI"),
        ("2.14.1+cpu", machines.cpu(), "lock.ok", "works here"),
        ("2.14.1+cu126", machines.a100_550(), "lock.ok", "works here"),
        # Another kind of machine's.
        ("2.14.1+cu126", machines.cpu(), "lock.other-machine", "a machine with an NVIDIA GPU"),
        ("2.14.1+rocm7.2", machines.cpu(), "lock.other-machine", "a machine with an AMD GPU"),
        ("2.14.1+xpu", machines.cpu(), "lock.other-machine", "one with an Intel GPU"),
        ("2.14.1+cpu", machines.a100_550(), "lock.other-machine", "a machine without a GPU"),
        ("2.14.1", machines.a100_550(), "lock.other-machine", "everybody, as PyPI's build is"),
    ],
)
def test_whose_a_lock_is(
    project: Path,
    env: FakeEnvironment,
    look: Callable[..., dict[str, Finding]],
    torch: str,
    machine: machines.Machine,
    code: str,
    words: str,
) -> None:
    """By the torch that it holds, and whether that works on this machine."""
    (project / "uv.lock").write_text(LOCK.format(torch=torch, release="2.14.1"), "utf-8")
    env.install_torch_auto(machine, "2.14.1")
    found = look(machine)["uv.lock"]
    assert (found.code, words in found.text) == (code, True), found.text


@pytest.mark.parametrize(
    ("lock", "yes", "asked"),
    [
        (None, False, False),
        ("version = 1\n", False, False),
        (LOCK.format(torch="2.14.1+cpu", release="2.14.1"), False, False),
        (LOCK.format(torch="2.14.1+cu126", release="2.14.1").replace("torch-auto", "another"), False, False),
        (LOCK.format(torch="2.14.1+cu126", release="2.14.1").replace('"torch"', '"another"'), False, False),
        (LOCK.format(torch="2.14.1+cu126", release="2.14.1"), True, False),
        (LOCK.format(torch="2.14.1+cu126", release="2.14.1"), False, True),
    ],
)
def test_the_lock_of_another_kind_of_machine_is_asked_for(
    lock: str | None,
    yes: bool,
    asked: bool,
    project: Path,
    env: FakeEnvironment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Only where a lock holds a torch for others is there a question, and without an answer nothing is to be done."""
    (project / "machine.json").write_text(json.dumps(machines.cpu()), "utf-8")
    if lock is not None:
        (project / "uv.lock").write_text(lock, "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    where = Where(str(project), {"HOME": str(project)}, {"machine": str(project / "machine.json")}, str(env.prefix))
    assert agreed(survey(where), yes=yes) is not asked
    said = capsys.readouterr().err
    assert ("holds torch 2.14.1+cu126, which is for a machine with an NVIDIA GPU" in said) is asked
    assert ("Nothing was changed. Without the question: torch-auto refresh --yes" in said) is asked
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert agreed(survey(where), yes=False)


def test_a_lock_without_torch_auto(
    project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """It is a finding where the project requires torch-auto, or where what is installed does not work."""
    (project / "uv.lock").write_text("version = 1\n", "utf-8")
    env.install_torch("2.14.1+cu126")
    found = look(machines.a100_550())["uv.lock"]
    assert (found.code, found.commands != ()) == ("lock.no-torch-auto", True)
    pyproject = (project / "pyproject.toml").read_text("utf-8")
    (project / "pyproject.toml").write_text(pyproject.replace('"torch-auto"', '"numpy"'), "utf-8")
    assert look(machines.a100_550())["uv.lock"].code == "lock.ok"
    assert look(machines.mi300())["uv.lock"].code == "lock.no-torch-auto"


def test_lock_from_before_the_pages(
    project: Path, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """A lock that still holds PyPI's build although PyTorch's page is named is a warning."""
    (project / "uv.lock").write_text(LOCK.format(torch="2.14.1", release="2.14.1"), "utf-8")
    env.install_torch_auto(machines.cpu(), "2.14.1")
    env.install_torch("2.14.1+cpu")
    assert look(machines.cpu())["uv.lock"].status == "warn"


@pytest.mark.parametrize("name", sorted(machines.MACHINES))
def test_every_machine_agrees_with_its_own_build(
    name: str, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]
) -> None:
    """What a machine was built for, with the torch that its plan names, is well on that machine."""
    plan = env.install_torch_auto(machines.MACHINES[name], "2.13.0")
    selection = plan.selection
    if selection.needs is not None:
        pytest.skip("2.13.0 is not for this machine")
    local = selection.local_version
    env.install_torch(f"2.13.0+{local}" if local else "2.13.0", f"2.13.0+{selection.torch_backend}")
    found = look(machines.MACHINES[name])
    assert (found["torch-auto"].status, found["torch"].status) == ("ok", "ok"), found


def test_json(
    project: Path, env: FakeEnvironment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--json says the status, and the commands in full; the exit status is 1."""
    env.install_torch_auto(machines.cpu(), "2.14.1")
    env.install_torch("2.14.1+cpu")
    path = project / "machine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    arguments = ["check", "--json", "--project", str(project), "--venv", str(env.prefix), "--machine", str(path)]
    assert main(arguments) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["version"], found["status"], found["tool"]) == (FORMAT_VERSION, "fail", "uv")
    [torch] = [item for item in found["checks"] if item["check"] == "torch"]
    assert torch["commands"] == [
        "uv cache clean torch-auto",
        "uv lock --upgrade-package torch-auto --upgrade-package torch",
        "uv sync --inexact --reinstall-package torch-auto",
    ]


# --- a record of a newer core ---------------------------------------------------------------------------------------


@pytest.fixture
def newer(env: FakeEnvironment) -> FakeEnvironment:
    """An environment whose torch-auto was built by a core that writes another format."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.record.write_text('{"version": 3, "whatever": []}', "utf-8")
    env.install_torch("2.14.1+cu1410")
    return env


def test_a_record_of_a_newer_format(newer: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """It is told with what updates the command, and nothing is said about a torch that an older catalog would judge."""
    assert newer
    found = look(machines.a100_550())
    assert statuses(found) == {"torch-auto": "warn"}
    assert found["torch-auto"].text == (
        f"2.14.1 was built by a newer torch-auto-core than this command ({__version__}), which cannot read its record "
        "(format 3). So nothing is said about torch."
    )
    assert found["torch-auto"].commands == ("uvx torch-auto-core@latest check",)


@pytest.mark.parametrize("groups", [False, True])
def test_a_record_of_a_newer_format_in_the_commands_own_environment(
    newer: FakeEnvironment,
    look: Callable[..., dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    *,
    groups: bool,
) -> None:
    """Where the command is the project's own, the project's tool updates it."""
    monkeypatch.setattr(sys, "prefix", str(newer.prefix))
    if groups:
        monkeypatch.setenv("TORCH_AUTO_MACHINE", str(project / "machine.json"))
        (project / "machine.json").write_text(json.dumps(machines.a100_550()), "utf-8")
        asked = ["--releases", "2.13.0", "--backends", "cu126", "--force", "--project", str(project)]
        assert main(["init", "--portable", *asked]) == 0
    found = look(machines.a100_550())
    second = "torch-auto sync" if groups else "uv sync --inexact"
    assert statuses(found) == {"torch-auto": "warn"}
    assert found["torch-auto"].commands == ("uv lock --upgrade-package torch-auto-core", second)


@pytest.mark.parametrize(
    ("receipt", "command"),
    [("uv-receipt.toml", "uv tool upgrade torch-auto-core"), ("pipx_metadata.json", "pipx upgrade torch-auto-core")],
)
def test_a_command_that_a_tool_keeps(
    newer: FakeEnvironment,
    look: Callable[..., dict[str, Finding]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    receipt: str,
    command: str,
) -> None:
    """A command of `uv tool` or pipx is updated by that."""
    assert newer
    (tmp_path / receipt).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert look(machines.a100_550())["torch-auto"].commands == (command,)


def test_every_tool_updates_the_core(newer: FakeEnvironment) -> None:
    """Each tool has a command that names torch-auto-core, and those that need one name the environment."""
    environment = at(str(newer.prefix))
    assert environment is not None
    for name in (*tools.NAMES, "uv_pip"):
        commands = tools.by_name(name).newer_core(environment)
        assert "torch-auto-core" in commands[0], name
        if name in ("pip", "uv_pip"):
            assert str(newer.prefix / "bin") in commands[0]


def test_json_of_a_newer_record(newer: FakeEnvironment, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json has the one finding, a warning, with its command; the exit status is 0."""
    path = project / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    arguments = ["check", "--json", "--project", str(project), "--venv", str(newer.prefix), "--machine", str(path)]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "warn"
    [only] = found["checks"]
    assert (only["check"], only["status"]) == ("torch-auto", "warn")
    assert only["commands"] == ["uvx torch-auto-core@latest check"]
    assert main([word for word in arguments if word != "--json"]) == 0
    assert capsys.readouterr().out.startswith("OK, with 1 suggestion: torch-auto.\n")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", b"[]", b"{}", b'{"version": "3"}', b'{"version": 1}', b"[" * 100_000]
)
def test_a_damaged_record(content: bytes, env: FakeEnvironment, look: Callable[..., dict[str, Finding]]) -> None:
    """check goes by METADATA where the record cannot be read."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    env.record.write_bytes(content)
    assert statuses(look(machines.a100_550())) == {"machine": "ok", "torch-auto": "ok", "torch": "ok", "pages": "ok"}


def test_no_such_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is not a virtual environment is a mistake of the user's: exit status 2."""
    assert main(["check", "--project", str(tmp_path), "--venv", str(tmp_path)]) == 2
    assert "is not a virtual environment (no pyvenv.cfg)" in capsys.readouterr().err


def test_broken_pyproject(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pyproject.toml that is not TOML is named with the place, and the exit status is 2."""
    (tmp_path / "pyproject.toml").write_text("[project\n", "utf-8")
    assert main(["check", "--project", str(tmp_path)]) == 2
    assert "pyproject.toml cannot be read as TOML: " in capsys.readouterr().err


def test_an_environment_that_cannot_be_written(
    env: FakeEnvironment, look: Callable[..., dict[str, Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot write the environment, as an image's user, gets no command, and the torch backend to build with."""
    env.install_torch_auto(machines.cpu(), "2.15.0", {"backend": "cu132"})
    env.install_torch("2.15.0+cu132")
    monkeypatch.setattr(os, "access", lambda path, mode: (Path(path), mode) != (env.site, os.W_OK))
    found = look(machines.a100_550())
    assert statuses(found) == {
        "machine": "ok", "torch-auto": "ok", "torch": "fail", "pages": "ok", "environment": "ok",
    }  # fmt: skip
    assert not any(finding.commands or finding.otherwise for finding in found.values())
    assert not any("refresh" in finding.text for finding in found.values())
    assert found["environment"].text == (
        f"You cannot write {env.prefix}, so no command is printed. Change it where it is made; build an image for this "
        "machine with backend=cu126."
    )


def test_nothing_to_change_in_an_environment_that_cannot_be_written(
    env: FakeEnvironment, look: Callable[..., dict[str, Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no command would be printed, nothing is said of that."""
    env.install_torch_auto(machines.a100_550(), "2.14.1")
    env.install_torch("2.14.1+cu126")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "environment" not in look(machines.a100_550())
