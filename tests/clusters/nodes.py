"""Several nodes on one machine: each a tree of processes in namespaces of its own.

A node has a name of its own, its own /tmp, and files of its own where others have theirs. Its processes have a process
namespace, so that what is in it ends with its first process, however the tests end.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_KINDS = ("--mount", "--uts", "--pid")
#: Seconds for what takes a few on an idle machine.
PATIENCE = 300.0


def _unshare() -> list[str]:
    # In a user namespace, who is not root may mount as well.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    with_the_tests = ["setpriv", "--pdeathsig", "KILL"]
    return [*with_the_tests, "unshare", *user, *_KINDS, "--fork", "--kill-child", "--mount-proc"]


@lru_cache(maxsize=None)
def why_not() -> str | None:
    """Why this machine cannot have nodes, or None."""
    if not sys.platform.startswith("linux"):
        return "nodes are made of Linux's namespaces"
    if None in map(shutil.which, ("unshare", "nsenter", "setpriv")):
        return "nodes need unshare, nsenter and setpriv (util-linux)"
    script = "mount --bind /var/tmp /tmp && hostname node"
    done = subprocess.run([*_unshare(), "sh", "-c", script], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"namespaces cannot be made here: {done.stderr.strip()}"


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(what: str, is_so: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it is not, in all that time.
    """
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end, f"not so after {patience:.0f} s: {what}"
        time.sleep(0.2)


class Node:
    """A node of this name. ``folder`` is its own; ``mounts`` are commands that mount more than its /tmp."""

    def __init__(
        self,
        name: str,
        folder: Path,
        environment: Mapping[str, str],
        mounts: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.folder = folder
        self.environment = dict(environment)
        own_tmp = folder / "own-tmp"
        own_tmp.mkdir(parents=True)
        self._mounts = [f"mount --bind {shlex.quote(str(own_tmp))} /tmp", *mounts]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What its first process has written."""
        return self.folder / "log"

    def start(self, command: Sequence[str | Path]) -> None:
        """Start the node's first process."""
        script = " && ".join([*self._mounts, f"hostname {shlex.quote(self.name)}", 'exec "$@"'])
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_unshare(), "sh", "-c", script, "sh", *map(str, command)],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the tests, which end it then
            )

    @property
    def runs(self) -> bool:
        """Whether its first process does."""
        return self._process is not None and self._process.poll() is None

    def inside(self, command: Sequence[str | Path], cwd: Path) -> list[str]:
        """The command that runs a command on this node, in a folder of it."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        wait_for("a process in the namespaces", lambda: bool(children.read_text("utf-8").split()))
        target = children.read_text("utf-8").split()[0]
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        # A process that enters a mount namespace is at its root.
        there = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(cwd), *map(str, command)]
        return ["nsenter", "--target", target, *user, *_KINDS, "--", *there]

    def stop(self) -> None:
        """End all of its processes: the kernel ends them with the first of their namespace."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
