"""METADATA from an unpacked sdist, without hatchling."""

from __future__ import annotations

import os

from torch_auto import catalog, settings
from torch_auto.distribution import wheel_metadata
from torch_auto.plan import machine_for, make_plan, torch_release
from torch_auto.uv_flag import refuse_another


def prepare(pkg_info_path: str, metadata_directory: str) -> str:
    """Write the dist-info folder with the wheel's METADATA; returns the folder's name.

    Raises:
        SettingsError: a setting of the user's is wrong.
        ValueError: the PKG-INFO is not one of ours.
    """
    with open(pkg_info_path, encoding="utf-8", newline="") as file:
        pkg_info = file.read()
    version = next((line[len("Version: ") :] for line in pkg_info.split("\n") if line.startswith("Version: ")), "")
    known = catalog.load()
    chosen = settings.read(known)
    plan = make_plan(known.release(torch_release(version)), machine_for(chosen), chosen, known)
    refuse_another(plan, os.getppid())
    name = f"torch_auto-{version}.dist-info"
    directory = os.path.join(metadata_directory, name)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "METADATA"), "w", encoding="utf-8", newline="") as file:
        file.write(wheel_metadata(pkg_info, plan))
    return name
