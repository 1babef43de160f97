"""``uvx torch-auto-core add``: from an empty folder, from torch, from the guide of uv; and what is typed next."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import frontends, machines, pytorch_org
from support.frontends import poetry_sources
from support.wheels import TinyWheel

from torch_auto import catalog
from torch_auto.decide import decide
from torch_auto.machine_file import machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.frontends import Finished, Sandbox
    from support.torch_index import TorchIndex

pytestmark = pytest.mark.frontend

CATALOG = catalog.load()

#: The machines of docs/explanation/costs.md that this one can install for.
LINUX = {
    "no GPU": machines.cpu,
    "A100, driver 550": machines.a100_550,
    "H100, driver 580": machines.h100_580,
    "P100, driver 580": machines.p100_580,
    "RTX 5090, driver 575": machines.rtx5090_575,
    "MI300": machines.mi300,
    "Arc B580": machines.arc_b580,
}

VERSIONS = "import torch, torchvision as v; print(torch.__version__, v.__version__)"

#: uv's own guide for PyTorch (docs.astral.sh/uv/guides/integration/pytorch), "Configuring accelerators with optional
#: dependencies".
GUIDE = """
[project]
name = "project"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["numpy"]

[project.optional-dependencies]
cpu = [
  "torch>=2.7.0",
  "torchvision>=0.22.0",
]
cu128 = [
  "torch>=2.7.0",
  "torchvision>=0.22.0",
]

[tool.uv]
conflicts = [
  [
    { extra = "cpu" },
    { extra = "cu128" },
  ],
]

[tool.uv.sources]
torch = [
  { index = "pytorch-cpu", extra = "cpu" },
  { index = "pytorch-cu128", extra = "cu128" },
]
torchvision = [
  { index = "pytorch-cpu", extra = "cpu" },
  { index = "pytorch-cu128", extra = "cu128" },
]

