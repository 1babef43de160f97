"""The machine: its devices in words, what torch can do with it, and what has changed since a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding, torch_of
from torch_auto.cli.render.machine import devices as devices_in_words
from torch_auto.machine_file import MachineError, machine_from_json
from torch_auto.newest import newest_usable
from torch_auto.select.explain import unsupported
from torch_auto.select.reach import reach_of
from torch_auto.select.runs_on import candidates
from torch_auto.select.words import sentence, sentences
from torch_auto.settings import EXACT

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.machine import Machine

#: What a user can change about a GPU that no torch runs on, by the kind of the fault.
_ADVICE = {
    "no-driver": (
        "machine.no-driver",
        (
            "Install NVIDIA's driver (nouveau is not enough; on Ubuntu: sudo ubuntu-drivers install; others: "
            "nvidia.com/drivers), restart, then run `{refresh}`."
        ),
    ),
    "driver-too-old": (
        "machine.old-driver",
        "Install a newer driver (nvidia.com/drivers), restart, then run `{refresh}`.",
    ),
}


def machine(situation: Situation) -> Finding:
    """What the machine needs, and whether torch can use its GPU at all: no setting makes a difference to that."""
    devices, settings = devices_in_words(situation.machine), situation.free
    newest = newest_usable(situation.machine, settings, situation.catalog, situation.extras)
    best = situation.plan_of(newest.with_pages, settings) if newest.with_pages is not None else None
    if best is None:
        last = situation.plan_of(situation.catalog.newest.version, settings)
        why = " ".join(sentences(last.selection.reasons)) if last is not None else ""
        text = f"{devices}: no release of torch can be used here. {why}".rstrip()
        return Finding("machine.no-release", "machine", FAIL, text)
    if candidates(situation.machine) and not best.selection.accelerated:
        return _unusable(situation)
    lacking = next((reason for reason in best.selection.reasons if reason.code == "lacks-library"), None)
    if lacking is not None:
        return Finding("machine.lacks-library", "machine", WARN, f"{devices}: {sentence(lacking)}")
    text = f"{devices}: the newest torch for it is {torch_of(best)}"
    # An exact pin comes with PyTorch's pages, so what PyPI alone has is no answer there.
    if newest.without_pages == newest.with_pages or situation.settings.pin == EXACT:
        return Finding("machine.ok", "machine", OK, f"{text}.")
    alone = f"torch {newest.without_pages}" if newest.without_pages else "none for it"
    return Finding("machine.ok", "machine", OK, f"{text}; PyPI alone has {alone}.")


def _unusable(situation: Situation) -> Finding:
    """A GPU that no torch uses here: with what would change that, or as it is."""
    found, catalog = situation.machine, situation.catalog
    reaches = ((item, reach_of(item, found, catalog).other_pythons) for item in candidates(found))
    device, others = next((pair for pair in reaches if pair[1]), (None, ()))
    if device is not None:
        text = f"torch cannot use the GPU. {sentence(unsupported(device, found, catalog, others))}"
        return Finding("machine.python", "machine", WARN, text)
    reasons = [unsupported(item, found, catalog, ()) for item in candidates(found)]
    for reason in reasons:
        why = reason["why"] if reason.code == "cannot-be-used" else None
        if why is not None and why.code in _ADVICE:
            code, advice = _ADVICE[why.code]
            text = f"torch cannot use the GPU. {sentence(reason)} {advice.format(refresh=situation.ours('refresh'))}"
            return Finding(code, "machine", WARN, text)
    text = f"torch uses the CPU here. {' '.join(sentences(reasons))}"
    return Finding("machine.unsupported", "machine", OK, text)


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
