"""What torch-auto says, and costs, at ``import torch``."""

from __future__ import annotations

import json
import os
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
from unit.cli.fake_environment import FakeEnvironment, plan_for
from torch_auto import catalog
from torch_auto.complaint import RUNS_TOO, complaint, installed_version, is_true, satisfied
from torch_auto.fit import candidates, fault
from torch_auto.machine_file import machine_from_json
from torch_auto.plan import plan_to_json

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


def linux(machine: machines.Machine) -> machines.Machine:
    """The machine with this process's Python, so that its record is read as its own."""
    return {**machine, "python": f"{sys.version_info[0]}.{sys.version_info[1]}"}


@pytest.fixture
def env(tmp_path: Path) -> FakeEnvironment:
    """An environment with what torch calls at import: our modules and our entry point."""
    return FakeEnvironment.make(tmp_path / "env")


def install(
    env: FakeEnvironment, machine: machines.Machine, release: str, torch: str, inside: str | None = None, **config: str
) -> None:
    """torch-auto as it was built on a machine, and a tiny torch."""
    env.install_torch_auto(linux(machine), release, config)
    [folder] = env.site.glob("torch_auto-*.dist-info")
    (folder / "entry_points.txt").write_text(
        "[torch.backends]\ntorch_auto = torch_auto.autoload:warn_if_wrong\n", "utf-8"
    )
    for name in ("__init__.py", "autoload.py", "complaint.py"):
        (env.site / "torch_auto" / name).write_text((SOURCE / name).read_text("utf-8"), "utf-8")
    env.install_torch(torch, inside)
    (env.site / "torch" / "__init__.py").write_text(TINY_TORCH, "utf-8")