[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true

[[tool.uv.index]]
name = "pytorch-cu128"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
"""


def pair(machine: dict[str, Any], release: str | None = None) -> str:
    """The torch and torchvision that the rules give: those of a release, or of the newest that serves."""
    here, settings = machine_from_json(machine), Settings(pin="exact")
    newest = release or newest_usable(here, settings, CATALOG, ("vision",)).with_pages
    assert newest is not None
    plan = decide(CATALOG.release(newest), here, settings, CATALOG)
    vision = next(item for item in plan.extras if item.name == "vision")
    return f"{plan.selection.version} {vision.version}+{vision.torch_backend}"


class Shell:
    """A folder on a machine, where commands are typed; uv's index is PyTorch's to all who ask."""

    def __init__(self, sandbox: Sandbox, variables: dict[str, str], folder: Path) -> None:
        self.sandbox = sandbox
        self.variables = variables
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def __call__(self, *words: str, check: bool = True, **variables: str) -> Finished:
        tool = frontends.uv().executable
        program = str(tool.with_name(words[0])) if words[0] in ("uv", "uvx") else words[0]
        env = {**self.variables, **variables}
        return self.sandbox.run([program, *words[1:]], cwd=self.folder, env=env, check=check)

    def add(self, *words: str, check: bool = True, **variables: str) -> Finished:
        return self("uvx", "torch-auto-core", "add", *words, check=check, **variables)

    @property
    def pair(self) -> str:
        """What torch and torchvision say of themselves; importing them is silent."""
        done = self(str(self.folder / ".venv/bin/python"), "-c", VERSIONS)
        assert done.stderr == ""
        return done.stdout.strip()

    def text(self, name: str = "pyproject.toml") -> str:
        return (self.folder / name).read_text("utf-8")


@pytest.fixture
def shell(sandbox: Sandbox, published: TorchIndex, pem: Path) -> Callable[[dict[str, Any]], Shell]:
    """``shell(machine)``: an empty folder there, and a cache of its own."""
    proxy = pytorch_org.stand_in(published, pem)

    def make(machine: dict[str, Any], name: str = "project") -> Shell:
        path = sandbox.root / "machine.json"
        path.write_text(json.dumps(machine), "utf-8")
        tool = frontends.uv().executable.parent
        variables = {**proxy, "TORCH_AUTO_MACHINE": str(path)}
        variables["PATH"] = os.pathsep.join([str(tool), sandbox.environment["PATH"]])
        return Shell(sandbox, variables, sandbox.root / name)

    return make


def what_holds_afterwards(shell: Shell) -> None:
    """A person's next commands: the pair stays, the lock is good, and no network is needed."""
    before = shell.pair
    shell("uv", "lock", "--check")
    shell("uv", "sync", "--locked")
    shell("uv", "add", "numpy")
    assert shell.pair == before
    shell("uv", "run", "--offline", "python", "-c", VERSIONS)
    said = shell("uvx", "torch-auto-core", "check").stdout
    assert said.startswith(("All is well.", "OK")), said


@pytest.mark.slow
@pytest.mark.parametrize("name", list(LINUX))
def test_from_an_empty_folder(shell: Callable[..., Shell], name: str) -> None:
    """`uvx torch-auto-core add vision` makes a project with the pair of this machine, and says what and why."""
    machine = LINUX[name]()
    here = shell(machine)
    said = here.add("vision").stdout
    assert here.pair == pair(machine)
    torch, vision = pair(machine).split()
    assert f"Installed: torch {torch}, torchvision {vision}.\n  " in said
    assert '"torch-auto[vision]>=2.0"' in here.text()
    what_holds_afterwards(here)


@pytest.mark.parametrize("name", ["no GPU", "A100, driver 550"])
def test_in_place_of_torch(shell: Callable[..., Shell], name: str) -> None:
    """After `uv add torch torchvision` it shows what goes, wants --yes, and the lock gets this machine's pair."""
    # uv wrote the newest release as the least one, which does not run on every machine.
    machine = LINUX[name]()
    here = shell(machine)
    here("uv", "init", "--bare")
    here("uv", "add", "torch", "torchvision")
    before = here.text(), here.text("uv.lock")
    refused = here.add(check=False)
    assert refused.returncode == 2
    assert '  -     "torchvision>=' in refused.stdout
    assert "to agree, add --yes. Nothing was written." in refused.stderr
    assert (here.text(), here.text("uv.lock")) == before
    here.add("--yes")
    assert here.pair == pair(machine)
    assert not re.search(r'"torch(vision)?[">=]', here.text())
    what_holds_afterwards(here)


@pytest.mark.parametrize("name", ["no GPU", "RTX 5090, driver 575"])
def test_from_the_guide_of_uv(shell: Callable[..., Shell], name: str) -> None:
    """Extras, conflicts, sources and indexes of uv's guide go; all else stays."""
    machine = LINUX[name]()
    here = shell(machine)
    (here.folder / "pyproject.toml").write_text(GUIDE, "utf-8")
    here("uv", "lock")
    here.add("--yes")
    assert here.pair == pair(machine)
    text = here.text()
    assert not re.search("cu128|conflicts|sources|optional-dependencies", text)
    assert re.search(r'dependencies = \[\s*"numpy",\s*"torch-auto\[vision\]>=2\.7\.0",\s*\]', text)
    what_holds_afterwards(here)


#: Packages that people add beside torch, with the requirements that their newest releases have (2026-11-26).
PACKAGES = {
    "ultralytics": ("8.4.190", ("torch>=1.8.0", "torchvision>=0.9.0")),
    "timm": ("1.0.31", ("torch", "torchvision")),
    "whisperx": ("3.8.6", ("torch~=2.8.0", "torchaudio~=2.8.0", "torchvision~=0.23.0")),
    "vllm": ("0.33.0", ("torch==2.14.0", "torchaudio==2.11.0", "torchvision==0.29.0")),
    "lightning": ("2.6.6", ("torch<4.0,>=2.1.0",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no GPU", "A100, driver 550", "P100, driver 580", "RTX 5090, driver 575"])
def test_packages_beside_it(shell: Callable[..., Shell], published: TorchIndex, name: str) -> None:
    """What a package brings is of torch's torch backend; or no torch that it allows runs here, and uv says so."""
    for package, (version, requires) in PACKAGES.items():
        published.add_wheel(TinyWheel(package, version, requires=requires))
    machine = LINUX[name]()
    for package in PACKAGES:
        here = shell(machine, f"with-{package}")
        done = here.add("vision", "--", package, check=False)
        if (name, package) == ("RTX 5090, driver 575", "vllm"):
            assert done.returncode == 2
            assert "needs.nvidia.driver.580" in done.stderr
            continue
        assert done.returncode == 0, done
        release = {"whisperx": "2.8.0", "vllm": "2.14.0"}.get(package)
        assert here.pair == pair(machine, release), package
        if package in ("whisperx", "vllm"):
            assert "Another package requires torchaudio" in done.stdout
            said = here(
                ".venv/bin/python", "-c", "import torch, torchaudio as a; print(torch.__version__, a.__version__)"
            )
            torch, audio = said.stdout.split()
            assert (torch.partition("+")[2], said.stderr) == (audio.partition("+")[2], "")


def test_a_torchvision_that_uv_added(shell: Callable[..., Shell]) -> None:
    """After `uv add torchvision` beside torch-auto, `add vision` makes them a pair, whatever bound uv wrote."""
    machine = machines.a100_550()
    here = shell(machine)
    here.add()
    here("uv", "add", "torchvision", check=False)
    here.add("vision", "--yes")
    assert here.pair == pair(machine)
    what_holds_afterwards(here)


def test_pages_after_torch_auto(shell: Callable[..., Shell]) -> None:
    """`uv add torch-auto` first, then `init`, then any `uv add`: the lock has the build of this machine."""
    here = shell(machines.cpu())
    here("uv", "init", "--bare")
    here("uv", "add", "torch-auto")
    here("uvx", "torch-auto-core", "init")
    here("uv", "add", "numpy")
    here("uvx", "torch-auto-core", "add", "vision")
    assert here.pair == pair(machines.cpu())
    what_holds_afterwards(here)


def test_a_release(shell: Callable[..., Shell]) -> None:
    """`add vision 2.9.1` is torch 2.9.1 with its torchvision; a later `add 2.14.1` moves both, in the lock too."""
    machine = machines.a100_550()
    here = shell(machine)
    for release in ("2.9.1", "2.14.1"):
        here.add("vision", release)
        assert here.pair == pair(machine, release)
        assert f'"torch-auto[vision]=={release}"' in here.text()
    what_holds_afterwards(here)


def test_what_fails_leaves_all_as_it_was(shell: Callable[..., Shell]) -> None:
    """Where uv fails, pyproject.toml and uv.lock are as they were, and an empty folder is empty of them again."""
    here = shell(machines.cpu())
    done = here.add("vision", "--", "no-such-package", check=False)
    assert done.returncode == 2
    assert "The project's files are as they were." in done.stderr
    assert not (here.folder / "pyproject.toml").exists()
    here("uv", "init", "--bare")
    here("uv", "add", "torch")
    before = here.text(), here.text("uv.lock")
    assert here.add("--yes", "--", "no-such-package", check=False).returncode == 2
    assert (here.text(), here.text("uv.lock")) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the processes of a folder, in /proc")
def test_ended_in_the_middle(shell: Callable[..., Shell]) -> None:
    """SIGTERM at eight moments of an `add`: all or nothing is written, and what uv had started has ended too."""
    here = shell(machines.cpu())
    here("uv", "init", "--bare")
    here("uv", "add", "numpy")
    before, codes = (here.text(), here.text("uv.lock")), []
    tool = frontends.uv().executable
    command = [str(tool.with_name("uvx")), "torch-auto-core", "add", "vision", "--yes"]
    environment = {**here.sandbox.environment, **here.variables}
    for moment in (0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0):
        with subprocess.Popen(
            command, cwd=here.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(moment)
            process.send_signal(signal.SIGTERM)
            codes.append(process.wait(60))
        deadline = time.monotonic() + 30
        while processes_in(here.folder):
            assert time.monotonic() < deadline, processes_in(here.folder)
            time.sleep(0.05)
        assert not [name for name in os.listdir(here.folder) if name.startswith(".torch-auto-")]
        if (here.text(), here.text("uv.lock")) != before:  # it was through, or at its last step
            here("uv", "lock", "--check")
            break
    assert set(codes) <= {0, 143, -signal.SIGTERM}, codes


def processes_in(folder: Path) -> list[str]:
    """What runs in a folder, by its command."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").samefile(folder):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.parametrize("setting", ["override", "exclude"])
def test_what_replaces_every_pin_is_named(shell: Callable[..., Shell], setting: str) -> None:
    """override-dependencies and exclude-dependencies with torch are refused with what to change; constraints serve."""
    here = shell(machines.a100_550())
    path = here.folder / "pyproject.toml"
    head = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'
    value = '["torch==2.9.1"]' if setting == "override" else '["torch"]'
    path.write_text(f"{head}\n[tool.uv]\n{setting}-dependencies = {value}\n", "utf-8")
    done = here.add("vision", check=False)
    assert done.returncode == 2
    assert f"{setting}-dependencies in pyproject.toml has torch" in done.stderr
    assert "Nothing was written." in done.stderr
    path.write_text(f'{head}\n[tool.uv]\nconstraint-dependencies = ["torch<2.10"]\n', "utf-8")
    here.add("vision")
    assert here.pair == pair(machines.a100_550(), "2.9.1")


def test_an_old_uv(shell: Callable[..., Shell], tmp_path: Path) -> None:
    """A uv that cannot keep exact pins apart is told for an extra, before anything is written."""
    here = shell(machines.cpu())
    path = tmp_path / "bin" / "uv"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho uv 0.12.24\n", "utf-8")
    path.chmod(0o755)
    (here.folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\ndependencies = []\n', "utf-8")
    before = here.text()
    python = here.sandbox.venv()
    here("uv", "pip", "install", "--python", str(python), "torch-auto-core")
    done = here(str(python), "-m", "torch_auto", "add", "vision", check=False, UV=str(path))
    assert done.returncode == 2
    assert "needs uv 0.13 or newer, and this is uv 0.12.24" in done.stderr
    assert here.text() == before


def test_a_script(shell: Callable[..., Shell]) -> None:
    """`init --script` writes the pages into inline metadata, and `uv run SCRIPT` then has this machine's torch."""
    here = shell(machines.a100_550())
    script = here.folder / "train.py"
    script.write_text("#!/usr/bin/env python3\nimport torch\nprint(torch.__version__)\n", "utf-8")
    said = here("uvx", "torch-auto-core", "init", "--script", "train.py").stdout
    assert said.endswith("Next: uv add --script train.py torch-auto\n")
    here("uv", "add", "--script", "train.py", "torch-auto")
    assert here("uv", "run", "train.py").stdout.strip() == pair(machines.a100_550()).split()[0]
    here("uvx", "torch-auto-core", "init", "--script", "train.py", "--remove")
    assert "pytorch" not in here.text("train.py")
    assert here.text("train.py").startswith("#!/usr/bin/env python3\n# /// script\n")


def test_back_to_plain_torch(shell: Callable[..., Shell]) -> None:
    """`init --remove` and the command that it prints leave a project without torch-auto, which locks."""
    here = shell(machines.cpu())
    here.add()
    said = here("uvx", "torch-auto-core", "init", "--remove").stdout
    command = re.search(r"^To remove torch-auto too: (.+)$", said, re.MULTILINE)
    assert command is not None
    here(*command.group(1).split())
    assert "torch" not in here.text()
    here("uv", "add", "torch")


# --- without a project of uv's -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_requirements_of_pip(shell: Callable[..., Shell], published: TorchIndex) -> None:
    """In requirements.txt torch's lines and indexes make room for torch-auto and the pages, and pip installs it."""
    here = shell(machines.a100_550())
    text = "--extra-index-url https://download.pytorch.org/whl/cu118\ntorch==2.14.1  # ours\nnumpy\n"
    (here.folder / "requirements.txt").write_text(text, "utf-8")
    python = frontends.pip().python
    here(str(python), "-m", "venv", ".venv")
    here.add("vision", "--yes", "--index-url", published.whl)
    pages = "".join(f"--find-links {published.whl}/{name}/\n" for name in ("torch", "torchvision"))
    assert here.text("requirements.txt") == f"{pages}numpy\ntorch-auto[vision]==2.14.1\n"
    assert here.pair == pair(machines.a100_550(), "2.14.1")
    here(".venv/bin/pip", "install", "-r", "requirements.txt")
    assert here.pair == pair(machines.a100_550(), "2.14.1")
    dry = here.add("audio", "--dry-run", "--index-url", published.whl).stdout
    assert "  + torch-auto[audio,vision]==2.14.1\n" in dry.replace("[vision,audio]", "[audio,vision]")


def test_an_environment_of_uv(shell: Callable[..., Shell]) -> None:
    """In a folder with an environment of uv's and no project, uv.toml names the pages for `uv pip` from then on."""
    here = shell(machines.a100_550())
    here("uv", "venv")
    here.add("vision")
    assert here.pair == pair(machines.a100_550())
    here("uv", "pip", "install", "--python", ".venv", "torch-auto[audio]")
    assert here.pair == pair(machines.a100_550())


def test_the_environment_of_uvx_is_nobodys(shell: Callable[..., Shell]) -> None:
    """Without a project and an environment `init` writes nothing, least of all into what uvx made for the command."""
    here = shell(machines.cpu())
    done = here("uvx", "torch-auto-core", "init", check=False)
    assert done.returncode == 2
    assert "there is no project" in done.stderr
    assert not list(here.folder.iterdir())


# --- one lock for every machine ------------------------------------------------------------------------------------


def test_a_portable_project(shell: Callable[..., Shell], published: TorchIndex) -> None:
    """`init --portable` sees another's torchvision, `add` keeps this machine's torch, `init --remove` ends it."""
    published.add_wheel(TinyWheel("ultralytics", "8.4.0", requires=("torch>=1.8.0", "torchvision>=0.9.0")))
    here = shell(machines.a100_550())
    here("uv", "init", "--bare")
    here("uv", "add", "ultralytics", "--no-sync")
    before = here.text()
    here("uvx", "torch-auto-core", "init", "--portable", "--releases", "2.13.0", "--backends", "cu126")
    assert "torchvision==0.28.0+cu126" in here.text()
    here("uv", "lock")
    here("uvx", "torch-auto-core", "sync")
    assert here.pair == "2.13.0+cu126 0.28.0+cu126"
    refused = here.add("vision", check=False)
    assert refused.returncode == 2
    here.add("--", "numpy")
    assert here.pair == "2.13.0+cu126 0.28.0+cu126"
    here("uv", "lock", "--check")
    here("uv", "remove", "--no-sync", "numpy")
    here("uvx", "torch-auto-core", "init", "--remove")
    assert re.sub(r'    "torch-auto",\n', "", here.text()) == before


# --- Poetry and PDM ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_poetry(shell: Callable[..., Shell], published: TorchIndex) -> None:
    """Poetry's own tables and a source of PyTorch's go; its index and the pair come, and --remove takes it back."""
    here = shell(machines.a100_550())
    sources = poetry_sources(published)
    own = '[tool.poetry.dependencies]\nnumpy = "*"\n'
    ours = 'torch = { version = "^2.9", source = "pytorch-cu128" }\ntorchvision = "*"\n'
    index = f'[[tool.poetry.source]]\nname = "pytorch-cu128"\nurl = "{published.whl}/cu128"\npriority = "explicit"\n'
    head = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11,<3.14"\ndynamic = ["dependencies"]\n'
    (here.folder / "pyproject.toml").write_text(f"{head}\n{sources}\n{own}{ours}\n{index}", "utf-8")
    here.variables["PATH"] = os.pathsep.join([str(frontends.poetry().executable.parent), here.variables["PATH"]])
    done = here.add("vision", "--yes", "--index-url", published.whl)
    assert '  - torch = { version = "^2.9", source = "pytorch-cu128" }' in done.stdout
    assert here.pair == pair(machines.a100_550())
    here("poetry", "check", "--lock")
    here("uvx", "torch-auto-core", "init", "--remove", "--index-url", published.whl)
    assert not re.search(r'name = "pytorch', here.text())


@pytest.mark.slow
def test_pdm(shell: Callable[..., Shell], published: TorchIndex) -> None:
    """torch in [project] becomes torch-auto, PyTorch's pages become sources, and `pdm sync` keeps what came."""
    here = shell(machines.cpu())
    head = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11,<3.14"\ndependencies = ["torch>=2.5"]\n'
    (here.folder / "pyproject.toml").write_text(f"{head}\n[tool.pdm]\ndistribution = false\n", "utf-8")
    here.variables["PATH"] = os.pathsep.join([str(frontends.pdm().executable.parent), here.variables["PATH"]])
    here.add("--yes", "--index-url", published.whl)
    torch = here(".venv/bin/python", "-c", "import torch; print(torch.__version__)").stdout.strip()
    assert torch.partition("+")[0] == CATALOG.newest.version
    assert '"torch-auto>=2.5"' in here.text()
    here("pdm", "sync")
    here("uvx", "torch-auto-core", "init", "--remove", "--index-url", published.whl)
    assert "tool.pdm.source" not in here.text()
