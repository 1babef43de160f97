"""A job for Ray: some tasks on each of some nodes, and as its last line what they report. Ray's Python runs it."""

import json
import sys
import time

import ray


@ray.remote(num_cpus=0)
def report(folder, others):
    """What is installed for this task, after the others of this node have started too."""
    import os
    import warnings
    from importlib.metadata import PackageNotFoundError, version

    def version_of(name):
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    found = {name: version_of(name) for name in ("torch-auto", "torch-auto-core", "torch", "torchvision")}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if found["torch"]:
            import torch

            found["of_the_node"] = torch.__file__.startswith(sys.base_prefix)
    found["warnings"] = [str(item.message) for item in caught]
    found["prefix"], found["pid"] = sys.prefix, os.getpid()
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, str(os.getpid())), "w"):
        pass
    end = time.monotonic() + 600
    while len(os.listdir(folder)) < others and time.monotonic() < end:
        time.sleep(0.1)
    found["at_once"] = len(os.listdir(folder))
    return found


def main(asked):
    """Print {"found": {node: [report, ...]}, "errors": {node: text}, "seconds": ...}."""
    started = time.monotonic()
    ray.init(runtime_env=asked["runtime_env"], log_to_driver=False, logging_level="ERROR")
    folder, others = f"/tmp/job-{time.time()}", asked["tasks"] if asked["at_once"] else 1
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
    print()
    print(json.dumps({"found": found, "errors": errors, "seconds": round(time.monotonic() - started, 1)}))


main(json.loads(sys.argv[1]))
