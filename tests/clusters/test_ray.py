"""Ray gives each node of a cluster its own torch, from one runtime environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.frontends import Sandbox

from clusters.conftest import KINDS, variables_of
from clusters.docs_blocks import at_home, blocks_of, shown
from clusters.ray_cluster import JOB

if TYPE_CHECKING:
    from pathlib import Path

    from support.torch_index import TorchIndex

    from clusters.ray_cluster import Ray, RayCluster

pytestmark = pytest.mark.frontend

#: What PyPI alone has for each node, and what PyTorch's pages have (tests/frontends/test_main_job.py).
WITH_PYPI = {"cpu": "2.15.0", "a100": "2.10.0", "h100": "2.15.0", "p100": "2.7.1"}
WITH_PAGES = {"cpu": "2.15.0+cpu", "a100": "2.14.1+cu126", "h100": "2.15.0+cu132", "p100": "2.14.1+cu126"}
#: The torchvision of these torch releases: pytorch/vision's table, and the catalog's pairs.
VISION = {"2.15.0": "0.29.2", "2.14.1": "0.29.1"}


def both(torch: dict[str, str]) -> dict[str, tuple[str, str]]:
    """torch-auto's version beside torch's, for each node."""
    return {node: (version.partition("+")[0], version) for node, version in torch.items()}


def with_vision(torch: dict[str, str]) -> dict[str, tuple[str, str]]:
    """torch's version beside that of a torchvision of the same torch backend."""
    parts = {node: version.partition("+") for node, version in torch.items()}
    return {node: (torch[node], f"{VISION[release]}+{backend}") for node, (release, _, backend) in parts.items()}


def pages(index: TorchIndex) -> list[str]:
    """The lines of a list of packages that name PyTorch's pages."""
    return [f"--find-links {index.whl}/torch/", f"--find-links {index.whl}/torchvision/"]


