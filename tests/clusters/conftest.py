"""What the tests of clusters share: an index, a folder outside of /tmp, and the four kinds of node."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.torch_index import TorchIndex

from clusters import nodes, ray_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The nodes of each cluster, by name. The first is the head or the login node's kind.
KINDS: dict[str, Any] = {
    "cpu": machines.cpu(),
    "a100": machines.a100_550(),
    "h100": machines.h100_580(),
    "p100": machines.p100_580(),
}


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder that all nodes see, as they see a shared home: each has a /tmp of its own."""
    reason = nodes.why_not()
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
        for name, machine in KINDS.items():
            made.join(name, machine)
        yield made
    finally:
        made.stop()
