"""A job for Ray: some tasks on each of some nodes, and a file with what they report. Ray's Python runs it."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import ray  # type: ignore[import-not-found]


@ray.remote(num_cpus=0)  # type: ignore[untyped-decorator]
def report(folder: str, others: int) -> dict[str, Any]:
    """What is installed for this task, after the others of this node have started too."""
    import warnings  # noqa: PLC0415  # a worker imports what is in the task
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    def version_of(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    found: dict[str, Any] = {
        name: version_of(name) for name in ("torch-auto", "torch-auto-core", "torch", "torchvision")
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if found["torch"]:
            import torch  # type: ignore[import-not-found]  # noqa: PLC0415  # the environment's

            found["of_the_node"] = torch.__file__.startswith(sys.base_prefix)
    found["warnings"] = [str(item.message) for item in caught]
    found["prefix"], found["pid"] = sys.prefix, os.getpid()
    os.makedirs(folder, exist_ok=True)
    os.close(os.open(os.path.join(folder, str(os.getpid())), os.O_CREAT))
    end = time.monotonic() + 600
    while len(os.listdir(folder)) < others and time.monotonic() < end:
        time.sleep(0.1)
    found["at_once"] = len(os.listdir(folder))
    return found


def main(asked: dict[str, Any]) -> None:
    """Write {"found": {node: [report, ...]}, "errors": {node: text}, "seconds": ...}: Ray prints on stdout too."""
    started = time.monotonic()
    ray.init(runtime_env=asked["runtime_env"], log_to_driver=False, logging_level="ERROR")
    folder, others = f"/tmp/job-{time.time()}", asked["tasks"] if asked["at_once"] else 1  # noqa: S108  # each node has its own
    waiting = {
        node: [report.options(resources={node: 1}).remote(folder, others) for _ in range(asked["tasks"])]
        for node in asked["nodes"]
    }
    found, errors = {}, {}
    for node, tasks in waiting.items():
        try:
            found[node] = ray.get(tasks)
        except ray.exceptions.RayError as error:
            errors[node] = str(error)
    with open(asked["answer"], "w", encoding="utf-8") as file:
        json.dump({"found": found, "errors": errors, "seconds": round(time.monotonic() - started, 1)}, file)


main(json.loads(sys.argv[1]))
