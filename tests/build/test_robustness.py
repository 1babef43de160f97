"""Builds where something is missing, full, read-only or odd: each ends in a right wheel, or in one clear error."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import dists, fake_nvml, machines, processes
from support.hooks import unpack

from torch_auto import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

RELEASE = "2.14.1"
PIN = "Requires-Dist: torch==2.14.1+cu126; sys_platform == 'linux' and platform_machine == 'x86_64'\n"
WHEEL = re.compile(r"torch_auto-[0-9.]+-py3-none-\w+\.whl")

#: What a frontend runs: source tree, hook, the hook's folder, the folder that the core is installed in.
HOOK = """
import os, sys
tree, hook, folder, core = sys.argv[1:]
sys.path.insert(0, core)
os.chdir(tree)
import torch_auto.backend as backend
getattr(backend, hook)(folder)
"""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such thing")


# --- what is built, how, and what comes of it ------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tree(dists: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked sdist that nobody changes."""
    return unpack(dists / f"torch_auto-{RELEASE}.tar.gz", tmp_path_factory.mktemp("tree"))


class Builder:
    """Calls a build's hooks in a Python of their own, for an A100, and looks at what came of it."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self.tree = tree
        self.out = folder / "out"
        self.out.mkdir()
        machine = folder / "machine.json"
        machine.write_text(json.dumps(machines.a100_550()), "utf-8")
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        self.env = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "HOME") if key in os.environ}
        self.env |= {"TORCH_AUTO_MACHINE": str(machine), "TMPDIR": str(self.tmp), "PYTHONDONTWRITEBYTECODE": "1"}

    def command(
        self, hook: str = "build_wheel", out: Path | None = None, options: Sequence[str] = (), code: str = HOOK
    ) -> list[str]:
        return [sys.executable, *options, "-c", code, str(self.tree), hook, str(out or self.out), str(dists.core())]

    def run(
        self, command: Sequence[str], within: Sequence[str] = (), **others: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the command, inside of ``within``: the command of a namespace, a shell with other limits."""
        others = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **others}
        return subprocess.run(
            [*within, *command],
            env=self.env,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
            **others,
        )

    def leftovers(self) -> list[str]:
        """What lies in the folders for the wheel and for temporary files, but for a wheel."""
        names = [path.name for folder in (self.out, self.tmp) for path in folder.iterdir()]
        return [name for name in names if not WHEEL.fullmatch(name)]


@pytest.fixture
def builder(tree: Path, tmp_path: Path) -> Builder:
    return Builder(tree, tmp_path)


