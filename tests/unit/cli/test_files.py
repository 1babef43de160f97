"""A file of the user's is written whole or not at all, and nothing of it changes but its content."""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from torch_auto.cli import main
from torch_auto.cli.project.change import Change
from torch_auto.cli.project.files import content_of, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
PROJECT = '[project]\nname = "x"\nversion = "1"\n'
NOBODY = 65534

posix = pytest.mark.skipif(os.name != "posix", reason="owners, modes and links of POSIX")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="attributes and mounts of Linux")


pytestmark = pytest.mark.usefixtures("no_gpu_no_uv")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The pyproject.toml of a folder with nothing else."""
    folder = tmp_path / "project"
    folder.mkdir()
    path = folder / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    return path


def init(path: Path, *options: str) -> int:
    """Run ``init`` for a file, which is the only one in its folder before and after."""
    code = main(["init", "--for", "uv", "--project", str(path.parent), *options])
    assert os.listdir(path.parent) == [path.name]
    return code


# --- what stays ---------------------------------------------------------------------------------------------------


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root alone gives files away")
@pytest.mark.parametrize("mode", [0o644, 0o600, 0o664, 0o4755])
def test_owner_and_group(project: Path, mode: int) -> None:
    """As root, in a container say, the file stays the user's, with its mode."""
    os.chown(project, 1234, 2345)
    project.chmod(mode)
    before = project.stat()
    assert init(project) == 0
    after = project.stat()
    assert [after.st_uid, after.st_gid, after.st_mode] == [before.st_uid, before.st_gid, before.st_mode]
    assert "pytorch-torch" in project.read_text("utf-8")


@posix
def test_hard_links(project: Path, tmp_path: Path) -> None:
    """The other name of the file still is the same file."""
    other = tmp_path / "other.toml"
    os.link(project, other)
    assert init(project) == 0
    assert other.samefile(project)
    assert "pytorch-torch" in other.read_text("utf-8")
    assert init(project, "--remove") == 0
    assert other.read_text("utf-8") == PROJECT


#: An access list: the owner and the user 1234 read and write, all others read (linux/posix_acl_xattr.h).
ACCESS = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, bits, owner)
    for tag, bits, owner in ((1, 6, 2**32 - 1), (2, 6, 1234), (4, 4, 2**32 - 1), (16, 6, 2**32 - 1), (32, 4, 2**32 - 1))
)


@linux
@pytest.mark.parametrize("linked", [False, True])
def test_extended_attributes_and_access_lists(project: Path, tmp_path: Path, linked: bool) -> None:
    """What a file has beside its content stays with it."""
    given = {"user.note": b"\x00mine", "system.posix_acl_access": ACCESS}
    try:
        for name, value in given.items():
            os.setxattr(project, name, value)
    except OSError as error:
        pytest.skip(f"this disk has no such attributes: {error}")
    if linked:
        os.link(project, tmp_path / "other")
    assert init(project) == 0
    assert {name: os.getxattr(project, name) for name in os.listxattr(project)} == given
    assert "pytorch-torch" in project.read_text("utf-8")


@posix
def test_links_to_links(project: Path, tmp_path: Path) -> None:
    """A link to a link to the file, in another folder: the links stay, and the file has the change."""
    real = tmp_path / "real.toml"
    project.rename(real)
    middle = tmp_path / "middle"
    middle.symlink_to("real.toml")
    project.symlink_to(middle)
    assert init(project) == 0
    assert [project.readlink(), middle.readlink()] == [middle, Path("real.toml")]
    assert "pytorch-torch" in real.read_text("utf-8")


