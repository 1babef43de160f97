"""Every code of ``torch-auto check``: the situation is made, check finds it, its commands are typed, check is content.

Commands are typed as they are printed for people, in a shell; where a question is asked, it is answered with y.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import frontends, machines
from support.cache import REPOSITORY
from support.wheels import TinyWheel
from unit.cli.fake_environment import FakeEnvironment

from frontends.rows import wheels_of
from torch_auto.cli.check.codes import CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = pytest.mark.frontend

P100_390 = machines.machine(machines.nvidia("390.157", "9.1", machines.P100))
P100_AND_5090 = machines.with_nvidia("580.65.06", machines.RTX5090, machines.P100)
OLD_GLIBC = machines.a100_550(libc="glibc 2.17")
PINS_TORCH = TinyWheel("pins-torch", "1.0", requires=("torch==2.8.0",), modules=(("pins_torch/__init__.py", ""),))


@dataclass
class Place:
    """Where a situation is made: a folder, a machine, and what is activated."""

    uv: Frontend
    sandbox: Sandbox
    index: TorchIndex
    folder: Path
    variables: dict[str, str | None] = field(default_factory=dict)
    command: str = "torch-auto"

    def on(self, machine: machines.Machine) -> None:
        """The machine is this from now on."""
        path = self.sandbox.root / "machine.json"
        path.write_text(json.dumps(machine), "utf-8")
        self.variables["TORCH_AUTO_MACHINE"] = str(path)

    @property
    def environment(self) -> dict[str, str]:
        found: dict[str, str | None] = {**self.sandbox.environment, "TORCH_AUTO_INDEX_URL": self.index.whl}
        found["PATH"] = f"{self.uv.tool.executable.parent}:{found['PATH']}"
        found |= {"VIRTUAL_ENV": str(self.venv), **self.variables}
        found["PATH"] = f"{self.venv / 'bin'}:{found['PATH']}"
        return {name: value for name, value in found.items() if value is not None}

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    @property
    def python(self) -> str:
        return str(self.venv / "bin" / "python")

    @property
    def fake(self) -> FakeEnvironment:
        """The environment, to write what no tool installs."""
        return FakeEnvironment(self.venv)

    def type(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Type a line, and answer y."""
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env={**self.environment, **variables},
            input="y\n",
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def make(self, line: str, **variables: str) -> None:
        """Type a line that has to end well."""
        done = self.type(line, **variables)
        assert done.returncode == 0, (line, done)

    def install(self, *words: str, pages: bool = True) -> None:
        """``uv pip install``, with every page or with PyPI alone."""
        names = " ".join(f"{self.index.whl}/{name}/" for name in ("torch", "torchvision", "torchaudio"))
        quoted = " ".join(f"'{word}'" for word in words)
        links = {"UV_FIND_LINKS": names.replace(" ", ",")} if pages else {}
        self.make(f"uv pip install --python {self.python} {quoted}", **links)

    def check(self) -> dict[str, Any]:
        done = self.type(f"{self.command} check --json")
        assert done.returncode in (0, 1), done
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if found["status"] == "fail" else 0)
        return found

    def printed(self) -> list[str]:
        """The commands that check prints for people, each line once."""
        said = self.type(f"{self.command} check").stdout
        return list(dict.fromkeys(re.findall(r"(?m)^ +-> (.+)$", said)))


@dataclass(frozen=True)
class Fault:
    """How a situation is made, the codes that it has, and the line that is printed; "" where a sentence is all.

    ``ends`` is False where the line cannot end it here: what it would install is not published.
    """

    name: str
    codes: tuple[str, ...]
    make: Callable[[Place], None]
    line: str
    ends: bool = True


FAULTS: list[Fault] = []
REFRESH, NOTHING = "torch-auto refresh", ""


def fault(
    name: str, *codes: str, line: str = REFRESH, ends: bool = True
) -> Callable[[Callable[[Place], None]], Callable[[Place], None]]:
    """Make a fault of a function that makes the situation."""

    def add(make: Callable[[Place], None]) -> Callable[[Place], None]:
        FAULTS.append(Fault(name, codes, make, line, ends))
        return make

    return add


# --- environments of uv pip ------------------------------------------------------------------------------------------


def venv(place: Place, machine: machines.Machine) -> None:
    place.sandbox.run([place.sandbox.python, "-m", "venv", "--without-pip", place.venv])
    place.on(machine)


