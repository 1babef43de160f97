"""What torch-auto says, and costs, at ``import torch``."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from support import machines
from support.cache import CACHE, key_of, machine_environment, made_once
from support.interpreters import OWN_VERSION

import torch_auto
from torch_auto import catalog, import_check
from torch_auto.cli.project.requirements import marker_environment
from torch_auto.machine_file import machine_from_json
from torch_auto.record import make_record, record_text
from torch_auto.select.runs_on import candidates, fault
from unit.cli.fake_environment import FakeEnvironment, decision_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.frontends import Sandbox

SOURCE = Path(torch_auto.__file__).parent
RELEASES = [release.version for release in catalog.load().releases]
IMPORT = "import torch; print(torch.__version__)"

#: torch as it calls what it finds in the group torch.backends, and nothing else of it.
TINY_TORCH = """
from importlib import metadata
from torch.version import __version__
found = metadata.entry_points()
if hasattr(found, "select"):
    found = found.select(group="torch.backends")
else:
    found = found.get("torch.backends", ())
for entry_point in found:
    entry_point.load()()
"""

#: The second line of a warning.
REMEDY = "  Fix: `torch-auto check --fix`. Why: `torch-auto check`. TORCH_AUTO_WARN=0 turns this off."


def linux(machine: machines.Machine) -> machines.Machine:
    """The machine with this process's Python."""
    return {**machine, "python": f"{sys.version_info[0]}.{sys.version_info[1]}"}


@pytest.fixture
def env(tmp_path: Path) -> FakeEnvironment:
    """An environment with what torch calls at import: torch-auto-core's package and its entry point."""
    made = FakeEnvironment.make(tmp_path / "env")
    install_core(made.site)
    return made


def install_core(site: Path) -> None:
    """What torch-auto-core has of the check at import, and its entry point."""
    folder = site / "torch_auto_core-2026.12.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: torch-auto-core\nVersion: 2026.12.1\n", "utf-8")
    (folder / "entry_points.txt").write_text(
        "[torch.backends]\ntorch_auto = torch_auto.import_check:warn_if_wrong\n", "utf-8"
    )
    (site / "torch_auto").symlink_to(SOURCE)


def install_torch(env: FakeEnvironment, torch: str, inside: str | None = None) -> None:
    """A tiny torch."""
    env.install_torch(torch, inside)
    (env.site / "torch" / "__init__.py").write_text(TINY_TORCH, "utf-8")


def install(
    env: FakeEnvironment, machine: machines.Machine, release: str, torch: str, inside: str | None = None, **config: str
) -> None:
    """torch-auto as it was built on a machine, and a tiny torch."""
    env.install_torch_auto(linux(machine), release, config)
    install_torch(env, torch, inside)


