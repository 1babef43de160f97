"""A Slurm cluster on this machine, of Debian's packages: a login node with the controller, and a node per machine."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from support import frontends
from support.frontends import Finished, Sandbox

from clusters.nodes import Node, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from support.torch_index import TorchIndex

_PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "sinfo")
_SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_TIMEOUT = 900.0


def why_not() -> str | None:
    """Why this machine cannot have a Slurm cluster, or None."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_SYSTEM) is None]
    if missing:
        packages = "apt install slurmctld slurmd slurm-client munge"
        return f"Slurm is not installed, {', '.join(missing)} are missing: {packages}"
    return None if os.geteuid() == 0 else "Slurm's daemons are started by root"


class SlurmCluster:
    """Nodes by name, and one home that all of them see. Commands run on the login node, which has no GPU."""

    def __init__(self, folder: Path, index: TorchIndex, kinds: Mapping[str, Mapping[str, str]]) -> None:
        self._folder = folder
        self._sandbox = Sandbox(folder / "shared", index)
        self._kinds = dict(kinds)
        self._prolog = folder / "prolog"  # on each node another file lies over it
        self.nodes: dict[str, Node] = {}
        self.login = self._node("login", {})
        self.home = self._sandbox.root / "home"

    def _node(self, name: str, variables: Mapping[str, str]) -> Node:
        """A node whose tasks have these variables, and none of those of the node that they were started from."""
        every = sorted({key for kind in self._kinds.values() for key in kind})
        lines = [f"export {key}={variables[key]}" if key in variables else f"unset {key}" for key in every]
        file = self._folder / f"prolog-{name}"
        file.write_text("\n".join(["#!/bin/sh", "cat <<'END'", *lines, "END", ""]), "utf-8")
        file.chmod(0o755)
        self._prolog.touch()
        environment = self._sandbox.environment
        for of_tests in ("TMPDIR", "TEMP", "TMP", "UV_PYTHON", "UV_CACHE_DIR"):
            environment.pop(of_tests)  # /tmp is a node's own, and uv's cache in the home that all see
        uv = frontends.uv().executable.parent
        environment.update(
            TORCH_AUTO_INDEX_URL=self._sandbox.index.whl,
            SLURM_CONF=str(self._folder / "slurm.conf"),
            PATH=os.pathsep.join([str(uv), str(self._sandbox.python.parent), _SYSTEM]),
            USER="ada",
            # uv's cache is where a user's is: in the home, which all nodes share.
            XDG_CACHE_HOME=str(self._sandbox.root / "home/.cache"),
        )
        return Node(name, self._folder / name, environment, [f"mount --bind {file} {self._prolog}"])

    def start(self) -> None:
        """Start the daemons, and wait until all nodes can be used."""
        folder = self._folder
        ports = {name: free_port() for name in self._kinds}
        settings = {
            "ClusterName": "tests",
            "SlurmctldHost": "login(127.0.0.1)",
            "SlurmctldPort": free_port(),
            "SlurmUser": "root",
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={folder}/munge.socket",
            "StateSaveLocation": folder / "state",
            "SlurmctldPidFile": folder / "slurmctld.pid",
            "SlurmdPidFile": folder / "slurmd-%n.pid",
            "SlurmdSpoolDir": folder / "spool-%n",
            "TaskProlog": self._prolog,
            "ProctrackType": "proctrack/linuxproc",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core",
            # What a loaded machine needs: a task, a node or the controller may take long to answer.
            "MessageTimeout": 100,
            "SlurmdTimeout": 0,
            "BatchStartTimeout": 300,
            "TCPTimeout": 60,
            "SlurmdParameters": "config_overrides",  # this machine may have fewer processors than they say
        }
        lines = [f"{key}={value}" for key, value in settings.items()]
        lines += [
            f"NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=100"
            for name, port in ports.items()
        ]
        lines.append(f"PartitionName=all Nodes={','.join(ports)} Default=YES MaxTime=INFINITE State=UP")
        (folder / "slurm.conf").write_text("\n".join([*lines, ""]), "utf-8")
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        munged = f"munged --force --key-file={key} --socket={folder}/munge.socket --pid-file={folder}/munged.pid"
        munged += f" --log-file={folder}/munged.log --seed-file={folder}/munged.seed"
        self.login.start(["sh", "-c", f"{munged} && exec slurmctld -D"])
        wait_for("munged listens", (folder / "munge.socket").exists)
        for name, variables in self._kinds.items():
            self.nodes[name] = self._node(name, variables)
            self.nodes[name].start(["slurmd", "-D", "-N", name])
        idle = {f"{name} idle" for name in self._kinds}
        wait_for("all nodes are idle", lambda: self._states() == idle)

    def _states(self) -> set[str]:
        assert self.login.runs, self.login.log.read_text("utf-8")
        done = self.run(["sinfo", "--noheader", "--Node", "--format=%N %T"], check=False)
        return {line.strip() for line in done.stdout.splitlines()}

    def stop(self) -> None:
        """End all nodes and daemons."""
        for node in (*self.nodes.values(), self.login):
            node.stop()

    def run(self, command: Sequence[str | Path], cwd: Path | None = None, *, check: bool = True) -> Finished:
        """Run a command on the login node."""
        emptied: dict[str, str | None] = dict.fromkeys(self._sandbox.environment)
        env = {**emptied, **self.login.environment}
        return self._sandbox.run(self.login.inside(command, cwd or self.home), env=env, timeout=_TIMEOUT, check=check)

    def shell(self, script: str, cwd: Path) -> Finished:
        """Run the lines of a script on the login node; it ends with the first that fails."""
        return self.run(["bash", "-euo", "pipefail", "-c", script], cwd=cwd)