@fault("an image with backend=cu126 on an RTX 5090", "torch.no-code")
def _image_no_code(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("-C", "backend=cu126", "torch-auto")
    place.on(machines.rtx5090_575())


@fault("an image with backend=cu126 on a V100 with driver 470", "torch.driver")
def _image_driver(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("-C", "backend=cu126", "torch-auto")
    place.on(machines.v100_470())


@fault("an image with backend=cu126 on an AMD GPU", "torch.vendor")
def _image_vendor(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("-C", "backend=cu126", "torch-auto")
    place.on(machines.mi300())


@fault("an environment that was copied to a system with an old glibc", "torch.unfit", "torch-auto.no-torch")
def _old_glibc(place: Place) -> None:
    venv(place, machines.a100_550())
    place.install("torch-auto")
    place.on(OLD_GLIBC)


@fault("built without a GPU, and there is one", "torch.cpu", "torch-auto.no-torch")
def _cpu(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("torch-auto")
    place.on(machines.a100_550())


@fault("built without a GPU, and there is one that the same release serves", "torch.cpu", "torch-auto.stale")
def _stale(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("torch-auto")
    place.on(machines.h100_580())


@fault("backend=cpu on an H100", "torch.cpu-asked")
def _cpu_asked(place: Place) -> None:
    venv(place, machines.h100_580())
    place.install("-C", "backend=cpu", "torch-auto")


@fault("a better GPU beside the one that torch was for", "torch.partly")
def _partly(place: Place) -> None:
    venv(place, machines.p100_580())
    place.install("torch-auto")
    place.on(P100_AND_5090)


@fault("a torch that was installed by hand", "torch.other")
def _other(place: Place) -> None:
    venv(place, machines.h100_580())
    place.install("torch-auto")
    place.install("torch==2.13.0+cu126")


@fault("uv's cache holds torch-auto's METADATA of another machine", "torch.other")
def _metadata_of_another(place: Place) -> None:
    venv(place, machines.v100_470())
    (place.folder / "in.txt").write_text("torch-auto\n", "utf-8")
    place.make("uv pip compile --quiet in.txt", UV_FIND_LINKS=place.index.find_links)
    place.on(machines.h100_580())
    place.install("torch-auto")
    # The wheel is this machine's all the same: its record and its METADATA say another torch than is installed.
    [info] = place.fake.site.glob("torch_auto-*.dist-info")
    assert '"torch": "2.7.1+cu128"' in (info / "torch_auto.json").read_text("utf-8")
    assert list(place.fake.site.glob("torch-2.7.1+cu118.dist-info"))


@fault("PyPI's build, and then the page was named", "torch.pypi")
def _pypi(place: Place) -> None:
    venv(place, machines.a100_550())
    place.install("torch-auto", pages=False)
    place.variables["UV_FIND_LINKS"] = place.index.find_links


@fault("PyPI's build for GPUs on a machine without one, and then the page was named", "torch.large")
def _large(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("torch-auto", pages=False)
    place.variables["UV_FIND_LINKS"] = place.index.find_links


@fault("torch was uninstalled", "torch.missing")
def _missing(place: Place) -> None:
    venv(place, machines.a100_550())
    place.install("torch-auto")
    place.make(f"uv pip uninstall --python {place.python} torch")


@fault("torchaudio 2.11.0 beside torch 2.8.0", "companion.release")
def _companion_release(place: Place) -> None:
    venv(place, machines.a100_550())
    place.install("torch-auto==2.8.0", "torchaudio==2.11.0+cu126")


@fault("PyPI's torchvision beside torch for the CPU", "companion.torch-backend")
def _companion_backend(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("torch-auto==2.14.1")
    place.install("torchvision==0.29.1", pages=False)


@fault("a torchvision for another CUDA of the same major", "companion.cuda")
def _companion_cuda(place: Place) -> None:
    venv(place, machines.h100_580())
    place.install("torch-auto==2.15.0")
    place.install("torchvision==0.29.1+cu130")


@fault("a torchvision for the CPU beside torch for a GPU", "companion.cpu")
def _companion_cpu(place: Place) -> None:
    venv(place, machines.a100_550())
    place.install("torch-auto==2.14.1", "torchvision==0.29.1+cpu")


@fault("a package that requires another torch", "requirement.broken")
def _requirement(place: Place) -> None:
    venv(place, machines.a100_550())
    place.index.add_wheel(PINS_TORCH)
    place.install("torch-auto")
    place.install("--no-deps", "pins-torch")


@fault("Colab: the command alone, torch for the CPU and torchvision beside it", "torch.cpu")
def _colab(place: Place) -> None:
    place.sandbox.run([place.sandbox.python, "-m", "venv", place.venv])
    place.on(machines.with_nvidia("580.65.06", machines.T4))
    links = " ".join(f"--find-links {place.index.whl}/{name}/" for name in ("torch", "torchvision"))
    place.make(f"{place.python} -m pip install {links} torch==2.9.0+cpu torchvision==0.24.0+cpu torch-auto-core")


@fault("NVIDIA's driver is not installed", "machine.no-driver", line=NOTHING)
def _no_driver(place: Place) -> None:
    venv(place, machines.nouveau())
    place.install("torch-auto")


@fault("a driver that every torch is too new for", "machine.old-driver", line=NOTHING)
def _old_driver(place: Place) -> None:
    venv(place, P100_390)
    place.install("torch-auto")


@fault("a container without the driver's library", "machine.lacks-library", line=NOTHING)
def _lacks_library(place: Place) -> None:
    machine = machines.a100_550()
    machine["accelerators"][0]["lacks"] = "libcuda.so.1"
    venv(place, machine)
    place.install("torch-auto")


@fault("NumPy 2 beside a torch that was compiled for NumPy 1", "companion.numpy", line=NOTHING)
def _numpy(place: Place) -> None:
    venv(place, machines.a100_550())
    place.install("torch-auto==2.2.2", "numpy==2.3.5")


@fault("a Python that no torch for the GPU comes for", "machine.python", line=NOTHING)
def _python(place: Place) -> None:
    place.on(machines.v100_470())
    FakeEnvironment.make(place.venv).install_torch("2.15.0+cpu")
    (place.venv / "lib" / "python3.11").rename(place.venv / "lib" / "python3.14")
    (place.venv / "pyvenv.cfg").write_text("version_info = 3.14.0\n", "utf-8")
    of_checkout(place, f"--venv {place.venv}")


@fault("Alpine Linux", "machine.no-release", "torch.missing", line=NOTHING)
def _musl(place: Place) -> None:
    venv(place, machines.musl())
    of_checkout(place, f"--venv {place.venv}")


@fault("a torch-auto that is newer than the command", "torch-auto.unknown", line=NOTHING)
def _unknown(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("torch-auto-core", "torch==2.15.0+cpu")
    place.fake.install("torch-auto", "2.99.0")


@fault(
    "a record of a newer core, which is not published yet",
    "torch-auto.newer",
    line="uv pip install --python .venv/bin/python --upgrade torch-auto-core",
    ends=False,
)
def _newer(place: Place) -> None:
    venv(place, machines.cpu())
    place.install("torch-auto")
    place.fake.record.write_text('{"version": 3}', "utf-8")


def of_checkout(place: Place, options: str) -> None:
    """The command is the repository's, since nothing is installed."""
    code = f"import sys; sys.path.insert(0, '{REPOSITORY}'); from torch_auto.cli import main; sys.exit(main())"
    script = place.sandbox.root / "torch-auto"
    script.write_text(f'#!/bin/sh\nverb=$1; shift\nexec {sys.executable} -c "{code}" $verb {options} "$@"\n', "utf-8")
    script.chmod(0o755)
    place.command = str(script)


# --- projects of uv ------------------------------------------------------------------------------------------------

HEAD = '[project]\nname = "project"\nversion = "1.0"\nrequires-python = ">=3.11,<3.13"\ndependencies = [{}]\n'


def project(place: Place, machine: machines.Machine, *dependencies: str, pages: bool = True) -> None:
    listed = ", ".join(f'"{item}"' for item in dependencies)
    links = f'[tool.uv]\nfind-links = ["{place.index.find_links}"]\n' if pages else ""
    (place.folder / "pyproject.toml").write_text(HEAD.format(listed) + links, "utf-8")
    place.on(machine)


def synced(place: Place, machine: machines.Machine, **options: bool) -> None:
    project(place, machine, "torch-auto", **options)
    place.make("uv sync")


@fault("a fresh clone", "environment.missing", line="uvx torch-auto-core refresh")
def _clone(place: Place) -> None:
    project(place, machines.a100_550(), "torch-auto")
    place.make("uv lock")
    place.variables["VIRTUAL_ENV"] = None
    place.command = "uvx torch-auto-core"


@fault("PyTorch's page is not named", "pages.missing", line="torch-auto init && torch-auto refresh")
def _pages(place: Place) -> None:
    synced(place, machines.a100_550(), pages=False)


@fault(
    "an index of PyTorch's in the project hides PyPI",
    "pages.hide-pypi",
    line="torch-auto add && uv lock --upgrade-package numpy && uv sync --inexact",
)
def _hides(place: Place) -> None:
    project(place, machines.a100_550(), "torch-auto", "numpy")
    path = place.folder / "pyproject.toml"
    path.write_text(f'{path.read_text("utf-8")}extra-index-url = ["{place.index.of_backend("cu126")}"]\n', "utf-8")
    place.make("uv sync")


@fault("a variable names an index of PyTorch's that hides PyPI", "pages.hide-pypi", line=NOTHING)
def _hides_by_variable(place: Place) -> None:
    synced(place, machines.a100_550())
    place.variables["UV_INDEX"] = place.index.of_backend("cu126")


@fault("the page was named after the lock was made", "lock.older", "torch.pypi")
def _older(place: Place) -> None:
    synced(place, machines.a100_550(), pages=False)
    place.make(f"torch-auto init --index-url {place.index.whl}")


@fault("a bot without a GPU locked again", "lock.other-machine")
def _bot(place: Place) -> None:
    synced(place, machines.a100_550())
    place.on(machines.cpu())
    place.make("uv lock --upgrade --no-cache")
    place.on(machines.a100_550())


@fault("a lock from a machine with a GPU, on one without", "lock.other-machine", "torch.other")
def _lock_of_a_gpu(place: Place) -> None:
    synced(place, machines.a100_550())
    place.on(machines.cpu())
    place.make("uv cache clean torch-auto && uv sync --reinstall-package torch-auto")


@fault("torch-auto was added to pyproject.toml by hand, and not locked", "lock.no-torch-auto", "torch-auto.missing")
def _not_locked(place: Place) -> None:
    project(place, machines.a100_550(), "numpy")
    place.make("uv sync")
    place.make(f"uv pip install --python {place.python} torch-auto-core")
    project(place, machines.a100_550(), "torch-auto")


@fault("torch without torch-auto, in a project", "torch-auto.missing", "torch.cpu", line="torch-auto add")
def _without(place: Place) -> None:
    project(place, machines.a100_550(), "torch==2.14.1+cpu")
    place.make("uv sync")
    place.make(f"uv pip install --python {place.python} torch-auto-core")


@fault(
    "PyPI's torchvision in a project, beside torch for a GPU", "companion.torch-backend", line="torch-auto add vision"
)
def _pypis_torchvision(place: Place) -> None:
    synced(place, machines.a100_550())
    place.make("uv add torchvision==0.29.1")


def edited_lock(place: Place, edit: Callable[[str], str]) -> None:
    path = place.folder / "uv.lock"
    text = edit(path.read_text("utf-8"))
    assert text != path.read_text("utf-8")
    path.write_text(text, "utf-8")


@fault("a lock that lost its torch", "lock.no-torch")
def _no_torch(place: Place) -> None:
    synced(place, machines.a100_550())
    edited_lock(place, lambda text: re.sub(r'(?s)\[\[package\]\]\nname = "torch"\n.*?(?=\[\[package)', "", text))
    edited_lock(place, lambda text: re.sub(r'(?m)^.*name = "torch",.*\n', "", text))


@fault("a lock that holds macOS files alone", "lock.no-files")
def _no_files(place: Place) -> None:
    synced(place, machines.a100_550())
    edited_lock(
        place, lambda text: re.sub(r"(?<=-)(?:manylinux_2_28_x86_64|win_amd64)(?=\.whl)", "macosx_11_0_arm64", text)
    )


@fault("a lock with a torch-auto that is newer than the command", "lock.unknown", line=NOTHING)
def _lock_unknown(place: Place) -> None:
    synced(place, machines.a100_550())
    edited_lock(
        place,
        lambda text: text.replace('name = "torch-auto"\nversion = "2.14.1"', 'name = "torch-auto"\nversion = "2.99.0"'),
    )


@fault("backend=cpu in the project's settings, on an H100", "torch.cpu-asked", line=NOTHING)
def _project_asks(place: Place) -> None:
    project(place, machines.h100_580(), "torch-auto")
    with (place.folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('config-settings-package = { torch-auto = { backend = "cpu" } }\n')
    place.make("uv sync")


# --- projects with torch groups --------------------------------------------------------------------------------------


def portable(place: Place, machine: machines.Machine, backends: str = "cpu,cu126", *dependencies: str) -> None:
    project(place, machine, *(dependencies or ("torch-auto",)))
    of_checkout(place, "")
    place.make(f"{place.command} init --portable --releases 2.13.0 --backends {backends}")
    place.command = "torch-auto"
    place.make("uv lock")


@fault(
    "a portable project without a group for an RTX 5090",
    "group.no-gpu",
    "torch.cpu-asked",
    line="torch-auto init --portable --releases 2.13.0 --backends cpu,cu126,cu129 && uv lock && torch-auto sync",
)
def _no_group(place: Place) -> None:
    portable(place, machines.rtx5090_575())
    place.make("uv sync")


@fault("plain uv in a portable project", "torch.cpu", line="torch-auto sync")
def _plain_uv(place: Place) -> None:
    portable(place, machines.a100_550())
    place.make("uv sync")


@fault("a portable project after another GPU was put in", "group.record")
def _other_group(place: Place) -> None:
    portable(place, machines.cpu())
    place.make("uv sync")
    place.on(machines.a100_550())


@fault("torch-auto was built without the groups", "group.requires-torch")
def _without_groups(place: Place) -> None:
    portable(place, machines.a100_550())
    place.make("uv sync")
    place.install("--no-config", "--reinstall-package", "torch-auto", "torch-auto")


@fault("an extra beside groups", "group.extras", line="torch-auto init --portable && uv lock && torch-auto sync")
def _extras(place: Place) -> None:
    portable(place, machines.a100_550())
    path = place.folder / "pyproject.toml"
    path.write_text(path.read_text("utf-8").replace('"torch-auto"]', '"torch-auto[vision]"]'), "utf-8")
    place.make("uv lock && uv sync && torch-auto sync")


@fault("the lock of a portable project is not there", "group.lock", line="uv lock && torch-auto sync")
def _no_lock(place: Place) -> None:
    portable(place, machines.a100_550())
    place.make("uv sync")
    place.make("torch-auto sync")
    (place.folder / "uv.lock").unlink()


@fault("groups that contradict the setting", "groups.faulty", line=NOTHING)
def _faulty(place: Place) -> None:
    portable(place, machines.cpu())
    place.make("uv sync")
    path = place.folder / "pyproject.toml"
    path.write_text(path.read_text("utf-8").replace('groups = "2.13.0+cpu,', 'groups = "2.12.0+cpu,'), "utf-8")


@fault("a portable project on Alpine Linux", "group.none", line=NOTHING)
def _no_group_at_all(place: Place) -> None:
    portable(place, machines.cpu())
    place.make("uv sync")
    place.on(machines.musl())


# --- the tests -----------------------------------------------------------------------------------------------------


@pytest.fixture
def place(uv: Frontend, sandbox: Sandbox, published: TorchIndex) -> Place:
    """A folder of the test's own."""
    if tuple(map(int, uv.version.split(".")[:2])) < (0, 13):
        pytest.skip("uv before 0.13 keeps one cache entry for all settings")
    folder = sandbox.root / "project"
    folder.mkdir()
    return Place(uv, sandbox, published, folder)


def of(found: Mapping[str, Any]) -> dict[str, str]:
    """The codes that are not well, with their statuses."""
    return {item["code"]: item["status"] for item in found["checks"] if item["status"] != "ok"}


@pytest.mark.slow
@pytest.mark.parametrize("one", FAULTS, ids=[one.name for one in FAULTS])
def test_what_is_printed_ends_it(one: Fault, place: Place) -> None:
    """check finds it; what it prints can be typed, ends well, and then check is content or says why it is not."""
    one.make(place)
    found = place.check()
    assert set(one.codes) <= set(of(found)), found
    lines = place.printed()
    assert [line.replace(str(place.venv), ".venv") for line in lines] == [one.line] * bool(one.line), found
    if not lines:
        return
    for line in lines:
        # What takes lines of the user's away asks on a terminal alone.
        done = place.type(line.replace(f"{place.command} add", f"{place.command} add --yes", 1))
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    after = place.check()
    if one.ends:
        assert of(after) == {}, (lines, after)
        assert place.printed() == []
        imported = place.type(f"{place.python} -c 'import torch'")
        assert (imported.returncode, imported.stderr) == (0, "")


def test_every_code_is_made() -> None:
    """Each code that is not well has a situation."""
    made = {code for one in FAULTS for code in one.codes}
    assert {code for code, item in CODES.items() if item.statuses != ("ok",)} == made


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Colab: the command alone, torch for the CPU and torchvision beside it", marks=pytest.mark.slow),
        "PyTorch's page is not named",
        "a bot without a GPU locked again",
    ],
)
def test_check_fix_runs_what_is_printed(name: str, place: Place) -> None:
    """`check --fix` shows each step, asks before it changes a lock that works for others, and ends with content."""
    [one] = [item for item in FAULTS if item.name == name]
    one.make(place)
    lines = [command for line in place.printed() for command in line.split(" && ")]
    done = place.type("torch-auto check --fix")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert [line[2:] for line in done.stderr.splitlines() if line.startswith("$ torch-auto")] == list(
        dict.fromkeys(lines)
    )
    assert ("[y/N]" in done.stderr) is ("bot" in name)
    assert of(place.check()) == {}


TABLE = re.compile(r"(?s)<!-- situations -->\n(.*?)<!-- /situations -->")


def table() -> str:
    """The situations as docs/reference/check.md has them."""
    rows = ["| situation | codes | what is printed |", "|---|---|---|"]
    for one in FAULTS:
        codes = ", ".join(f"`{code}`" for code in one.codes)
        line = " && ".join(f"`{command}`" for command in one.line.split(" && ")) if one.line else "a sentence"
        rows.append(f"| {one.name} | {codes} | {line} |")
    return "\n".join(rows) + "\n"


def test_the_docs_have_every_situation_and_every_code() -> None:
    """The tables of docs/reference/check.md are the tests' and the program's own."""
    text = (REPOSITORY / "docs" / "reference" / "check.md").read_text("utf-8")
    assert TABLE.findall(text) == [table()]
    for code, item in CODES.items():
        assert f"| `{code}` | {', '.join(item.statuses)} | {item.meaning} |" in text, code


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("uv's cache holds torch-auto's METADATA of another machine", "took what its cache holds of another machine"),
        ("a lock from a machine with a GPU, on one without", "The lock has it from another machine"),
    ],
)
def test_where_a_torch_comes_from_that_torch_auto_does_not_allow(name: str, said: str, place: Place) -> None:
    """check says how a torch came here that the METADATA of the installed torch-auto rules out."""
    [one] = [item for item in FAULTS if item.name == name]
    one.make(place)
    [torch] = [item for item in place.check()["checks"] if item["check"] == "torch"]
    assert said in torch["text"]


@pytest.mark.parametrize("runner", ["uvx", "pipx run"])
def test_a_command_of_its_own_looks_at_the_project(runner: str, place: Place) -> None:
    """uvx and pipx make an environment for the command: it is never what check looks at, nor what init writes into."""
    programs = (place.uv.tool.executable.parent, frontends.pipx().executable.parent)
    place.variables["PATH"] = ":".join([*map(str, programs), place.sandbox.environment["PATH"]])
    place.variables["PIPX_DEFAULT_BACKEND"] = "pip"  # with uv, pipx runs uvx itself
    place.index.add(wheels_of("pip"))
    synced(place, machines.cpu())
    place.on(machines.a100_550())
    place.variables["VIRTUAL_ENV"] = None
    place.command = f"{runner} torch-auto-core"
    found = place.check()
    assert (found["environment"], found["status"]) == (str(place.venv), "fail")
    assert f"{place.command} refresh" in place.printed()
    for path in (place.folder / "pyproject.toml", place.folder / "uv.lock"):
        path.unlink()
    shutil.rmtree(place.venv)
    for verb in ("check", "init --for pip"):
        done = place.type(f"{place.command} {verb}")
        assert done.returncode == 2, done
        assert "no environment but the one that runs this command" in done.stderr
