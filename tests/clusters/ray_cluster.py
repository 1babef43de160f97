"""A Ray cluster on this machine: a node per kind of machine, and jobs that say what is installed on each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from support.cache import CACHE, key_of, machine_environment, made_once
from support.frontends import Finished, Sandbox

from clusters.nodes import PATIENCE, Node, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.torch_index import TorchIndex

JOB = Path(__file__).with_name("ray_job.py")
#: What a node has: Ray with the agent that makes runtime environments, and uv, which it would install otherwise.
_INSTALLED = ("ray[default]", "uv")
_TIMEOUT = 900.0


class Ray(NamedTuple):
    """Ray as PyPI has it: its Python, the folder of its wheels for projects that require Ray, and its version."""

    python: Path
    wheels: Path
    version: str


def ray() -> Ray:
    """Ray, downloaded and installed once.

    Raises:
        RuntimeError: it could not be; what pip said is in it.
    """
    folder = made_once("ray-node", key_of([_INSTALLED, sys.version, sys.base_prefix]), _install, CACHE)
    [wheel] = (folder / "wheels").glob("ray-*.whl")
    return Ray(folder / "python/bin/python3", folder / "wheels", wheel.name.split("-")[1])


def _install(folder: Path) -> None:
    """Ray in a Python that is no virtual environment, as Ray's images have it.

    From a virtual environment Ray copies the whole of it into each runtime environment, 8,000 files.
    """
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    python, wheels = folder / "python/bin/python3", folder / "wheels"
    python.parent.mkdir(parents=True)
    shutil.copy2(Path(sys.base_prefix, "bin", version), python)
    left_out = shutil.ignore_patterns("site-packages", "dist-packages", "test", "__pycache__", "EXTERNALLY-MANAGED")
    shutil.copytree(Path(sys.base_prefix, "lib", version), folder / "python/lib" / version, ignore=left_out)
    environment = machine_environment()
    for command in (
        ["-c", "import sys; assert sys.prefix == sys.base_prefix == sys.argv[1], sys.prefix", str(folder / "python")],
        ["-m", "ensurepip"],
        ["-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", str(wheels), *_INSTALLED],
        ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels), *_INSTALLED],
    ):
        done = subprocess.run(
            [str(python), *command], capture_output=True, text=True, timeout=1200, check=False, env=environment
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


class Job(NamedTuple):
    """What a job came to: on each node what its tasks reported, or the error; and the seconds until then."""

    found: dict[str, list[dict[str, Any]]]
    errors: dict[str, str]
    seconds: float

    def versions(self, *names: str) -> dict[str, tuple[Any, ...]]:
        """Of each node the versions of these distributions, which are the same in all of its tasks."""
        assert not self.errors, self.errors
        seen = {node: {tuple(task[name] for name in names) for task in tasks} for node, tasks in self.found.items()}
        assert all(len(versions) == 1 for versions in seen.values()), seen
        return {node: versions.pop() for node, versions in seen.items()}


class RayCluster:
    """Nodes by name. The first is the head, where jobs are started."""

    def __init__(self, folder: Path, index: TorchIndex, installed: Ray) -> None:
        self._folder, self._index, self._installed = folder, index, installed
        self._port = free_port()
        self.nodes: dict[str, Node] = {}

    def join(self, name: str, variables: Mapping[str, str], mounts: Sequence[str] = ()) -> None:
        """Add a node with these variables, and wait until the cluster has it. ``mounts`` are as for :class:`Node`."""
        python = self._installed.python
        folder = self._folder / name
        sandbox = Sandbox(folder, self._index)
        environment = {
            **sandbox.environment,
            **variables,
            "PATH": os.pathsep.join([str(python.parent), "/usr/bin", "/bin"]),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_memory_monitor_refresh_ms": "0",  # what others on this machine need is no reason to end a task
            "RAY_worker_register_timeout_seconds": "120",
            "RAY_raylet_start_wait_time_s": "300",
            # An environment holds a copy of Ray's; those that no job uses any more go at a gigabyte.
            "RAY_RUNTIME_ENV_UV_CACHE_SIZE_GB": "1",
            "RAY_RUNTIME_ENV_PIP_CACHE_SIZE_GB": "1",
        }
        for name_of_tests in ("TMPDIR", "TEMP", "TMP", "UV_PYTHON"):
            environment.pop(name_of_tests)  # /tmp is the node's own; UV_PYTHON would send `uv pip install` past Ray
        node = Node(name, folder, environment, mounts)
        # 127.0.0.1 is taken for "find out the address", which others could reach.
        address = f"127.0.0.{len(self.nodes) + 2}"
        where = [
            "--head",
            f"--port={self._port}",
            "--include-dashboard=false",
            f"--ray-client-server-port={free_port()}",
        ]
        if self.nodes:
            where = [f"--address=127.0.0.2:{self._port}"]
        options = [f"--node-ip-address={address}", "--min-worker-port=0", "--max-worker-port=0", "--num-cpus=1"]
        options += ["--object-store-memory=100000000", "--resources", json.dumps({name: 1000})]
        ray_start = [str(python), "-m", "ray.scripts.scripts", "start", "--disable-usage-stats", "--block"]
        node.start([*ray_start, *where, *options])
        self.nodes[name] = node
        wait_for(
            f"{name} has started", lambda: "Ray runtime started" in self._said(node) or not node.runs, patience=PATIENCE
        )
        assert node.runs, self._said(node)

    @staticmethod
    def _said(node: Node) -> str:
        return node.log.read_text("utf-8", "replace")

    def leave(self, name: str) -> None:
        """Take a node away, and wait until the cluster knows."""
        self.nodes.pop(name).stop()
        script = "import ray; ray.init(log_to_driver=False); print(sum(node['Alive'] for node in ray.nodes()))"

        def known() -> bool:
            said = self.run([self._installed.python, "-c", script]).stdout.split()
            return said[-1:] == [str(len(self.nodes))]

        wait_for(f"{name} has left", known)

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes.values():
            node.stop()

    def run(self, command: Sequence[str | Path], cwd: Path | None = None, **variables: str) -> Finished:
        """Run a command on the head, which may end as it likes."""
        head = next(iter(self.nodes.values()))
        environment = {**head.environment, "RAY_ADDRESS": f"127.0.0.2:{self._port}", **variables}
        sandbox = Sandbox(head.folder, self._index)
        emptied: dict[str, str | None] = dict.fromkeys(sandbox.environment)
        return sandbox.run(
            head.inside(command, cwd or head.folder), env={**emptied, **environment}, timeout=_TIMEOUT, check=False
        )

    def job(self, runtime_env: Mapping[str, Any], *names: str, tasks: int = 1, at_once: bool = False) -> Job:
        """Run a job with this runtime environment on these nodes, or all: some tasks on each, and what they report.

        ``at_once`` holds each task until all of its node's run.
        """
        asked = {"runtime_env": runtime_env, "nodes": names or [*self.nodes], "tasks": tasks, "at_once": at_once}
        return self.job_of([self._installed.python, JOB], asked)

    def job_of(
        self, command: Sequence[str | Path], asked: Mapping[str, Any], cwd: Path | None = None, **variables: str
    ) -> Job:
        """The same of a job that is started by another command."""
        answer = self._folder / "answer.json"
        answer.unlink(missing_ok=True)
        done = self.run([*command, json.dumps({**asked, "answer": str(answer)})], cwd, **variables)
        assert done.returncode == 0, done
        found = json.loads(answer.read_text("utf-8"))
        return Job(found["found"], found["errors"], found["seconds"])
