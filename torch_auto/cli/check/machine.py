"""The machine: its devices in words, what torch can do with it, and what has changed since a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding, torch_of
from torch_auto.cli.render.machine import devices as devices_in_words
from torch_auto.machine_file import MachineError, machine_from_json
from torch_auto.select.runs_on import candidates
from torch_auto.select.words import sentence, sentences

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.machine import Machine


def machine(situation: Situation) -> Finding:
    """What the machine needs, and whether torch can use its GPU at all."""
    devices, newest = devices_in_words(situation.machine), situation.newest
    if newest.with_pages is None:
        last = situation.plan_of(situation.catalog.newest.version)
        why = " ".join(sentences(last.reasons)) if last is not None else ""
        return Finding("machine", FAIL, f"{devices}: no release of torch can be used here. {why}".rstrip())
    best = situation.plan_of(newest.with_pages)
    if best is None:  # it comes from the same catalog
        return Finding("machine", OK, devices)
    if candidates(situation.machine) and not best.selection.accelerated and situation.settings.backend == "auto":
        return Finding(
            "machine",
            WARN,
            f"torch cannot use the GPU. {sentence(best.selection.reasons[0])}{_advice(situation.machine)}",
        )
    lacking = [reason for reason in best.selection.reasons if reason.code == "lacks-library"]
    if lacking:
        return Finding("machine", WARN, f"{devices}: {sentence(lacking[0])}")
    if newest.without_pages == newest.with_pages:
        return Finding("machine", OK, f"{devices}: the newest torch for it is {torch_of(best)}.")
    alone = f"torch {newest.without_pages}" if newest.without_pages else "none"
    return Finding(
        "machine", OK, f"{devices}: the newest torch for it is {torch_of(best)}; on PyPI alone it is {alone}."
    )


def _advice(found: Machine) -> str:
    nvidia = found.nvidia
    if nvidia is None or nvidia.driver_version is not None or nvidia.cuda_driver_version is not None:
        return ""
    return (
        " Install NVIDIA's driver (nouveau is not enough; on Ubuntu: sudo ubuntu-drivers install; others: "
        "nvidia.com/drivers), restart, then run torch-auto refresh."
    )


def _accelerators(found: Machine) -> dict[str, list[str]]:
    return {
        item.vendor: [candidate.describe() for candidate in candidates(found) if candidate.vendor == item.vendor]
        for item in found.accelerators
    }


def changes_of(situation: Situation) -> str:
    """What is different between the machine that the wheel was built on and this one, in words."""
    try:
        then = machine_from_json(situation.record.get("machine"))
    except MachineError:
        return ""
    now = situation.machine
    found = []
    if then.platform != now.platform:
        found.append(f"{then.platform} then, {now.platform} now")
    if _accelerators(then) != _accelerators(now):
        found.append(f"{devices_in_words(then)} then, {devices_in_words(now)} now")
    elif then.nvidia is not None and now.nvidia is not None:
        before, after = then.nvidia.driver_version, now.nvidia.driver_version
        if before != after:
            found.append(f"driver {before or 'none'} then, {after or 'none'} now")
    if (then.libc, now.libc) != (None, None) and then.libc != now.libc:
        found.append(f"{then.libc or 'unknown libc'} then, {now.libc or 'unknown libc'} now")
    return "; ".join(found)