def warnings_of(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [text for tasks in found.values() for task in tasks for text in task["warnings"]]


def test_one_runtime_environment_gives_each_node_its_torch(cluster: RayCluster) -> None:
    """With PyPI alone, ``uv`` installs on each node the newest torch that PyPI has for it, and Ray keeps it."""
    cold = cluster.job({"uv": {"packages": ["torch-auto"]}})
    assert cold.versions("torch-auto", "torch") == both(WITH_PYPI)
    assert warnings_of(cold.found) == []
    warm = cluster.job({"uv": {"packages": ["torch-auto"]}})
    assert warm.versions("torch", "prefix") == cold.versions("torch", "prefix")
    print(f"uv, PyPI alone: {cold.seconds} s cold, {warm.seconds} s warm")


def test_the_job_of_the_docs(cluster: RayCluster, cluster_index: TorchIndex, ray: Ray, scratch: Path) -> None:
    """The job of the docs, with PyTorch's pages, exact pins and torchvision, prints what the docs show."""
    script, printed = blocks_of("test_ray.py::test_the_job_of_the_docs")
    file = scratch / "job.py"
    file.write_text(at_home(script.text, cluster_index), "utf-8")
    done = cluster.run([ray.python, file])
    assert done.returncode == 0, done
    versions = with_vision(WITH_PAGES)
    expected = [" ".join([node, *both(WITH_PAGES)[node], versions[node][1]]) for node in WITH_PAGES]
    assert sorted(line.strip() for line in done.stdout.splitlines() if line.strip()) == sorted(expected)
    assert sorted(shown(printed)) == sorted(expected)
    print(f"uv, pages, exact pins and torchvision: {done.seconds:.1f} s with the start of the job")


def test_pip_does_the_same(cluster: RayCluster, cluster_index: TorchIndex) -> None:
    """``pip`` with the pages and the pin of the docs installs what ``uv`` does."""
    [block] = blocks_of("test_ray.py::test_pip_does_the_same")
    packages = json.loads(at_home(block.text, cluster_index))
    cold = cluster.job(packages)
    assert cold.versions("torch-auto", "torch") == both(WITH_PAGES)
    assert cold.versions("torch", "torchvision") == with_vision(WITH_PAGES)
    assert warnings_of(cold.found) == []
    warm = cluster.job(packages)
    assert warm.versions("torch", "prefix") == cold.versions("torch", "prefix")
    print(f"pip, pages, exact pins and torchvision: {cold.seconds} s cold, {warm.seconds} s warm")


def test_32_tasks_at_once_on_a_node(cluster: RayCluster, cluster_index: TorchIndex) -> None:
    """32 tasks that start at once on a node share one environment, which is made once."""
    runtime_env = {"uv": {"packages": [*pages(cluster_index)[:1], "torch-auto", "packaging"]}}
    cluster_index.reset_log()
    job = cluster.job(runtime_env, "h100", tasks=32, at_once=True)
    tasks = job.found["h100"]
    assert len({task["pid"] for task in tasks}) == 32
    assert max(task["at_once"] for task in tasks) == 32
    assert job.versions("torch") == {"h100": ("2.15.0+cu132",)}
    assert len({task["prefix"] for task in tasks}) == 1
    # Ray makes a job's environment on every node when the job starts, once on each.
    fetched = Counter(request.path for request in cluster_index.log if request.path.endswith(".tar.gz"))
    assert 0 < max(fetched.values()) <= len(cluster.nodes)
    print(f"32 tasks at once on a node: {job.seconds} s")


def test_pages_in_env_vars_are_not_part_of_what_ray_keeps(cluster: RayCluster, cluster_index: TorchIndex) -> None:
    """Ray knows an environment by its packages and options: pages in ``env_vars`` that come later change nothing."""
    packages = {"uv": {"packages": ["torch-auto", "tomli"]}}
    first = cluster.job(packages, "cpu")
    then = cluster.job({**packages, "env_vars": {"UV_FIND_LINKS": f"{cluster_index.whl}/torch/"}}, "cpu")
    assert (first.versions("torch"), then.versions("torch")) == ({"cpu": ("2.15.0",)}, {"cpu": ("2.15.0",)})
    said = cluster.job({"uv": {"packages": [*pages(cluster_index), "torch-auto", "tomli"]}}, "cpu")
    assert said.versions("torch") == {"cpu": ("2.15.0+cpu",)}


def test_pages_and_pins_on_the_nodes(cluster: RayCluster, cluster_index: TorchIndex) -> None:
    """A uv.toml on each node says pages and pins for every job."""
    [block] = blocks_of("test_ray.py::test_pages_and_pins_on_the_nodes")
    files = [cluster.nodes[name].folder / "home/config-dirs/uv/uv.toml" for name in ("cpu", "p100")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text(at_home(block.text, cluster_index), "utf-8")
    try:
        job = cluster.job({"uv": {"packages": ["torch-auto[vision]"]}}, "cpu", "p100")
    finally:
        for file in files:
            file.unlink()
    expected = with_vision(WITH_PAGES)
    assert job.versions("torch", "torchvision") == {name: expected[name] for name in ("cpu", "p100")}


def test_a_cache_that_nodes_share(cluster: RayCluster, cluster_index: TorchIndex, scratch: Path) -> None:
    """Ray gives uv ``--no-cache``, so nodes may share a home; options without it serve one node's build to another."""
    shared = {"UV_CACHE_DIR": str(scratch / "shared-home/.cache/uv")}
    for options, h100 in ((["--no-cache"], "2.15.0+cu132"), ([], "2.15.0+cpu")):
        uv = {"packages": [*pages(cluster_index)[:1], "torch-auto"], "uv_pip_install_options": options}
        found = [cluster.job({"uv": uv, "env_vars": shared}, name).versions("torch") for name in ("cpu", "h100")]
        assert found == [{"cpu": ("2.15.0+cpu",)}, {"h100": (h100,)}], options


def test_a_node_that_joins_later(cluster: RayCluster, cluster_index: TorchIndex) -> None:
    """A node that joins with an old driver gets an older torch, and a release it cannot run fails with the reason."""
    cluster.join("old", variables_of(("470.57.02", machines.A100)))
    try:
        packages = [*pages(cluster_index)[:1], "torch-auto"]
        job = cluster.job({"uv": {"packages": packages}}, "old", "h100")
        assert job.versions("torch") == {"old": ("2.7.1+cu118",), "h100": ("2.15.0+cu132",)}
        job = cluster.job({"uv": {"packages": [*packages[:-1], "torch-auto==2.15.0"]}}, "old", "h100")
        assert {node: [task["torch"] for task in tasks] for node, tasks in job.found.items()} == {
            "h100": ["2.15.0+cu132"]
        }
        assert "==2.15.0+needs.nvidia.driver.580" in job.errors["old"]
    finally:
        cluster.leave("old")


def test_asking_every_node_for_its_machine(
    cluster: RayCluster, cluster_index: TorchIndex, ray: Ray, scratch: Path
) -> None:
    """The script of the docs and ``plan --machine -`` say what serves all nodes, as the docs show."""
    script, commands = blocks_of("test_ray.py::test_asking_every_node_for_its_machine")
    file = scratch / "machines.py"
    file.write_text(at_home(script.text, cluster_index), "utf-8")
    done = cluster.run([ray.python, file])
    assert done.returncode == 0, done
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines() if line.strip())
    seen = {name: json.loads(text)["accelerators"] for name, text in found.items()}
    drivers = {name: accelerators[0]["driver_version"] if accelerators else None for name, accelerators in seen.items()}
    assert drivers == {name: kind and kind[0] for name, kind in KINDS.items()}
    assert commands.commands.splitlines() == ["python machines.py | torch-auto plan --machine -"]
    sandbox = Sandbox(scratch / "planner", cluster_index)
    uvx = ray.python.with_name("uvx")
    plan = subprocess.run(
        [uvx, "-q", "torch-auto-core", "plan", "--machine", "-"],
        input=done.stdout,
        capture_output=True,
        text=True,
        env=sandbox.environment,
        check=False,
    )
    assert plan.returncode == 0, plan
    lines = {line.strip() for line in plan.stdout.splitlines()}
    wanted = [line for line in shown(commands) if not line.startswith("$ ")]
    assert wanted
    assert [line for line in wanted if line.strip() not in lines] == [], plan.stdout


# --- an image that has torch already -----------------------------------------------------------------------------


def layer_with_torch(cluster_index: TorchIndex, ray: Ray, folder: Path) -> str:
    """What mounts PyPI's torch 2.10.0 over the packages of a node's Python, as an image has it."""
    sandbox = Sandbox(folder, cluster_index)
    upper, work = folder / "upper", folder / "work"
    work.mkdir(parents=True)
    pip: list[str | Path] = [ray.python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", upper]
    sandbox.run([*pip, "torch==2.10.0"])
    sites = sandbox.run([ray.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).stdout.strip()
    return f"mount -t overlay overlay -o lowerdir={sites},upperdir={upper},workdir={work} {sites}"


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_an_image_that_has_torch(
    cluster: RayCluster, cluster_index: TorchIndex, ray: Ray, scratch: Path, tool: str
) -> None:
    """pip keeps an image's torch on the nodes whose GPU it runs on; uv installs torch on every node."""
    nodes = {f"{tool}-{name}": KINDS[name] for name in ("a100", "p100")}
    try:
        for name, kind in nodes.items():
            layer = layer_with_torch(cluster_index, ray, scratch / f"layer-{name}")
            cluster.join(name, variables_of(kind), [layer])
        bare = cluster.job({}, *nodes)
        assert bare.versions("torch", "of_the_node") == dict.fromkeys(nodes, ("2.10.0", True))
        [block] = blocks_of("test_ray.py::test_an_image_that_has_torch")
        job = cluster.job({tool: json.loads(at_home(block.text, cluster_index))["pip"]}, *nodes)
        # pip takes the image's packages for installed; uv does not look below the environment that Ray makes.
        kept = ("2.10.0", True) if tool == "pip" else ("2.10.0+cu126", False)
        assert job.versions("torch", "of_the_node") == {
            f"{tool}-a100": kept,
            f"{tool}-p100": ("2.10.0+cu126", False),
        }
    finally:
        for name in nodes.keys() & cluster.nodes.keys():
            cluster.leave(name)


# --- a project with one lock -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(scratch: Path, cluster_index: TorchIndex, ray: Ray) -> Path:
    """A portable project for the four kinds of node, locked; it requires Ray, as whoever runs tasks in it has to."""
    sandbox = Sandbox(scratch / "laptop", cluster_index)
    version = subprocess.run(
        [ray.python, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    minor = version.rpartition(".")[0]
    folder = sandbox.project([f"ray=={ray.version}"], name="train", requires_python=f"=={minor}.*")
    (folder / ".python-version").write_text(f"{version}\n", "utf-8")
    uvx, uv = ray.python.with_name("uvx"), ray.python.with_name("uv")
    env = {"PATH": os.pathsep.join([str(uv.parent), sandbox.environment["PATH"]]), "UV_PYTHON": str(ray.python)}
    env["TORCH_AUTO_INDEX_URL"] = cluster_index.whl
    backends = ["--backends", "cpu,cu126,cu132", "--releases", "2.14.1"]
    sandbox.run([uvx, "-q", "torch-auto-core", "init", "--portable", *backends], cwd=folder, env=env)
    sandbox.run([uv, "lock"], cwd=folder, env=env)
    return folder


#: Which group of 2.14.1 each node gets of cpu, cu126 and cu132.
GROUPS = {"cpu": "2.14.1+cpu", "a100": "2.14.1+cu126", "h100": "2.14.1+cu132", "p100": "2.14.1+cu126"}


def test_one_lock_on_all_nodes(cluster: RayCluster, project: Path) -> None:
    """``py_executable`` with ``torch-auto run`` takes each node's group from the lock that travels with the job."""
    [block] = blocks_of("test_ray.py::test_one_lock_on_all_nodes")
    runtime_env = {**json.loads(block.text), "working_dir": str(project)}
    cold = cluster.job(runtime_env)
    assert cold.versions("torch") == {node: (torch,) for node, torch in GROUPS.items()}
    assert warnings_of(cold.found) == []
    warm = cluster.job(runtime_env)
    assert warm.versions("torch") == cold.versions("torch")
    print(f"one lock: {cold.seconds} s cold, {warm.seconds} s warm")


def test_uv_run_alone_takes_the_default_group(cluster: RayCluster, project: Path) -> None:
    """``uv run`` does not know of machines: every node has the CPU torch, and on a GPU node the import says so."""
    job = cluster.job({"py_executable": "uv run --locked python", "working_dir": str(project)}, "cpu", "h100")
    assert job.versions("torch") == {"cpu": ("2.14.1+cpu",), "h100": ("2.14.1+cpu",)}
    assert [bool(task["warnings"]) for node in ("cpu", "h100") for task in job.found[node]] == [False, True]


def test_a_driver_below_torch_auto_run(cluster: RayCluster, project: Path, ray: Ray) -> None:
    """Ray repeats the head's ``uv run`` with its group on every node, unless a variable turns that off."""
    asked = {"runtime_env": {}, "nodes": ["cpu", "h100"], "tasks": 1, "at_once": False}
    run: list[str | Path] = [ray.python.with_name("uvx"), "-q", "torch-auto-core", "run", "--locked", "python", JOB]
    found = cluster.job_of(run, asked, project).versions("torch")
    assert found == {"cpu": ("2.14.1+cpu",), "h100": ("2.14.1+cpu",)}
    [block] = blocks_of("test_ray.py::test_one_lock_on_all_nodes")
    asked["runtime_env"] = {**json.loads(block.text), "working_dir": str(project)}
    found = cluster.job_of(run, asked, project, RAY_ENABLE_UV_RUN_RUNTIME_ENV="0").versions("torch")
    assert found == {"cpu": ("2.14.1+cpu",), "h100": ("2.14.1+cu132",)}
