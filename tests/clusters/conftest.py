"""What the tests of clusters share: an index, a folder outside of /tmp, and the four kinds of node."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import fake_nvml, machines
from support.torch_index import TorchIndex

from clusters import nodes, ray_cluster, slurm_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Driver version and GPU of each node, by its name; the first is Ray's head.
KINDS: dict[str, tuple[str, tuple[str, str]] | None] = {
    "cpu": None,
    "a100": ("550.54.14", machines.A100),
    "h100": ("580.65.06", machines.H100),
    "p100": ("580.65.06", machines.P100),
}


def variables_of(kind: tuple[str, tuple[str, str]] | None) -> dict[str, str]:
    """The variables under which NVML reports this driver and GPU: what detection finds out then is real."""
    if kind is None:
        return {}
    driver, device = kind
    return fake_nvml.env(driver, machines.DRIVERS[driver], [device])


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder that all nodes see, as they see a shared home: each has a /tmp of its own."""
    reason = nodes.why_not() or fake_nvml.why_not()
    if reason is not None:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="torch-auto-clusters-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster_index(wheelhouse: Path, dists: Path) -> Iterator[TorchIndex]:
    """Both indexes, with what we publish."""
    with TorchIndex(wheelhouse=wheelhouse, dists=dists) as index:
        yield index


@pytest.fixture(scope="session")
def ray(cluster_index: TorchIndex) -> ray_cluster.Ray:
    """Ray, which the index has then too."""
    installed = ray_cluster.ray()
    cluster_index.add(installed.wheels)
    return installed


@pytest.fixture(scope="session")
def cluster(scratch: Path, cluster_index: TorchIndex, ray: ray_cluster.Ray) -> Iterator[ray_cluster.RayCluster]:
    """A Ray cluster with a node of each kind."""
    made = ray_cluster.RayCluster(scratch / "ray", cluster_index, ray)
    try:
        for name, kind in KINDS.items():
            made.join(name, variables_of(kind))
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def slurm(scratch: Path, cluster_index: TorchIndex) -> Iterator[slurm_cluster.SlurmCluster]:
    """A Slurm cluster with a node of each kind, and a login node without a GPU."""
    reason = slurm_cluster.why_not()
    if reason is not None:
        pytest.skip(reason)
    (scratch / "slurm").mkdir()
    nodes_variables = {name: variables_of(kind) for name, kind in KINDS.items()}
    made = slurm_cluster.SlurmCluster(scratch / "slurm", cluster_index, nodes_variables)
    try:
        made.start()
        yield made
    finally:
        made.stop()