def run(
    env: FakeEnvironment, code: str = IMPORT, *options: str, python: str | Path = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A Python that sees the environment's site-packages and nothing else of ours."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(env.site), **variables}
    done = subprocess.run(
        [str(python), "-S", *options, "-c", code],
        cwd=env.prefix,  # the current folder comes before PYTHONPATH
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    done.stderr = as_typed(done.stderr)
    return done


def as_typed(text: str) -> str:
    """The command of another environment, which is not in PATH, by its short name."""
    return re.sub(r"`\S+ -m torch_auto check", "`torch-auto check", text)


def test_silent_when_all_is_well(env: FakeEnvironment) -> None:
    """The torch that the machine needs is imported without a word."""
    install(env, machines.a100_550(), "2.14.1", "2.14.1+cu126")
    done = run(env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.14.1+cu126\n", "")


def test_silent_with_a_public_build_that_does(env: FakeEnvironment) -> None:
    """PyPI's build is no reason for a word where it runs on the GPU."""
    install(env, machines.a100_550(), "2.10.0", "2.10.0", "2.10.0+cu128")
    assert run(env).stderr == ""


def test_two_lines(env: FakeEnvironment) -> None:
    """Another machine's torch: one line on what is wrong, one on how to fix it."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    done = run(env)
    assert (done.returncode, done.stdout) == (0, "2.13.0+cpu\n")
    assert done.stderr.splitlines() == [
        "torch-auto:1: TorchAutoWarning: torch 2.13.0+cpu is installed, and this machine needs torch 2.13.0+cu126.",
        REMEDY,
    ]


@pytest.mark.parametrize(
    ("machine", "torch"),
    [
        (machines.cpu(), "2.13.0+cu126"),  # a lock from a machine with a GPU
        (machines.cpu(), "2.13.0+rocm7.1"),
        (machines.h100_580(), "2.13.0+cu126"),  # another one is preferred, and this one runs
    ],
)
def test_silent_where_it_works(env: FakeEnvironment, machine: machines.Machine, torch: str) -> None:
    """What check would call a warning at most is no reason for a word at each import."""
    install(env, machine, "2.13.0", torch, pin="exact")
    assert run(env).stderr == ""


GROUPS = "2.13.0+cpu,2.13.0+cu126,2.13.0+rocm7.1"


def test_another_group_than_this_machines(env: FakeEnvironment) -> None:
    """With groups the warning names this machine's, and the command that syncs it."""
    install(env, machines.a100_550(), "2.15.0", "2.13.0+cpu", groups=GROUPS)
    done = run(env)
    assert (done.returncode, done.stdout) == (0, "2.13.0+cpu\n")
    assert done.stderr.splitlines() == [
        (
            "torch-auto:1: TorchAutoWarning: torch 2.13.0+cpu is installed, "
            "and this machine needs torch 2.13.0+cu126 (group torch-cu126)."
        ),
        REMEDY,
    ]


@pytest.mark.parametrize(
    ("machine", "torch"),
    [
        (machines.a100_550(), "2.13.0+cu126"),
        (machines.mi300(), "2.13.0+rocm7.1"),
        (machines.cpu(), "2.13.0+cpu"),
        (machines.rtx5090_575(), "2.13.0+cpu"),  # no group runs on it, so nothing is wrong
    ],
)
def test_silent_with_this_machines_group(env: FakeEnvironment, machine: machines.Machine, torch: str) -> None:
    """The torch of the machine's group is imported without a word."""
    install(env, machine, "2.15.0", torch, groups=GROUPS)
    assert run(env).stderr == ""


def test_silent_with_the_torch_backend_that_was_asked_for(env: FakeEnvironment) -> None:
    """A build for the CPU on a machine with a GPU is what the setting asks for: no command of ours changes it."""
    install(env, machines.h100_580(), "2.14.1", "2.14.1+cpu", backend="cpu")
    assert json.loads(env.record.read_text("utf-8"))["runs_on_gpu"] != []
    assert run(env).stderr == ""


def test_silent_where_the_release_is_not_known_to_come_for_this_python(env: FakeEnvironment) -> None:
    """The record says nothing of a Python that the catalog does not know of, and torch runs on it all the same."""
    install(env, machines.cpu(), "2.13.0", "2.13.0+cu126")
    record = json.loads(env.record.read_text("utf-8"))
    del record["accepted"][linux({})["python"]]
    env.record.write_text(json.dumps(record), "utf-8")
    assert run(env).stderr == ""


def test_the_gpu_is_left_unused(env: FakeEnvironment) -> None:
    """Where the pins allow a public build that does not use the GPU, the import says what is missing."""
    install(env, machines.mi300(), "2.14.1", "2.14.1", "2.14.1+cu130")
    text = " ".join(run(env).stderr.split())
    assert (
        "torch 2.14.1 (2.14.1+cu130 inside) is installed, and it does not use this machine's GPU: it is made for"
        in text
    )


def test_a_release_that_is_not_for_the_machine(env: FakeEnvironment) -> None:
    """What the machine lacks for the release is named."""
    install(env, machines.a100_550(), "2.15.0", "2.15.0", "2.15.0+cu132")
    assert "needs another release: torch 2.15.0 needs NVIDIA driver 580 or newer." in run(env).stderr


def test_switched_off(env: FakeEnvironment) -> None:
    """TORCH_AUTO_WARN=0 switches the warning off."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    assert run(env, TORCH_AUTO_WARN="0").stderr == ""


def test_filters_apply(env: FakeEnvironment) -> None:
    """The warning is one of Python's, which filters silence by its category."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    assert run(env, IMPORT, "-W", "ignore::UserWarning").stderr == ""


def test_warnings_as_errors(env: FakeEnvironment) -> None:
    """Where warnings are errors the import goes on, and the two lines are printed."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    done = run(env, IMPORT, "-W", "error")
    assert (done.returncode, done.stdout) == (0, "2.13.0+cpu\n")
    assert len(done.stderr.splitlines()) == 2


def test_one_of_many_processes(env: FakeEnvironment) -> None:
    """Of eight local ranks of torchrun, the first alone warns."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    assert run(env, LOCAL_RANK="3").stderr == ""
    assert run(env, LOCAL_RANK="0").stderr != ""


WORKERS = """
import multiprocessing, torch
if __name__ == "__main__":
    print(torch.__version__)
    worker = multiprocessing.get_context("spawn").Process(target=print, args=("worker",))
    worker.start()
    worker.join()
    print(worker.exitcode)
"""


def test_workers_are_silent(env: FakeEnvironment) -> None:
    """A process that multiprocessing starts imports torch again, and says nothing again."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    (env.prefix / "train.py").write_text(WORKERS, "utf-8")
    code = "import runpy, sys; sys.argv = ['train.py']; runpy.run_path('train.py', run_name='__main__')"
    done = run(env, code)
    assert done.returncode == 0, done
    assert done.stdout.split() == ["2.13.0+cpu", "worker", "0"]
    assert done.stderr.count("TorchAutoWarning") == 1, done


# --- torchvision and torchaudio beside torch ------------------------------------------------------------------------


def said(env: FakeEnvironment, **beside: str) -> str:
    """What the import says where these versions of torchvision and torchaudio are installed, on one line."""
    for project, version in beside.items():
        env.install(project, version)
    return " ".join(run(env).stderr.split()).replace("torch-auto:1: TorchAutoWarning: ", "")


@pytest.mark.parametrize(
    ("machine", "torch", "beside"),
    [
        (machines.cpu(), "2.14.1+cpu", {"torchvision": "0.29.1+cpu", "torchaudio": "2.11.0+cpu"}),
        (machines.cpu(), "2.14.1", {"torchvision": "0.29.1", "torchaudio": "2.11.0"}),
        (machines.h100_580(), "2.14.1+cu130", {"torchvision": "0.29.1", "torchaudio": "2.11.0"}),
        (machines.h100_580(), "2.14.1", {"torchvision": "0.29.1+cu132"}),  # the same major version is enough for it
        (machines.mi300(), "2.14.1+rocm7.2", {"torchvision": "0.29.1+rocm7.2"}),
        (machines.a100_550(), "2.14.1+cu126", {"torchvision": "0.29.2+cu126"}),  # it requires torch>=2.14.0
        (machines.a100_550(), "2.14.1+cu126", {"torchvision": "0.31.0+cu126"}),  # nothing is known of it
        (machines.gb200(), "2.9.1+cu130", {"torchvision": "0.24.1"}),  # the CPU's: there is no better one
    ],
)
def test_silent_beside_a_pair(
    env: FakeEnvironment, machine: machines.Machine, torch: str, beside: dict[str, str]
) -> None:
    """A torchvision and a torchaudio of torch's own torch backend and release, and one that nothing is known of."""
    install(env, machine, torch.partition("+")[0], torch)
    assert said(env, **beside) == ""


@pytest.mark.parametrize(
    ("machine", "torch", "beside", "text"),
    [
        (
            machines.cpu(), "2.14.1+cpu", {"torchvision": "0.29.1"},
            "torchvision 0.29.1 is built for cu130, which is another torch backend than torch's.",
        ),
        (
            machines.a100_550(), "2.14.1+cu126", {"torchvision": "0.29.1+cu130"},
            "torchvision 0.29.1+cu130 is built for cu130, which is another torch backend than torch's.",
        ),
        (
            machines.h100_580(), "2.14.1+cu130", {"torchaudio": "2.11.0+cu126"},
            "torchaudio 2.11.0+cu126 is built for cu126, which is another torch backend than torch's.",
        ),
        (
            machines.h100_580(), "2.15.0", {"torchaudio": "2.11.0"},
            "torchaudio 2.11.0 is built for cu130, which is another torch backend than torch's.",
        ),
        (
            machines.a100_550(), "2.14.1+cu126", {"torchvision": "0.29.1+cpu"},
            "torchvision 0.29.1+cpu is built for the CPU: it can be imported, but its operators do not use the GPU.",

        ),
        (
            machines.cpu(), "2.9.1+cpu", {"torchvision": "0.25.0+cpu"},
            "It goes with torchvision 0.24.1, and torchvision 0.25.0+cpu is installed.",
        ),
        (
            machines.cpu(), "2.9.1+cpu", {"torchvision": "0.24.2+cpu", "torchaudio": "2.8.0+cpu"},
            (
                "It goes with torchvision 0.24.1, and torchvision 0.24.2+cpu is installed. "
                "It goes with torchaudio 2.9.1, and torchaudio 2.8.0+cpu is installed."
            ),
        ),
    ],
)  # fmt: skip
def test_what_was_built_for_another_torch(
    env: FakeEnvironment, machine: machines.Machine, torch: str, beside: dict[str, str], text: str
) -> None:
    """A torchvision or torchaudio of another torch backend or release is named."""
    install(env, machine, torch.partition("+")[0], torch)
    assert said(env, **beside) == f"torch {torch} is installed. {text} {REMEDY.strip()}"


def test_a_wrong_torch_comes_first(env: FakeEnvironment) -> None:
    """Where torch itself is not what the machine needs, that alone is said."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    text = said(env, torchvision="0.28.0+cu126")
    assert "this machine needs torch 2.13.0+cu126" in text
    assert "torchvision" not in text


def test_a_record_of_an_older_core_says_nothing_of_them(env: FakeEnvironment) -> None:
    """Without ``beside`` nothing is known, and nothing is said."""
    install(env, machines.cpu(), "2.14.1", "2.14.1+cpu")
    record = json.loads(env.record.read_text("utf-8"))
    del record["beside"]
    env.record.write_text(json.dumps(record), "utf-8")
    assert said(env, torchvision="0.29.1") == ""


# --- where torch and torch-auto lie ------------------------------------------------------------------------------


def test_the_command_alone(env: FakeEnvironment) -> None:
    """torch-auto-core without a torch-auto has nothing to say about a torch."""
    install_torch(env, "2.13.0+cu126")
    done = run(env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.13.0+cu126\n", "")


@pytest.mark.parametrize(("inside", "said"), [("2.13.0+cu126", 0), ("2.13.0+cpu", 2), ("2.14.0a0+git1", 2)])
def test_a_torch_without_metadata(env: FakeEnvironment, inside: str, said: int) -> None:
    """conda's torch and a build tree have no dist-info: torch is known by what it calls itself."""
    install(env, machines.a100_550(), "2.13.0", inside)
    [folder] = env.site.glob("torch-*.dist-info")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    done = run(env)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (0, f"{inside}\n", said), done


def test_torch_in_another_folder(env: FakeEnvironment, tmp_path: Path) -> None:
    """Beside a torch of the system's, torch-auto's record is found in its own folder."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    (tmp_path / "system").mkdir()
    for name in ("torch", "torch-2.13.0+cpu.dist-info"):
        (env.site / name).rename(tmp_path / "system" / name)
    done = run(env, PYTHONPATH=os.pathsep.join([str(env.site), str(tmp_path / "system")]))
    assert (done.returncode, done.stdout) == (0, "2.13.0+cpu\n")
    assert len(done.stderr.splitlines()) == 2, done


# --- records -----------------------------------------------------------------------------------------------------


def test_a_record_of_a_newer_format(env: FakeEnvironment) -> None:
    """It is met with a sentence; check knows what brings a core that can read it."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    env.record.write_text('{"version": 3, "whatever": []}', "utf-8")
    done = run(env)
    assert (done.returncode, done.stdout) == (0, "2.13.0+cpu\n")
    assert done.stderr.splitlines() == [
        (
            "torch-auto:1: TorchAutoWarning: torch 2.13.0+cpu is installed, and torch-auto's record of what this "
            "machine needs is of a newer format."
        ),
        REMEDY,
    ]


PYTHON = linux({})["python"]
BROKEN: dict[str, bytes | None] = {
    "no record": None,
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[]",
    "no version": b"{}",
    "nothing in it": b'{"version": 2}',
    "accepted is a text": b'{"version": 2, "accepted": "x", "runs_on_gpu": []}',
    "accepted is empty": b'{"version": 2, "accepted": {}, "runs_on_gpu": []}',
    "no list for the Python": b'{"version": 2, "accepted": {"%s": 7}, "runs_on_gpu": []}' % PYTHON.encode(),
    "nothing on the GPU": b'{"version": 2, "accepted": {"%s": ["1"]}}' % PYTHON.encode(),
    "nothing decided": b'{"version": 2, "accepted": {"%s": []}, "runs_on_gpu": []}' % PYTHON.encode(),
    "decided is a text": (
        b'{"version": 2, "accepted": {"%s": []}, "runs_on_gpu": [], "decided": "x"}' % PYTHON.encode()
    ),
    "a reason without a code": (
        b'{"version": 2, "accepted": {"%s": ["2.13.0+cu126", "2.13.0"]}, "runs_on_gpu": ["2.13.0"], "decided":'
        b' {"needs": null, "rejected": [{"torch_backend": "cu126", "reason": {}}]}}' % PYTHON.encode()
    ),
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_never_raises(env: FakeEnvironment, content: bytes | None) -> None:
    """A record that is damaged or gone never breaks the import, and nothing is said of what is not known."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    env.record.unlink()
    if content is not None:
        env.record.write_bytes(content)
    done = run(env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.13.0+cpu\n", "")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the METADATA of a torch, and that of a torch-auto for its record."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "torch-2.13.0.dist-info").mkdir()
    (folder / "torch_auto-2.13.0.dist-info").mkdir()
    (folder / "torchvision-0.28.0.dist-info").mkdir()
    return folder


def call(place: Path, content: bytes) -> None:
    """Call the entry point beside a torch and a record with this content."""
    (place / "torch_auto-2.13.0.dist-info" / "torch_auto.json").write_bytes(content)
    module = types.ModuleType("torch")
    module.__version__ = "2.13.0"  # type: ignore[attr-defined]
    module.__file__ = str(place / "torch" / "__init__.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", module)
        patch.setattr(import_check, "_warn", lambda _: None)
        import_check.warn_if_wrong()


@given(content=st.binary(max_size=200))
def test_never_raises_on_any_bytes(place: Path, content: bytes) -> None:
    """No bytes whatever in the record make the entry point raise."""
    call(place, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.sampled_from(["2.13.0", "cu130"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(["version", "accepted", "runs_on_gpu", "decided", "beside"]), value=JSON)
def test_never_raises_on_any_json(place: Path, key: str, value: Any) -> None:
    """A record in which one key holds anything at all does not make it raise either."""
    record = make_record(decision_for(linux(machines.mi300()), "2.13.0"))
    call(place, json.dumps({**record, key: value}).encode())
    call(place, json.dumps({**record, "decided": {**record["decided"], "rejected": value}}).encode())


@pytest.mark.parametrize("content", [None, "no such attribute"])
def test_never_raises_without_a_torch(content: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is not torch, or none at all, is met in silence."""
    if content is None:
        monkeypatch.delitem(sys.modules, "torch", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    import_check.warn_if_wrong()


@pytest.mark.parametrize(
    ("version", "release"), [("3.8", "2.4.1"), ("3.9", "2.4.1"), ("3.12", "2.4.1"), ("3.13", "2.6.0")]
)
def test_other_pythons(env: FakeEnvironment, interpreter: Callable[[str], Path], version: str, release: str) -> None:
    """The oldest and the newest Python warn in the same two lines."""
    install(env, machines.a100_550(), release, f"{release}+cpu")
    done = run(env, python=interpreter(version))
    assert done.returncode == 0, done
    assert len(done.stderr.splitlines()) == 2, done


#: Stands in for a torch that has loaded what torch loads, and finds the entry point as torch does.
STAND_IN = """
import __future__, sys, os, json, time, importlib.metadata
torch = sys.modules["torch"] = type(sys)("torch")
torch.__version__, torch.__file__ = "2.14.1+cu126", {site!r} + "/torch/__init__.py"
[entry_point] = importlib.metadata.entry_points(group="torch.backends")
"""


def test_imports_next_to_nothing(env: FakeEnvironment) -> None:
    """Where all is well, two modules of ours are imported, and none that torch has not imported already."""
    install(env, machines.a100_550(), "2.14.1", "2.14.1+cu126")
    code = (
        STAND_IN.format(site=str(env.site)) + "before = set(sys.modules)\n"
        "entry_point.load()()\nprint(*sorted(set(sys.modules) - before))"
    )
    assert run(env, code).stdout.split() == ["torch_auto", "torch_auto.import_check"]


def test_reads_one_folder_and_one_file(env: FakeEnvironment) -> None:
    """Where torch-auto is beside torch and all is well, one folder is listed and one file is opened."""
    install(env, machines.a100_550(), "2.14.1", "2.14.1+cu126")
    code = STAND_IN.format(site=str(env.site)) + (
        "called = entry_point.load()\nseen = []\n"
        "sys.addaudithook(lambda name, what: seen.append((name, what[0])) if name in ('open', 'os.listdir',"
        " 'os.scandir', 'import', 'subprocess.Popen', 'socket.__new__') else None)\n"
        "called()\nfound = list(seen)\nprint(json.dumps(found))"
    )
    assert json.loads(run(env, code).stdout) == [["os.listdir", str(env.site)], ["open", str(env.record)]]


def test_takes_less_than_three_milliseconds(env: FakeEnvironment) -> None:
    """Loading and calling the entry point takes less than 3 ms of processor time, with bytecode and without."""
    install(env, machines.a100_550(), "2.14.1", "2.14.1+cu126")
    (env.site / "torch_auto").unlink()
    (env.site / "torch_auto").mkdir()
    for name in ("__init__.py", "import_check.py"):  # without the bytecode that lies beside the source
        (env.site / "torch_auto" / name).write_bytes((SOURCE / name).read_bytes())
    code = (
        STAND_IN.format(site=str(env.site)) + "start = time.process_time()\n"
        "entry_point.load()()\nprint((time.process_time() - start) * 1000)"
    )
    for variables in ({"PYTHONDONTWRITEBYTECODE": "1"}, {}):
        taken = [float(run(env, code, **variables).stdout) for _ in range(9)]
        assert statistics.median(taken) < 3, taken


# --- the same answer as packaging's ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(machines.MACHINES))
def test_agrees_with_packaging(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that a torch is needed where METADATA's pins, as packaging reads them, rule out what does not work."""
    machine = linux(machines.MACHINES[name])
    here = marker_environment(machine_from_json(machine))
    wrong, compared = [], 0
    for release in catalog.load().releases:
        decision = decision_for(machine, release.version)
        path = tmp_path / f"{release.version}.json"
        path.write_text(record_text(decision), "utf-8")
        parsed = [Requirement(item) for item in decision.plan.requirements]
        pins = [item.specifier for item in parsed if item.marker is None or item.marker.evaluate(here)]
        versions = [release.version, "1.13.1", f"{release.version}.post1", "1.14.0a0+git1234"]
        for version in [*versions, *(f"{release.version}+{local}" for local in release.local_versions)]:
            torch: Any = types.SimpleNamespace(__version__=version)
            monkeypatch.setattr(import_check, "_versions", lambda _, found=(version, str(path), {}): found)
            needed = "and this machine needs" in (import_check._warning(torch) or "")
            runs, needs = json.loads(path.read_text("utf-8"))["runs_on_gpu"], decision.plan.selection.needs
            on_cpu = not runs and needs is None and version.partition("+")[0] == release.version
            works = version in runs or on_cpu
            expected = not works and not all(item.contains(version, prereleases=True) for item in pins)
            here_known = PYTHON in decision.plan.accepted or decision.plan.selection.needs is not None
            compared += 1
            if needed != (expected and here_known):
                wrong.append((release.version, version, expected))
    assert wrong == []
    assert compared > 200


#: Codes of reasons that say that a build would run on the GPU, be it that its code is doubtful; and of those that leave
#: it open.
RUNS_TOO, OPEN = ("later-in-order", "fewer-gpus", "doubtful"), ("own-index",)


@pytest.mark.parametrize("name", sorted(machines.MACHINES))
def test_reasons_tell_what_would_run(name: str) -> None:
    """A build was rejected with the words that it runs too where it runs on the GPU, and only there."""
    machine = machine_from_json(machines.MACHINES[name])
    devices, known = candidates(machine), catalog.load()
    for version in RELEASES:
        plan = decision_for(machines.MACHINES[name], version).plan
        if not (plan.selection.accelerated and devices):
            continue
        builds = {
            str(build.torch_backend): build for build in known.release(version).platforms[machine.platform or ""].builds
        }
        for item in plan.selection.rejected:
            if item.reason.code in OPEN:
                continue  # whether it runs is not said, since it does not install
            build = builds[item.torch_backend]
            runs = build.seen and fault(build, devices[0], machine, known) is None
            assert (item.reason.code in RUNS_TOO) == runs, (version, item)


# --- the real torch ------------------------------------------------------------------------------------------------


def _real(folder: Path) -> None:
    wheels = Path(os.environ.get("PIP_FIND_LINKS", "").split()[0])
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [
            str(folder / "bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--find-links",
            str(wheels),
            "torch==2.13.0+cpu",
        ],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=600, env=machine_environment())


@pytest.fixture(scope="session")
def real_torch() -> Path:
    """The Python of an environment with the real torch 2.13.0+cpu; skipped where its wheel is not at hand."""
    folders = os.environ.get("PIP_FIND_LINKS", "").split()
    if OWN_VERSION != "3.11" or not any(Path(item).glob("torch-2.13.0+cpu-cp311-*.whl") for item in folders[:1]):
        pytest.skip("the wheel of torch 2.13.0+cpu for Python 3.11 is not in PIP_FIND_LINKS")
    return made_once("real-torch", key_of([sys.base_prefix]), _real, CACHE) / "bin" / "python"


@pytest.mark.slow
def test_the_real_torch(env: FakeEnvironment, real_torch: Path, sandbox: Sandbox) -> None:
    """The real torch 2.13.0+cpu on a CUDA machine warns in two lines; on a CPU machine it says nothing."""
    install(env, machines.a100_550(), "2.13.0", "2.13.0+cpu")
    for path in (env.site / "torch").iterdir():
        path.unlink()
    (env.site / "torch").rmdir()
    code = "import warnings; warnings.filterwarnings('ignore', message='Failed to initialize NumPy'); " + IMPORT
    done = sandbox.run([real_torch, "-c", code], env={"PYTHONPATH": str(env.site)})
    assert done.stdout == "2.13.0+cpu\n"
    assert as_typed(done.stderr).splitlines() == [
        "torch-auto:1: TorchAutoWarning: torch 2.13.0+cpu is installed, and this machine needs torch 2.13.0+cu126.",
        REMEDY,
    ]
    env.record.write_text(record_text(decision_for(linux(machines.cpu()), "2.13.0")), "utf-8")
    assert sandbox.run([real_torch, "-c", code], env={"PYTHONPATH": str(env.site)}).stderr == ""


def test_a_warning_sends_nothing_to_a_terminal_that_it_obeys() -> None:
    """A record repeats names that come from other people; the end of a line is ours."""
    with pytest.warns(import_check.TorchAutoWarning) as found:
        import_check._warn("GPU \x1b]0;title\x07\x9b2J 雪\n  Fix: it")
    assert [str(item.message) for item in found] == ["GPU ?]0;title??2J 雪\n  Fix: it"]
