"""The JSON form of a machine: what ``torch-auto info --json`` prints, and a build's record holds.

``docs/schemas/machine.schema.json`` describes it; :mod:`torch_auto.machine_file` reads it.
"""

from __future__ import annotations

from torch_auto.machine import CPYTHON, format_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch_auto.machine import Accelerator, Device, Machine

#: Version of the JSON form. It changes when a reader of the old form would be wrong about the new one.
FORMAT_VERSION = 1


def _without_defaults(items: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing: None, False, and an empty name."""
    return {key: value for key, value in items.items() if value not in (None, False, "")}


def device_to_json(device: Device) -> dict[str, Any]:
    """The JSON form of a GPU: what is known of it."""
    capability = device.compute_capability
    return _without_defaults(
        {
            "name": device.name,
            "compute_capability": format_pair(capability) if capability is not None else None,
            "gfx_target": device.gfx_target,
            "pci_id": device.pci_id,
            "integrated": device.integrated,
            "driver": device.driver,
        }
    )


def _accelerator_to_json(accelerator: Accelerator) -> dict[str, Any]:
    cuda = accelerator.cuda_driver_version
    items = {
        "vendor": accelerator.vendor,
        "driver_version": accelerator.driver_version,
        "cuda_driver_version": format_pair(cuda) if cuda is not None else None,
        "driver_loaded": accelerator.driver_loaded,
        "lacks": accelerator.lacks,
    }
    return {**_without_defaults(items), "devices": [device_to_json(device) for device in accelerator.devices]}


def machine_to_json(machine: Machine) -> dict[str, Any]:
    """The JSON form of a machine, as a dict that the reader reads back to an equal Machine."""
    return {
        "version": FORMAT_VERSION,
        "system": machine.system,
        "architecture": machine.architecture,
        "libc": machine.libc,
        "python": machine.python,
        **_without_defaults(
            {
                "system_version": machine.system_version,
                "implementation": machine.implementation if machine.implementation != CPYTHON else None,
            }
        ),
        "accelerators": [_accelerator_to_json(item) for item in machine.accelerators],
        "evidence": [
            {"source": item.source, "outcome": item.outcome, "detail": item.detail} for item in machine.evidence
        ],
    }
