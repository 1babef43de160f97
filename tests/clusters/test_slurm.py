"""A batch script gives each node of a Slurm cluster its own torch, with a home that all of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clusters.conftest import KINDS
from clusters.docs_blocks import at_home, blocks_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.torch_index import TorchIndex

    from clusters.slurm_cluster import SlurmCluster

pytestmark = pytest.mark.frontend

#: What `init --portable` and the four machine files give each node.
WITH_LOCK = {"a100": "2.14.1+cu126", "cpu": "2.14.1+cpu", "h100": "2.14.1+cu126", "p100": "2.14.1+cu126"}
#: What each task prints: its node, torch, and what the import says.
TRAIN = """\
import os
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import torch
from importlib.metadata import version

print(os.environ["SLURMD_NODENAME"], version("torch"), len(caught))
"""


@pytest.fixture
def project(slurm: SlurmCluster, request: pytest.FixtureRequest) -> Callable[[], Path]:
    """A new project in the home that all nodes share, with a train.py."""

    def make() -> Path:
        folder: Path = slurm.home / request.node.name.partition("[")[0]
        folder.mkdir(parents=True)
        toml = '[project]\nname = "train"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = []\n'
        (folder / "pyproject.toml").write_text(toml, "utf-8")
        (folder / "train.py").write_text(TRAIN, "utf-8")
        return folder

    return make


def run_batch(slurm: SlurmCluster, folder: Path, script: str) -> tuple[list[str], int]:
    """What the tasks of a batch script printed, in order, and the seconds that it ran: sbatch looks every ten."""
    (folder / "train.sh").write_text(f"{script}\necho took $SECONDS\n", "utf-8")
    slurm.run(["sbatch", "--wait", "--output=train.out", "train.sh"], folder)
    lines = (folder / "train.out").read_text("utf-8").splitlines()
    assert lines[-1].startswith("took "), lines
    return sorted(line for line in lines if line.partition(" ")[0] in KINDS), int(lines[-1].split()[1])


def of_two_tasks(torch: dict[str, str]) -> list[str]:
    """What two tasks print on each node, where the import says nothing."""
    return [f"{node} {version} 0" for node, version in torch.items() for _ in range(2)]


def test_each_nodes_machine(slurm: SlurmCluster, project: Callable[[], Path]) -> None:
    """One srun writes a file for each node, and ``plan --machine`` on the login node reads the folder."""
    folder = project()
    [block] = blocks_of("test_slurm.py::test_each_nodes_machine")
    done = slurm.shell(block.commands, folder)
    assert sorted(path.name for path in (folder / "nodes").iterdir()) == [
        f"{name}.json" for name in sorted(slurm.nodes)
    ]
    printed = {line.strip() for line in done.stdout.splitlines()}
    wanted = [line for line in shown(block) if not line.startswith("$ ")]
    assert wanted, done
    assert [line for line in wanted if line.strip() not in printed] == [], done
    here = slurm.run(["uvx", "-q", "torch-auto-core", "plan"], folder)
    assert "+cpu" in here.stdout.splitlines()[0], here


def test_a_batch_script_with_one_lock(slurm: SlurmCluster, project: Callable[[], Path]) -> None:
    """The first task of each node syncs this node's group of the lock, and all of its tasks run with that torch."""
    folder = project()
    [ask] = blocks_of("test_slurm.py::test_each_nodes_machine")
    lock, batch = blocks_of("test_slurm.py::test_a_batch_script_with_one_lock")
    slurm.shell(ask.commands + "\n" + lock.commands, folder)
    runs = [run_batch(slurm, folder, batch.text) for _ in range(2)]
    assert [lines for lines, _ in runs] == [of_two_tasks(WITH_LOCK)] * 2
    print(f"Slurm, one lock: {runs[0][1]} s cold, {runs[1][1]} s warm")


def test_a_batch_script_without_a_lock(
    slurm: SlurmCluster, project: Callable[[], Path], cluster_index: TorchIndex
) -> None:
    """With a cache of each node's own, every node builds torch-auto itself, and has its own torch."""
    folder = project()
    [batch] = blocks_of("test_slurm.py::test_a_batch_script_without_a_lock")
    torch = {"a100": "2.14.1+cu126", "cpu": "2.15.0+cpu", "h100": "2.15.0+cu132", "p100": "2.14.1+cu126"}
    runs = [run_batch(slurm, folder, at_home(batch.text, cluster_index)) for _ in range(2)]
    assert [lines for lines, _ in runs] == [of_two_tasks(torch)] * 2
    print(f"Slurm, no lock: {runs[0][1]} s cold, {runs[1][1]} s warm")


def test_a_cache_in_a_shared_home(slurm: SlurmCluster, project: Callable[[], Path], cluster_index: TorchIndex) -> None:
    """A torch-auto that one node has built is served to the others from the home's cache; a refresh does not help."""
    folder = project()
    found: list[list[str]] = []
    for node, option in (("a100", ""), ("h100", ""), ("h100", "--refresh-package torch-auto"), ("h100", "--no-cache")):
        script = (
            f"venv=/tmp/venv-{len(found)}; uv venv -q $venv; "
            f"uv pip install -q {option} --find-links {cluster_index.find_links} --python $venv torch-auto; "
            "$venv/bin/python train.py"
        )
        found.append(slurm.run(["srun", "-w", node, "bash", "-ec", script], folder).stdout.split()[:2])
    assert found == [["a100", "2.14.1+cu126"], *[["h100", "2.14.1+cu126"]] * 2, ["h100", "2.15.0+cu132"]]


def test_nodes_without_a_network(slurm: SlurmCluster, project: Callable[[], Path]) -> None:
    """The login node fills the cache with each torch backend of the lock, and the nodes sync offline."""
    folder = project()
    [ask] = blocks_of("test_slurm.py::test_each_nodes_machine")
    lock, batch = blocks_of("test_slurm.py::test_a_batch_script_with_one_lock")
    [fill] = blocks_of("test_slurm.py::test_nodes_without_a_network")
    cache = f"export UV_CACHE_DIR={folder}/cache"  # nothing is in it but what this test puts there
    slurm.shell(f"{cache}\n{ask.commands}\n{lock.commands}\n{fill.commands}", folder)
    script = batch.text.replace("export ", f"{cache} UV_OFFLINE=1\nexport ", 1)
    lines, _ = run_batch(slurm, folder, script)
    assert lines == of_two_tasks(WITH_LOCK)