def members(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel, each with the hash that RECORD has for it."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    [record] = [name for name in files if name.endswith(".dist-info/RECORD")]
    rows = [line.rsplit(",", 2) for line in files[record].decode().splitlines()]
    assert sorted(row[0] for row in rows) == sorted(files)
    for name, digest, _ in rows:
        if name != record:
            found = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
            assert digest == f"sha256={found}", name
    return files


def right_wheel(folder: Path, pin: str = PIN) -> dict[str, Any]:
    """There is one wheel, whole and with this pin; returns what it says about the machine and the choice."""
    [wheel] = folder.glob("*.whl")
    files = members(wheel)
    [metadata] = [content.decode() for name, content in files.items() if name.endswith(".dist-info/METADATA")]
    assert pin in metadata
    [record_text] = [content for name, content in files.items() if name.endswith(".dist-info/torch_auto.json")]
    record: dict[str, Any] = json.loads(record_text)
    assert record["decided"]["release"] == RELEASE
    return record


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that a build which failed has said: the error."""
    assert done.returncode == 1, done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def namespace() -> Callable[..., list[str]]:
    """``namespace("mount ...")`` runs what follows with these mounts, which nobody else sees, in place."""
    for command in (["unshare", "-rm", "true"], ["unshare", "-U", "--map-user=65534", "true"]):
        try:
            tried = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except OSError as error:
            pytest.skip(f"no unshare: {error}")
        if tried.returncode != 0:
            pytest.skip(f"no namespaces for this user: {tried.stderr.strip()}")

    def within(*mounts: str) -> list[str]:
        return ["unshare", "-rm", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]

    return within


# --- the system lacks something --------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("folder", ["/proc", "/sys", "/dev"])
def test_a_system_folder_that_is_empty(builder: Builder, namespace: Callable[..., list[str]], folder: str) -> None:
    """Without /proc, /sys or /dev the machine is looked at all the same, and a right wheel says what was not there."""
    del builder.env["TORCH_AUTO_MACHINE"]
    done = builder.run(builder.command(), namespace(f"mount -t tmpfs none {folder}"))
    assert done.returncode == 0, done.stderr
    record = right_wheel(builder.out, "Requires-Dist: torch==2.14.1")
    evidence = {item["source"]: item["outcome"] for item in record["machine"]["evidence"]}
    assert "detection" not in evidence, record
    if folder == "/sys":
        assert evidence["/sys/bus/pci/devices"] == "absent"


@linux
@pytest.mark.parametrize("user", [0, 65534, 12345], ids=["root", "nobody", "no name"])
def test_any_user(builder: Builder, namespace: Callable[..., list[str]], user: int) -> None:
    """root, nobody, and a user whom no one knows, as containers have them; the latter two without HOME."""
    command = [*namespace(), "unshare", "-U", f"--map-user={user}"]
    if user:
        del builder.env["HOME"]
    code = f"import os; assert os.geteuid() == {user}\n{HOOK}"
    done = builder.run(builder.command(code=code), command)
    assert done.returncode == 0, done.stderr
    right_wheel(builder.out)
    assert builder.leftovers() == []


def test_an_environment_with_nothing_in_it(builder: Builder) -> None:
    """No HOME, no PATH, no TMPDIR, no language: a right wheel."""
    builder.env = {key: builder.env[key] for key in ("TORCH_AUTO_MACHINE", "SYSTEMROOT") if key in builder.env}
    done = builder.run(builder.command())
    assert done.returncode == 0, done.stderr
    right_wheel(builder.out)


@pytest.mark.parametrize("hook", ["build_wheel", "prepare_metadata_for_build_wheel"])
def test_an_ascii_locale_and_a_path_that_is_not_ascii(builder: Builder, tree: Path, tmp_path: Path, hook: str) -> None:
    """LANG=C without UTF-8 mode, in a folder with spaces, umlauts and Chinese: a right wheel."""
    odd = tmp_path / "ein Ort für 雪, 100% 'sic'"
    odd.mkdir()
    builder.tree = Path(shutil.copytree(tree, odd / "tree"))
    machine = odd / "Maschine ü.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    builder.env |= {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    builder.env["TORCH_AUTO_MACHINE"] = str(machine)
    done = builder.run(builder.command(hook, odd))
    assert done.returncode == 0, done.stderr
    if hook == "build_wheel":
        right_wheel(odd)
    else:
        assert PIN in (odd / f"torch_auto-{RELEASE}.dist-info" / "METADATA").read_text("utf-8")


@pytest.mark.parametrize("options", [["-I"], ["-O"], ["-OO"], ["-I", "-S", "-OO"]], ids=" ".join)
def test_options_of_python(builder: Builder, options: list[str]) -> None:
    """Isolated, without assertions and docstrings: a right wheel. Without site, packaging has to be on the path."""
    import packaging  # noqa: PLC0415

    site = str(Path(str(packaging.__file__)).parents[1])
    code = f"import sys; sys.path.append({site!r})\n{HOOK}" if "-S" in options else HOOK
    done = builder.run(builder.command(options=options, code=code))
    assert done.returncode == 0, done.stderr
    right_wheel(builder.out)


@posix
@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"], ids=["stdin", "all three"])
def test_closed_streams(builder: Builder, closed: str) -> None:
    """With stdin closed, or stdout and stderr with it: a right wheel, and none of them takes the place of a file."""
    done = builder.run(builder.command(), ["sh", "-c", f'exec {closed}; exec "$@"', "sh"])
    assert done.returncode == 0, done.stderr
    right_wheel(builder.out)


@posix
def test_nobody_reads_what_a_build_says(builder: Builder) -> None:
    """A build says nothing on stdout, so that a broken pipe there does not break it."""
    ours, its = os.pipe()
    os.close(ours)
    try:
        done = builder.run(builder.command(), stdout=its)
    finally:
        os.close(its)
    assert (done.returncode, done.stderr) == (0, "")
    right_wheel(builder.out)


@posix
def test_a_strict_umask(builder: Builder) -> None:
    """umask 077 on the builder's side: what is in the wheel can be read by all where it gets installed."""
    done = builder.run(builder.command(), ["sh", "-c", 'umask 077; exec "$@"', "sh"])
    assert done.returncode == 0, done.stderr
    right_wheel(builder.out)
    with zipfile.ZipFile(next(builder.out.glob("*.whl"))) as archive:
        assert {info.external_attr >> 16 & 0o777 for info in archive.infolist()} == {0o644}


def test_a_clock_in_1970(builder: Builder, tree: Path, tmp_path: Path) -> None:
    """SOURCE_DATE_EPOCH=0, before a zip's first year, and files as old: wheel and sdist are made, and right."""
    folder = tmp_path / "old"
    folder.mkdir()
    builder.tree = Path(shutil.copytree(tree, folder / "tree"))
    for path in builder.tree.rglob("*"):
        os.utime(path, (0, 0))
    builder.env["SOURCE_DATE_EPOCH"] = "0"
    done = builder.run(builder.command())
    assert done.returncode == 0, done.stderr
    right_wheel(builder.out)
    assert builder.run(builder.command("build_sdist")).returncode == 0
    unpack(builder.out / f"torch_auto-{RELEASE}.tar.gz", tmp_path / "sdist")


# --- no room, no permission ------------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("hook", ["build_wheel", "prepare_metadata_for_build_wheel"])
def test_a_full_disk(builder: Builder, namespace: Callable[..., list[str]], hook: str) -> None:
    """No room for the result: one error that says so and names the folder."""
    full = namespace(f"mount -t tmpfs -o size=4k none '{builder.out}'")
    error = error_of(builder.run(builder.command(hook), full))
    assert error == f"OSError: [Errno 28] torch-auto could not be built in {builder.out}: No space left on device"
    assert builder.leftovers() == []


@posix
def test_a_limit_on_the_size_of_files(builder: Builder) -> None:
    """A wheel that may not become as large as it is: one error, and no half of one is left behind."""
    limit = builder.run(builder.command(), ["sh", "-c", 'ulimit -f 2; exec "$@"', "sh"])
    assert f"torch-auto could not be built in {builder.out}: File too large" in error_of(limit)
    assert [path.name for path in builder.out.iterdir()] == builder.leftovers() == []


@linux
@pytest.mark.parametrize("option", ["ro", "size=4k"], ids=["read-only", "full"])
def test_the_folder_for_temporary_files(builder: Builder, namespace: Callable[..., list[str]], option: str) -> None:
    """TMPDIR, /tmp and /var/tmp are read-only or full: a build needs no other folder than the wheel's, beside it."""
    usual = {os.path.realpath(path) for path in (builder.tmp, "/var/tmp", "/usr/tmp") if os.path.isdir(path)}  # noqa: S108
    if not str(builder.out).startswith(tempfile.gettempdir()):
        usual.add(tempfile.gettempdir())
    done = builder.run(builder.command(), namespace(*(f"mount -t tmpfs -o {option} none '{path}'" for path in usual)))
    assert done.returncode == 0, done.stderr
    right_wheel(builder.out)


@linux
def test_a_folder_for_the_wheel_that_is_read_only(builder: Builder, namespace: Callable[..., list[str]]) -> None:
    """Nowhere to write: one error that names the folder."""
    done = builder.run(builder.command(), namespace(f"mount -t tmpfs -o ro none '{builder.out}'"))
    error = error_of(done)
    assert error.startswith(
        f"OSError: [Errno 30] torch-auto could not be built in {builder.out}: Read-only file system"
    )


@linux
@pytest.mark.slow
def test_sixteen_builds_from_one_read_only_tree(builder: Builder, namespace: Callable[..., list[str]]) -> None:
    """16 builds at once from a source tree that cannot be written to: 16 wheels of the same bytes."""
    mounts = [f"mount --bind '{builder.tree}' '{builder.tree}'", f"mount -o remount,bind,ro '{builder.tree}'"]
    within = namespace(*mounts, f"! touch '{builder.tree}/x' 2>/dev/null")
    folders = [builder.out / str(number) for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        ended = list(pool.map(lambda folder: builder.run(builder.command(out=folder), within), folders))
    assert [done.stderr for done in ended] == [""] * 16
    for folder in folders:
        right_wheel(folder)
        assert len(list(folder.iterdir())) == 1
    assert len({next(folder.glob("*.whl")).read_bytes() for folder in folders}) == 1


# --- ended before its time -------------------------------------------------------------------------------------------


@linux
@pytest.mark.skipif(fake_nvml.why_not() is not None, reason=str(fake_nvml.why_not()))
def test_sigterm_leaves_nothing_behind(builder: Builder, tmp_path: Path) -> None:
    """SIGTERM in the middle of a build ends it within a moment, and its temporary files go with it."""
    del builder.env["TORCH_AUTO_MACHINE"]
    builder.env |= {**fake_nvml.env(hang="nvmlInitWithFlags"), processes.NAME: str(tmp_path)}
    with subprocess.Popen(builder.command(), env=builder.env, stderr=subprocess.PIPE, text=True) as build:
        try:
            processes.wait_for(str(tmp_path), "child.py")  # it waits for an answer, for five seconds
            assert [name for name in builder.leftovers() if name.startswith(".torch-auto-")]
            build.send_signal(signal.SIGTERM)
            said = build.communicate(timeout=20)[1]
        finally:
            build.kill()
    assert (build.returncode, said) == (128 + signal.SIGTERM, "")
    assert [path.name for path in builder.out.iterdir()] == builder.leftovers() == []


@posix
def test_sigterm_at_any_moment(builder: Builder) -> None:
    """Ended after 20, 40, ... 400 ms, a build leaves a right wheel or none, and nothing else."""
    for milliseconds in range(20, 401, 20):
        with subprocess.Popen(builder.command(), env=builder.env, stderr=subprocess.PIPE, text=True) as build:
            time.sleep(milliseconds / 1000)
            build.send_signal(signal.SIGTERM)
            build.communicate(timeout=20)
        assert build.returncode in (0, -signal.SIGTERM, 128 + signal.SIGTERM), build.returncode
        assert builder.leftovers() == []
        for wheel in builder.out.iterdir():
            right_wheel(builder.out)
            wheel.unlink()


@linux
@pytest.mark.slow
@pytest.mark.skipif(fake_nvml.why_not() is not None, reason=str(fake_nvml.why_not()))
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT], ids=str)
def test_nothing_outlives_a_build_that_is_ended_while_the_driver_hangs(
    builder: Builder, tmp_path: Path, number: signal.Signals
) -> None:
    """Ended 20 times in its first second, with a driver that never answers: no process and no half wheel is left."""
    mark = str(tmp_path)
    del builder.env["TORCH_AUTO_MACHINE"]
    builder.env |= {**fake_nvml.env(hang="nvmlInitWithFlags"), processes.NAME: mark}
    # What runs in the background of a shell ignores Ctrl-C, and so would its children.
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{HOOK}"
    for moment in random.sample(range(20, 1000), 20):
        with subprocess.Popen(builder.command(code=code), env=builder.env, stderr=subprocess.DEVNULL) as build:
            time.sleep(moment / 1000)
            build.send_signal(number)
            build.wait(20)
        assert processes.left_after(mark, 5) == []
        if build.returncode == 0:  # the signal came before Python had a handler for it, and was ignored
            right_wheel(builder.out, "Requires-Dist: torch==2.14.1")
            next(builder.out.glob("*.whl")).unlink()
        assert not list(builder.out.glob("*.whl"))
        if number != signal.SIGKILL:  # which nobody can clean up after
            assert builder.leftovers() == []