@pytest.fixture
def alone() -> Iterator[Path]:
    """A file of somebody's who may write to it and not to its folder, as this process is then."""
    folder = Path(tempfile.mkdtemp())
    path = folder / "file"
    path.write_bytes(b"before")
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.chown(path, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    yield path
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


@posix
def test_a_folder_that_may_not_be_written_to(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may be, and is, without anything beside it; where that fails in the middle, it is as it was."""
    before, write = alone.stat(), os.write
    replace(str(alone), b"x" * 9000)
    assert alone.read_bytes() == b"x" * 9000
    assert alone.stat().st_ino == before.st_ino

    def broken(handle: int, data: bytes) -> int:
        if data.startswith(b"z"):
            write(handle, data[:100])
            raise OSError(errno.EIO, "Broken")
        return write(handle, data)

    monkeypatch.setattr(os, "write", broken)
    with pytest.raises(OSError, match="Broken"):
        replace(str(alone), b"z" * 8000)
    assert alone.read_bytes() == b"x" * 9000
    assert os.listdir(alone.parent) == [alone.name]


def fail(error: BaseException) -> int:
    """Raise, in an expression."""
    raise error


# --- mounts and full disks ----------------------------------------------------------------------------------------


@pytest.fixture
def within() -> Callable[..., subprocess.CompletedProcess[str]]:
    """``within(folder, "mount ...")`` runs ``init`` for a folder where these mounts are in place, in no other eyes."""
    tried = subprocess.run(["unshare", "-rm", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no namespaces for this user: {tried.stderr.strip()}")

    def run(folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
        command = f"'{sys.executable}' -m torch_auto init --for uv --project '{folder}'"
        script = " && ".join(
            [
                *commands,
                f"{{ {command}; code=$?; }}",
                f"ls -A '{folder}' && cat '{folder}/pyproject.toml'",
                "exit $code",
            ]
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            ["unshare", "-rm", "sh", "-c", script], env=environment, capture_output=True, text=True, check=False
        )

    return run


@linux
def test_a_file_that_is_mounted_alone(
    project: Path, tmp_path: Path, within: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """As `docker run -v ./pyproject.toml:/app/pyproject.toml` does: no other file can take its place."""
    real = tmp_path / "real.toml"
    real.write_text(PROJECT, "utf-8")
    done = within(project.parent, f"mount --bind '{real}' '{project}'")
    assert (done.returncode, done.stderr) == (0, "")
    assert "pytorch-torch" in real.read_text("utf-8")
    assert project.read_text("utf-8") == PROJECT
    assert os.listdir(project.parent) == ["pyproject.toml"]


@linux
@pytest.mark.parametrize("linked", [False, True])
def test_a_full_disk(project: Path, within: Callable[..., subprocess.CompletedProcess[str]], linked: bool) -> None:
    """There is no room for a new file, nor for more of the old one: it is as it was, and alone."""
    folder = project.parent
    mounts = [f"mount -t tmpfs -o size=16k none '{folder}'", f"printf '%s' '{PROJECT}' > '{project}'"]
    if linked:
        mounts += [f"mkdir '{folder}/x' && ln '{project}' '{folder}/x/other'"]
    mounts += [f"mkdir -p '{folder}/x' && ! cat /dev/zero > '{folder}/x/fill' 2>/dev/null"]
    done = within(folder, *mounts)
    assert done.returncode == 2, done.stderr
    assert done.stderr == f"torch-auto: error: {project}: No space left on device\n"
    assert done.stdout == f"pyproject.toml\nx\n{PROJECT}"


@posix
@pytest.mark.parametrize("linked", [False, True])
def test_files_that_may_not_grow(project: Path, tmp_path: Path, linked: bool) -> None:
    """`ulimit -f` stops a write in the middle: what was written goes, and the file is as it was."""
    if linked:
        os.link(project, tmp_path / "other")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
        "from torch_auto.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "init", "--for", "uv", "--project", str(project.parent)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"torch-auto: error: {project}: File too large\n")
    assert project.read_text("utf-8") == PROJECT
    assert os.listdir(project.parent) == ["pyproject.toml"]


# --- ended in the middle ------------------------------------------------------------------------------------------

#: Shorter, longer, of the same length, and with nothing.
CHANGES = [(b"a" * 50, b"b" * 90), (b"a" * 90, b"b" * 50), (b"abab" * 20, b"aabb" * 20), (b"", b"b"), (b"a", b"")]


@posix
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_killed_at_any_step(tmp_path: Path, before: bytes, after: bytes, linked: bool) -> None:
    """Killed before and in the middle of each call that changes something: the next reader meets one or the other."""
    path, steps = tmp_path / "file", 0
    path.write_bytes(before)
    if linked:
        os.link(path, tmp_path / "other")
    while True:
        with open(path, "r+b") as file:
            file.truncate()
            file.write(before)
        child = os.fork()
        if child == 0:
            die_at(steps)
            replace(str(path), after)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert content_of(str(path)) in (before, after)
        assert not (tmp_path / ".torch-auto-file").exists()
        if status == 0:
            break
        steps += 1
    assert steps >= (6 if linked else 3)
    assert path.read_bytes() == after


def die_at(step: int) -> None:
    """End this process for good at a step: a call that changes a file, or the half of a write."""
    left = [step]

    def dying(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            if left[0] == 0:
                os._exit(1)
            if left[0] == 1 and function is write:
                handle, data = arguments
                write(handle, data[: len(data) // 2])  # type: ignore[index, arg-type]
                os._exit(1)
            left[0] -= 2 if function is write else 1
            return function(*arguments, **named)

        return call

    write = os.write
    for module, name in (
        (os, "write"),
        (os, "ftruncate"),
        (os, "unlink"),
        (os, "replace"),
        (os, "chmod"),
        (tempfile, "mkstemp"),
    ):
        setattr(module, name, dying(getattr(module, name)))


@posix
def test_what_was_changed_since_stays(tmp_path: Path) -> None:
    """A note is no reason to put back a file that its user has repaired, or one that is another's."""
    path, note = tmp_path / "file", tmp_path / ".torch-auto-file"
    path.write_bytes(b"repaired by hand\n")
    note.write_text('{"before": "first\\n", "after": "second\\n"}', "utf-8")
    assert content_of(str(path)) == b"repaired by hand\n"
    assert not note.exists()
    for damaged in ("", "{", "[]", '{"before": 1, "after": 2}', '{"before": "x"}', "[" * 5000):
        note.write_text(damaged, "utf-8")
        assert content_of(str(path)) == b"repaired by hand\n"
        assert not note.exists()


@posix
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_note_is_left_alone(tmp_path: Path, kind: str) -> None:
    """A link to somewhere else, a pipe or a folder by the name of a note: nothing is done with it, and nobody waits."""
    path, note, other = tmp_path / "file", tmp_path / ".torch-auto-file", tmp_path / "other"
    path.write_bytes(b"text")
    os.link(path, tmp_path / "second")
    other.write_text('{"before": "", "after": "text"}', "utf-8")
    make: dict[str, Callable[[], None]] = {
        "link": lambda: note.symlink_to(other),
        "pipe": lambda: os.mkfifo(note),
        "folder": note.mkdir,
    }
    make[kind]()
    assert content_of(str(path)) == b"text"
    replace(str(path), b"other text")
    assert content_of(str(path)) == b"other text"
    assert other.read_text("utf-8") == '{"before": "", "after": "text"}'
    assert os.path.lexists(note)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root alone gives files away")
def test_a_note_of_somebody_else(tmp_path: Path) -> None:
    """In a folder that others may write to, a note of theirs puts nothing into a file of ours."""
    path, note = tmp_path / "file", tmp_path / ".torch-auto-file"
    path.write_bytes(b"text")
    note.write_text('{"before": "evil", "after": "text"}', "utf-8")
    note.write_text(json.dumps({"before": "evil", "after": "tex."}), "utf-8")
    os.chown(note, NOBODY, NOBODY)
    assert content_of(str(path)) == b"text"


# --- what another program does meanwhile --------------------------------------------------------------------------


def test_another_program_wrote_it_meanwhile(project: Path) -> None:
    """An editor saved it after it was read: that stays, and it is said."""
    change = Change()
    text = change.text(str(project))
    text.after += "# ours\n"
    project.write_text("# theirs\n", "utf-8")
    with pytest.raises(Exception, match="was changed by another program meanwhile"):
        change.write()
    assert project.read_text("utf-8") == "# theirs\n"


def test_of_several_files_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two cannot be written: the first is as it was."""
    first, second = tmp_path / "first", tmp_path / "second"
    change = Change()
    for path in (first, second):
        path.write_text("before", "utf-8")
        change.text(str(path)).after = "after"
    monkeypatch.setattr(
        "torch_auto.cli.project.files.replace",
        lambda path, content: (
            fail(OSError(errno.ENOSPC, "full", path)) if path == str(second) else replace(path, content)
        ),
    )
    with pytest.raises(OSError, match="full"):
        change.write()
    assert [first.read_text("utf-8"), second.read_text("utf-8")] == ["before", "before"]


# --- what is not a file -------------------------------------------------------------------------------------------


def pipe(path: str) -> None:
    """Windows has none with a name."""
    os.mkfifo(path)


KINDS: dict[str, tuple[Callable[[str], None], str]] = {
    "a pipe": (pipe, "it is a pipe or a device, not a file"),
    "a folder": (os.mkdir, "Is a directory"),
    "a link to itself": (lambda path: os.symlink(path, path), "Too many levels of symbolic links"),
    "a link to a device": (lambda path: os.symlink("/dev/zero", path), "it is a pipe or a device, not a file"),
    "a link to nowhere": (lambda path: os.symlink("/nowhere/x", path), "No such file or directory"),
}

VERBS = {
    "pyproject.toml": ["init", "--for", "uv"],
    "uv.toml": ["init", "--for", "uv"],
    "requirements.txt": ["init", "--for", "pip"],
    "train.py": ["init", "--script"],
}


@posix
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("name", list(VERBS))
def test_what_is_not_a_file(tmp_path: Path, name: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said at once, by its name; a pipe hung for good, and a folder was taken for nothing at all."""
    make, words = KINDS[kind]
    path = tmp_path / name
    make(str(path))
    if name == "uv.toml":
        (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    there = sorted(os.listdir(tmp_path))
    where = [str(path)] if name == "train.py" else ["--project", str(tmp_path)]
    assert main([*VERBS[name], *where]) == 2
    assert capsys.readouterr().err == f"torch-auto: error: {path}: {words}\n"
    assert sorted(os.listdir(tmp_path)) == there
