"""Ray gives each node of a cluster its own torch, from one runtime environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.torch_index import TorchIndex

    from clusters.ray_cluster import RayCluster

pytestmark = pytest.mark.frontend


def test_one_runtime_environment_gives_each_node_its_torch(cluster: RayCluster) -> None:
    """With PyPI alone, `uv: [torch-auto]` is on each node the newest torch that PyPI has for it."""
    job = cluster.job({"uv": {"packages": ["torch-auto"]}})
    assert job.versions("torch-auto", "torch") == {
        "cpu": ("2.15.0", "2.15.0"),
        "a100": ("2.10.0", "2.10.0"),
        "h100": ("2.15.0", "2.15.0"),
        "p100": ("2.7.1", "2.7.1"),
    }
    assert [task["warnings"] for tasks in job.found.values() for task in tasks] == [[]] * 4