# --- real frontends --------------------------------------------------------------------------------------------------


@pytest.mark.frontend
@pytest.mark.slow
def test_sixteen_builds_in_one_uv_cache(uv: Frontend, published: TorchIndex, sandbox: Sandbox) -> None:
    """16 uv at once with one new cache, for 8 releases: each installs its own, and all of one release the same."""
    releases = ["2.15.0", "2.14.1", "2.13.0", "2.12.0", "2.11.0", "2.10.0", "2.9.1", "2.8.0"] * 2
    path = sandbox.root / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    env = {"TORCH_AUTO_MACHINE": str(path), "UV_FIND_LINKS": published.find_links}

    def install(number: int) -> set[str]:
        target = sandbox.root / f"target{number}"
        uv.run(["pip", "install", "--target", target, f"torch-auto=={releases[number]}"], env=env)
        return {path.name for path in target.glob("torch*.dist-info")}

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(install, range(16)))
    core = f"torch_auto_core-{__version__}.dist-info"
    assert found == [
        {core, f"torch-{release}+cpu.dist-info", f"torch_auto-{release}.dist-info"} for release in releases
    ]


@linux
@pytest.mark.frontend
@pytest.mark.parametrize(("name", "user"), [("uv", 0), ("pip", 0), ("pip", 65534)])
def test_a_read_only_cache(
    name: str,
    user: int,
    published: TorchIndex,
    sandbox: Sandbox,
    namespace: Callable[..., list[str]],
    request: pytest.FixtureRequest,
) -> None:
    """uv, and pip as root, say which cache cannot be written; pip as anyone else goes on without, to a right torch."""
    frontend: Frontend = request.getfixturevalue(name)
    path = sandbox.root / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    env = {"TORCH_AUTO_MACHINE": str(path), "PIP_FIND_LINKS": published.find_links}
    cache, target = sandbox.root / f"{name}-cache", sandbox.root / "target"
    cache.mkdir()
    within = [*namespace(f"mount -t tmpfs -o ro none '{cache}'"), "unshare", "-U", f"--map-user={user}"]
    command = [str(frontend.tool.executable), *(["pip"] if name == "uv" else []), "install", "--target", str(target)]
    done = sandbox.run([*within, *command, "torch-auto==2.14.1"], env=env, check=False)
    if user:
        assert done.returncode == 0, done.stderr
        assert (target / "torch-2.14.1+cpu.dist-info").is_dir()
    else:
        assert done.returncode != 0
        assert re.search(f"Read-only file system.*{cache}|{cache}.*Read-only file system", done.stderr, re.DOTALL)


