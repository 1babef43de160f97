"""A wheel from a published sdist, whose PKG-INFO says everything but what depends on the machine."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def prepare(metadata_directory: str, config: Mapping[str, Any]) -> str:
    """Write the dist-info folder with the wheel's METADATA and record; returns the folder's name.

    PEP 517 runs hooks with the unpacked sdist as the current directory.

    Raises:
        SettingsError: a setting of the user's is wrong.
        ValueError: the PKG-INFO is not one of ours.
    """
    from torch_auto import record  # noqa: PLC0415  # a wheel of what was prepared needs none of it
    from torch_auto.decide import decide_here  # noqa: PLC0415
    from torch_auto.metadata import version_of, wheel_metadata  # noqa: PLC0415

    with open("PKG-INFO", encoding="utf-8", newline="") as file:
        pkg_info = file.read()
    version = version_of(pkg_info)
    decision = decide_here(version, config)
    name = f"torch_auto-{version}.dist-info"
    directory = os.path.join(metadata_directory, name)
    os.makedirs(directory, exist_ok=True)
    _write(directory, "METADATA", wheel_metadata(pkg_info, decision.plan))
    _write(directory, record.FILE, record.record_text(decision))
    return name


def build(wheel_directory: str, config: Mapping[str, Any], metadata_directory: str | None) -> str:
    """Write the wheel; returns its name. What was prepared is taken as it is, since its METADATA has been believed.

    Raises:
        SettingsError: a setting of the user's is wrong.
        OSError: the folder cannot be written.
    """
    from torch_auto.scratch import scratch  # noqa: PLC0415  # METADATA alone needs none of it
    from torch_auto.wheel import write_wheel  # noqa: PLC0415

    with scratch(wheel_directory) as folder:
        if metadata_directory is None:
            metadata_directory = os.path.join(folder, prepare(folder, config))
        return write_wheel(wheel_directory, folder, metadata_directory)


def _write(directory: str, name: str, text: str) -> None:
    with open(os.path.join(directory, name), "w", encoding="utf-8", newline="") as file:
        file.write(text)