def run(
    env: FakeEnvironment, code: str = IMPORT, *options: str, python: str | Path = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A Python that sees the environment's site-packages and nothing else of ours."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(env.site), **variables}
    return subprocess.run(
        [str(python), "-S", *options, "-c", code],
        cwd=env.prefix,  # the current folder comes before PYTHONPATH
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


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
    """Another machine's torch: one line on what is wrong, one on how to mend it."""
    install(env, machines.cpu(), "2.13.0", "2.13.0+cu126")
    done = run(env)
    assert (done.returncode, done.stdout) == (0, "2.13.0+cu126\n")
    assert done.stderr.splitlines() == [
        "torch-auto:1: TorchAutoWarning: torch 2.13.0+cu126 is installed, and this machine needs torch 2.13.0+cpu.",
        "  `torch-auto refresh` mends it, `torch-auto check` says why, TORCH_AUTO_WARN=0 turns this off.",
    ]


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
        "  `torch-auto sync` mends it, `torch-auto check` says why, TORCH_AUTO_WARN=0 turns this off.",
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
    record = json.loads((env.site / "torch_auto" / "selection.json").read_text("utf-8"))
    record["machine"]["python"] = "3.8"  # then the requirements are read, and not the short way taken
    (env.site / "torch_auto" / "selection.json").write_text(json.dumps(record), "utf-8")
    assert run(env).stderr == ""


def test_the_gpu_is_left_unused(env: FakeEnvironment) -> None:
    """Where the pins allow a public build that does not use the GPU, the import says what is missing."""
    install(env, machines.mi300(), "2.14.1", "2.14.1", "2.14.1+cu130")
    text = " ".join(run(env).stderr.split())
    assert (
        "torch 2.14.1 (2.14.1+cu130 inside) is installed, and it does not use this machine's GPU: it is made for"
        in text
    )
    assert "`torch-auto init` and `torch-auto refresh` mend it" in text


def test_a_release_that_is_not_for_the_machine(env: FakeEnvironment) -> None:
    """What the machine lacks for the release is named."""
    install(env, machines.a100_550(), "2.15.0", "2.15.0", "2.15.0+cu132")
    assert "needs another release than 2.15.0, which needs nvidia.driver.580" in run(env).stderr


def test_switched_off(env: FakeEnvironment) -> None:
    """TORCH_AUTO_WARN=0 switches the warning off."""
    install(env, machines.cpu(), "2.13.0", "2.13.0+cu126")
    assert run(env, TORCH_AUTO_WARN="0").stderr == ""


def test_filters_apply(env: FakeEnvironment) -> None:
    """The warning is one of Python's, which filters silence by its category."""
    install(env, machines.cpu(), "2.13.0", "2.13.0+cu126")
    assert run(env, IMPORT, "-W", "ignore::UserWarning").stderr == ""


def test_warnings_as_errors(env: FakeEnvironment) -> None:
    """Where warnings are errors the import goes on, and the two lines are printed."""
    install(env, machines.cpu(), "2.13.0", "2.13.0+cu126")
    done = run(env, IMPORT, "-W", "error")
    assert (done.returncode, done.stdout) == (0, "2.13.0+cu126\n")
    assert len(done.stderr.splitlines()) == 2


def test_one_of_many_processes(env: FakeEnvironment) -> None:
    """Of eight local ranks of torchrun, the first alone warns."""
    install(env, machines.cpu(), "2.13.0", "2.13.0+cu126")
    assert run(env, LOCAL_RANK="3").stderr == ""
    assert run(env, LOCAL_RANK="0").stderr != ""


BROKEN = {
    "no record": None,
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[]",
    "no plan": b"{}",
    "a plan of text": b'{"plan": "x"}',
    "nothing in it": b'{"plan": {}, "machine": {}}',
    "another marker": (
        b'{"plan": {"release": "1", "local_version": null, "torch_backend": "cpu", "requirements":'
        b' ["torch==1; os_name == \\"posix\\""]}, "machine": {"python": "3.0"}}'
    ),
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_never_raises(env: FakeEnvironment, content: bytes | None) -> None:
    """A record that is damaged or gone never breaks the import."""
    install(env, machines.cpu(), "2.13.0", "2.13.0+cu126")
    path = env.site / "torch_auto" / "selection.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    done = run(env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.13.0+cu126\n", "")


@given(st.binary(max_size=200))
def test_never_raises_on_anything(content: bytes) -> None:
    """No bytes whatever in the record make the entry point raise."""
    import tempfile  # noqa: PLC0415

    from torch_auto import autoload  # noqa: PLC0415

    module = types.ModuleType("torch")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "selection.json").write_bytes(content)
        # The function with another file name: what it looks for lies beside that.
        namespace: dict[str, Any] = {"__file__": str(Path(folder, "autoload.py")), "__name__": "copy"}
        exec(compile(Path(autoload.__file__).read_text("utf-8"), "copy", "exec"), namespace)  # noqa: S102
        namespace["sys"] = types.SimpleNamespace(modules={"torch": module}, version_info=sys.version_info)
        namespace["warn_if_wrong"]()


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.12", "3.13"])
def test_other_pythons(env: FakeEnvironment, interpreter: Callable[[str], Path], version: str) -> None:
    """The oldest and the newest Python warn in the same two lines."""
    install(env, machines.cpu(), "2.4.1", "2.4.1+cu118")
    done = run(env, python=interpreter(version))
    assert done.returncode == 0, done
    assert len(done.stderr.splitlines()) == 2, done


def test_imports_next_to_nothing(env: FakeEnvironment) -> None:
    """Where all is well, two modules of ours are imported, and none that torch has not imported already."""
    install(env, machines.a100_550(), "2.14.1", "2.14.1+cu126")
    code = (
        "import __future__, sys, json, importlib.metadata; sys.modules['torch'] = type(sys)('torch');"
        "sys.modules['torch'].__version__ = '2.14.1+cu126'; before = set(sys.modules);"
        "[e] = importlib.metadata.entry_points(group='torch.backends'); found = set(sys.modules);"
        "e.load()(); print(*sorted(set(sys.modules) - found))"
    )
    assert run(env, code).stdout.split() == ["torch_auto", "torch_auto.autoload"]


def test_takes_less_than_three_milliseconds(env: FakeEnvironment) -> None:
    """Loading and calling the entry point takes less than 3 ms of processor time, with bytecode and without."""
    install(env, machines.a100_550(), "2.14.1", "2.14.1+cu126")
    code = (
        "import sys, json, time, importlib.metadata; sys.modules['torch'] = type(sys)('torch');"
        "sys.modules['torch'].__version__ = '2.14.1+cu126';"
        "[e] = importlib.metadata.entry_points(group='torch.backends'); start = time.process_time();"
        "e.load()(); print((time.process_time() - start) * 1000)"
    )
    for variables in ({"PYTHONDONTWRITEBYTECODE": "1"}, {}):
        taken = [float(run(env, code, **variables).stdout) for _ in range(9)]
        assert statistics.median(taken) < 3, taken


# --- the same answer as packaging's ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(machines.MACHINES))
def test_agrees_with_packaging(name: str) -> None:
    """What the pins allow is judged as packaging judges it, for every release and every version that there is."""
    wrong = []
    for release in catalog.load().releases:
        requirements = plan_to_json(plan_for(machines.MACHINES[name], release.version))["requirements"]
        parsed = [Requirement(item) for item in requirements]
        versions = [release.version, "1.13.1", f"{release.version}.post1", "1.14.0a0+git1234"]
        for version in [*versions, *(f"{release.version}+{local}" for local in release.local_versions)]:
            expected = all(
                item.specifier.contains(version, prereleases=True)
                for item in parsed
                if item.marker is None or item.marker.evaluate()
            )
            if satisfied(version, requirements) != expected:
                wrong.append((release.version, version, expected))
    assert not wrong


@given(
    st.recursive(
        st.sampled_from(
            [
                'sys_platform == "linux"',
                'sys_platform != "win32"',
                'platform_machine == "aarch64"',
                'python_version < "3.10"',
                'python_version >= "3.10"',
            ]
        ),
        lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} {t[2]}"),
        max_leaves=8,
    )
)
def test_markers_agree_with_packaging(marker: str) -> None:
    """Markers of any nesting are read as packaging reads them."""
    assert is_true(marker) == Requirement(f"torch; {marker}").marker.evaluate()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", sorted(machines.MACHINES))