@pytest.mark.frontend
@pytest.mark.parametrize("name", ["uv", "pip"])
def test_all_that_is_odd_at_once(
    name: str, published: TorchIndex, sandbox: Sandbox, request: pytest.FixtureRequest
) -> None:
    """LANG=C, no HOME, caches and temporary files in a path with spaces and non-ASCII: the right torch all the same."""
    frontend: Frontend = request.getfixturevalue(name)
    odd = sandbox.root / "ein Ort für 雪"
    (odd / "tmp").mkdir(parents=True)
    path = odd / "Maschine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    env: dict[str, str | None] = dict.fromkeys(("HOME", "PYTHONUTF8", "XDG_CACHE_HOME", "XDG_DATA_HOME"))
    env |= {"LANG": "C", "LC_ALL": "C", "TORCH_AUTO_MACHINE": str(path), "TMPDIR": str(odd / "tmp")}
    env |= {"UV_CACHE_DIR": str(odd / "uv"), "PIP_CACHE_DIR": str(odd / "pip")}
    env |= {"UV_FIND_LINKS": published.find_links, "PIP_FIND_LINKS": published.find_links}
    command = [*(["pip"] if name == "uv" else []), "install", "--target", str(odd / "target"), "torch-auto==2.14.1"]
    frontend.run(command, cwd=odd, env=env)
    assert (odd / "target" / "torch-2.14.1+cu126.dist-info").is_dir()
    assert list((odd / "tmp").iterdir()) == []
