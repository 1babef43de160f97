"""The record of a decision, which a wheel carries in its dist-info: the machine, what was decided for it, and why.

Its format is a contract: a wheel that one core built is read by another one, at import and by ``check``.
docs/maintaining/contract.md says what may change.
"""

from __future__ import annotations

import json

from torch_auto import __version__
from torch_auto.machine_json import device_to_json, machine_to_json
from torch_auto.pins.extras import beside
from torch_auto.select.reach import reach_of
from torch_auto.select.reasons import reason_to_json
from torch_auto.select.runs_on import candidates, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch_auto.catalog.model import Build, Catalog
    from torch_auto.decide import Decision, Plan
    from torch_auto.machine import Machine
    from torch_auto.pins.extras import Extra

#: The file's name in the dist-info folder, and the version of its format.
FILE = "torch_auto.json"
FORMAT_VERSION = 2


def extra_to_json(extra: Extra) -> dict[str, Any]:
    """What an extra asks for."""
    return {
        "project": extra.project,
        "version": extra.version,
        "torch_backend": extra.torch_backend,
        "needs": extra.needs,
        "public_allowed": extra.public_allowed,
        "requirements": list(extra.requirements),
        "pages": [extra.page],
        "reason": reason_to_json(extra.reason),
    }


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """What was decided; ``docs/schemas/plan.schema.json`` describes it."""
    selection = plan.selection
    device = selection.device
    return {
        "release": plan.release,
        "torch": selection.version if selection.needs is None else None,
        "group": plan.group,
        "platform": selection.platform,
        "torch_backend": selection.torch_backend,
        "local_version": selection.local_version,
        "needs": selection.needs,
        "accelerated": selection.accelerated,
        "device": {"vendor": device.vendor, **device_to_json(device.device)} if device is not None else None,
        "requirements": list(plan.requirements),
        "index_url": plan.index_url,
        "pages": list(plan.pages),
        "reasons": [reason_to_json(item) for item in plan.reasons],
        "rejected": [
            {"torch_backend": item.torch_backend, "reason": reason_to_json(item.reason)} for item in selection.rejected
        ],
        "extras": {item.name: extra_to_json(item) for item in plan.extras},
    }


def runs_on_gpu(release: str, machine: Machine, catalog: Catalog) -> tuple[str, ...]:
    """The versions of a release's builds that use the machine's most capable GPU, of those that any release serves.

    "2.5.1" is PyPI's build. What was asked for makes no difference; without such a GPU there are none. Builds that
    nobody has seen do not count: nothing else is to be had then, and to call it wrong would send for what is not there.
    """
    here = catalog.release(release).platforms.get(machine.platform or "")
    if here is None:
        return ()
    if machine.platform == "macos_arm64":
        return (release,)
    device = next((item for item in candidates(machine) if _served(item, machine, catalog)), None)
    if device is None:
        return ()

    def runs(build: Build | None) -> bool:
        return build is not None and build.seen and fault(build, device, machine, catalog) is None

    local = [f"{release}+{build.local_version}" for build in here.builds if build.local_version and runs(build)]
    return (*local, release) if runs(here.public) else tuple(local)


def _served(device: Any, machine: Machine, catalog: Catalog) -> bool:
    reach = reach_of(device, machine, catalog)
    return bool(reach.releases or reach.other_pythons)


def make_record(decision: Decision) -> dict[str, Any]:
    """The record of a wheel.

    ``accepted`` are the versions of torch that serve on this machine's platform, by Python; ``runs_on_gpu`` those of
    the release that use its GPU, accepted or not. They say what METADATA's requirements say, for programs that do not
    read markers. ``beside`` says which torchvision and torchaudio go with the release's torch.
    """
    plan, machine = decision.plan, decision.machine
    return {
        "version": FORMAT_VERSION,
        "core": __version__,
        "machine": machine_to_json(machine),
        "settings": {name: {"value": value, "origin": origin} for name, value, origin in decision.settings.given},
        "decided": plan_to_json(plan),
        "accepted": {python: list(versions) for python, versions in plan.accepted.items()},
        "runs_on_gpu": list(runs_on_gpu(plan.release, machine, decision.catalog)),
        "beside": beside(decision.catalog.release(plan.release), machine.platform, decision.catalog),
    }


def record_text(decision: Decision) -> str:
    """The record as a wheel has it."""
    return json.dumps(make_record(decision), indent=1) + "\n"