def test_reasons_tell_what_would_run(name: str) -> None:
    """A build was rejected with the words that it runs too where it runs on the GPU, and only there."""
    machine = machine_from_json(machines.MACHINES[name])
    devices, known = candidates(machine), catalog.load()
    for version in RELEASES:
        plan = plan_for(machines.MACHINES[name], version)
        if not (plan.selection.accelerated and devices):
            continue
        builds = {
            build.torch_backend: build for build in known.release(version).platforms[machine.platform or ""].builds
        }
        for item in plan.selection.rejected:
            if item.reason.startswith(RUNS_TOO[1]):
                continue  # whether it runs is not said, since it does not install
            build = builds[item.torch_backend]
            runs = build.seen and fault(build, devices[0], machine, known) is None
            assert item.reason.startswith(RUNS_TOO[0]) == runs, (version, item)


def test_version_of_a_build_tree(tmp_path: Path) -> None:
    """A torch without METADATA is known by what it calls itself."""
    torch: Any = types.SimpleNamespace(__version__="2.14.0a0+git1", __file__=str(tmp_path / "torch" / "__init__.py"))
    assert installed_version(torch) == "2.14.0a0+git1"


def test_complaint_is_none_for_the_command_alone() -> None:
    """torch-auto that was built with backend=none has nothing to say about a torch."""
    plan = plan_to_json(plan_for(machines.cpu(), "2.13.0", {"backend": "none"}))
    torch: Any = types.SimpleNamespace(__version__="1.0", __file__=str(SOURCE / "__init__.py"))
    assert complaint(torch, plan) is None


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
    assert done.stderr.splitlines() == [
        "torch-auto:1: TorchAutoWarning: torch 2.13.0+cpu is installed, and this machine needs torch 2.13.0+cu126.",
        "  `torch-auto refresh` mends it, `torch-auto check` says why, TORCH_AUTO_WARN=0 turns this off.",
    ]
    record = json.loads((env.site / "torch_auto" / "selection.json").read_text("utf-8"))
    record["plan"] = plan_to_json(plan_for(linux(machines.cpu()), "2.13.0"))
    (env.site / "torch_auto" / "selection.json").write_text(json.dumps(record), "utf-8")
    assert sandbox.run([real_torch, "-c", code], env={"PYTHONPATH": str(env.site)}).stderr == ""
