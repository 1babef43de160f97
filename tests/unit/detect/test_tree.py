"""Reading below a root is bounded, and leads nowhere outside of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from torch_auto.detect.log import Log, clean
from torch_auto.detect.tree import Tree
from unit.detect.trees import FOLDER, Link, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices as Linux has them")


def _outcomes(log: Log) -> list[tuple[str, str]]:
    return [(item.outcome, item.detail) for item in log.evidence]


def test_a_file_is_read_without_the_white_space_around_it(tmp_path: Path) -> None:
    """What the kernel ends with a line's end, or a device tree with a NUL, comes without it."""
    tree = Tree(str(write(tmp_path / "X", {"a": "550.54.14\n", "b": b"nvidia,tegra234\0", "c": b"\377"})))
    assert tree.read("/c") == "\ufffd"
    assert tree.read("/a") == "550.54.14"
    assert tree.read("/b") == "nvidia,tegra234"


def test_absent_and_unreadable_differ(tmp_path: Path) -> None:
    """A path that is not there is absent, one that is there and cannot be read is unreadable."""
    tree, log = Tree(str(write(tmp_path, {"folder": FOLDER, "file": ""}))), Log()
    assert tree.read("/nothing", log) is None
    assert tree.read("/file/below", log) is None
    assert tree.read("/folder", log) is None
    assert _outcomes(log) == [("absent", ""), ("absent", ""), ("unreadable", "not a regular file")]


def test_a_pipe_without_a_writer_does_not_block(tmp_path: Path) -> None:
    """A named pipe in a file's place is unreadable, at once."""
    os.mkfifo(tmp_path / "version")
    log = Log()
    assert Tree(str(tmp_path)).read("/version", log) is None
    assert _outcomes(log) == [("unreadable", "not a regular file")]


def test_a_device_that_never_ends_is_not_read(tmp_path: Path) -> None:
    """A live system's link to /dev/zero is unreadable."""
    (tmp_path / "version").symlink_to("/dev/zero")
    log = Log()
    assert Tree("/").read(str(tmp_path / "version"), log) is None
    assert _outcomes(log) == [("unreadable", "not a regular file")]


def test_of_a_huge_file_no_more_than_the_bound_is_read(tmp_path: Path) -> None:
    """A file of a gigabyte, sparse, comes as its first kilobytes."""
    with (tmp_path / "version").open("wb") as stream:
        stream.write(b"5" * 100)
        stream.truncate(1 << 30)
    data = Tree(str(tmp_path)).read_bytes("/version")
    assert data is not None
    assert len(data) == 16384


def test_a_folder_with_countless_names_is_listed_up_to_the_bound(tmp_path: Path) -> None:
    """No more than a few thousand names are taken of a folder."""
    for number in range(4106):
        (tmp_path / f"{number}").touch()
    assert len(Tree(str(tmp_path)).names("/")) == 4096


def test_a_captured_absolute_link_leads_to_where_it_led_on_its_machine(tmp_path: Path) -> None:
    """An absolute link below a root is followed below that root, however deep in a path it stands."""
    files = {
        "sys/firmware/base/compatible": "nvidia,tegra234",
        "proc/device-tree": Link("/sys/firmware/base"),
        "etc/version": Link("../../../../../proc/device-tree/compatible"),
    }
    tree = Tree(str(write(tmp_path / "tree", files)))
    assert tree.read("/proc/device-tree/compatible") == "nvidia,tegra234"
    assert tree.read("/etc/version") == "nvidia,tegra234"


def test_no_link_and_no_path_leads_out_of_the_root(tmp_path: Path) -> None:
    """A file outside is not read, whatever links and dots a captured tree holds."""
    (tmp_path / "secret").write_text("outside", encoding="utf-8")
    files = {"a": Link("../secret"), "b": Link(str(tmp_path / "secret")), "folder": Link("..")}
    tree = Tree(str(write(tmp_path / "tree", files)))
    for path in ("/a", "/b", "/../secret", "/folder/secret", "/folder/../../secret"):
        assert tree.read(path) is None
        assert not tree.exists(path)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """A circle of links is unreadable, in a file's place and in a folder's."""
    tree, log = Tree(str(write(tmp_path, {"a": Link("b"), "b": Link("a")}))), Log()
    assert tree.read("/a", log) is None
    assert tree.names("/b", log) == []
    assert [outcome for outcome, _ in _outcomes(log)] == ["unreadable", "unreadable"]
    assert not tree.exists("/a")


def test_no_more_links_are_followed_than_a_kernel_follows(tmp_path: Path) -> None:
    """40, as path_resolution(7) says; one more is a circle."""
    links = {f"{number}": Link(f"{number - 1}") for number in range(1, 42)}
    tree, log = Tree(str(write(tmp_path, {"0": "here", **links}))), Log()
    assert tree.read("/40", log) == "here"
    assert tree.read("/41", log) is None
    assert _outcomes(log) == [("unreadable", "too many links")]


def test_what_cannot_be_a_path_is_unreadable(tmp_path: Path) -> None:
    """A NUL in a name is told as Python tells it, and ends nothing."""
    for root in (str(tmp_path), "/"):
        tree, log = Tree(root), Log()
        assert tree.read("/a\0b", log) is None
        assert tree.names("/a\0b", log) == []
        assert tree.link("/a\0b/c") is None
        assert not tree.exists("/a\0b")
        assert [outcome for outcome, _ in _outcomes(log)] == ["unreadable"]


def test_a_folder_that_is_not_there_is_absent(tmp_path: Path) -> None:
    """So is one below a file; its names are none. The names of one that is there come in their order."""
    tree, log = Tree(str(write(tmp_path, {"file": "", "folder/b": "", "folder/c": "", "folder/a": ""}))), Log()
    assert [tree.names(path, log) for path in ("/nothing", "/file", "/folder")] == [[], [], ["a", "b", "c"]]
    assert _outcomes(log) == [("absent", ""), ("absent", "")]
    assert [item.source for item in log.evidence] == ["/nothing", "/file"]


def test_evidence_is_cut_where_it_is_too_long() -> None:
    """300 characters are kept, and what is longer ends with dots."""
    assert clean("x" * 300) == "x" * 300
    assert clean("x" * 301) == "x" * 297 + "..."
    assert clean("  a\n\tb\x1b ") == "a b?"


def test_the_last_name_of_a_link_tells_a_driver(tmp_path: Path) -> None:
    """A driver's name is that of what the link points to, whether or not that was captured."""
    tree = Tree(str(write(tmp_path, {"device/driver": Link("../../../bus/pci/drivers/nouveau"), "device/class": ""})))
    assert tree.link("/device/driver") == "nouveau"
    assert tree.link("/device/class") is None
    assert tree.link("/device/nothing") is None


def test_evidence_does_not_grow_without_end() -> None:
    """The same line twice is one, and there are never more than a bound of them."""
    log = Log()
    log.absent("/a")
    log.absent("/a")
    assert len(log.evidence) == 1
    for number in range(1000):
        log.absent(f"/{number}")
    assert len(log.evidence) == 200
