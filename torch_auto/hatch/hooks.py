"""hatchling's hooks: the pins of a wheel, and the version of a checkout of torch-auto.

https://hatch.pypa.io/latest/plugins/build-hook/reference and .../metadata-hook/reference. docs/guides/hook.md shows the
table that a project writes.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

from torch_auto import record
from torch_auto.catalog import UnknownReleaseError, load
from torch_auto.decide import Plan, decide_here, torch_release
from torch_auto.hatch.backend import config_settings
from torch_auto.metadata import INDEX_LABEL, PUBLISHED_REQUIREMENTS, wheel_extras, wheel_requirements
from torch_auto.pins.extras import EXTRAS
from torch_auto.wheel import platform_tag

#: The variable that says which version of torch-auto a checkout builds; default: that of the newest release.
VERSION_VARIABLE = "TORCH_AUTO_VERSION"
_OURS = "torch-auto"


class HookError(ValueError):
    """The hook's table in pyproject.toml is wrong; the message names every fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("torch-auto's build hook:" + "".join(f"\n  - {fault}" for fault in faults))


class ReleaseHook(MetadataHookInterface):
    """Gives a checkout of torch-auto the version and the Requires-Python of one torch release."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Leave a tree that already has a version alone: an unpacked sdist, whose PKG-INFO was read back.

        Raises:
            UnknownReleaseError: the catalog does not know the release; the error lists those that it knows.
        """
        if "version" in metadata:
            return
        known = load()
        version = os.environ.get(VERSION_VARIABLE, "").strip() or known.newest.version
        metadata["version"] = version
        metadata["requires-python"] = known.release(torch_release(version)).requires_python


class PinHook(BuildHookInterface[Any]):
    """Writes this machine's pins, the address of its builds and the record of the decision into a wheel."""

    PLUGIN_NAME = "torch-auto"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Decide, and hand over.

        Raises:
            HookError: the hook's table is wrong.
            SettingsError: a setting of the user's is wrong.
        """
        if self.target_name != "wheel":
            return
        core = self.metadata.core
        ours = self.metadata.name == _OURS
        release, own, extras = _options(self.config, core.dynamic, ours=ours)
        decision = decide_here(self.metadata.version if ours else release, config_settings())
        plan = decision.plan
        core.urls[INDEX_LABEL] = plan.index_url
        build_data["dependencies"].extend(wheel_requirements(own, plan))
        if ours:
            core.optional_dependencies.update(wheel_extras(plan))
        build_data["dependencies"].extend(pin for name in extras for pin in _pins_of(name, plan))
        build_data["tag"] = f"py3-none-{platform_tag()}"
        build_data["pure_python"] = False
        # hatchling takes a file's bytes from a file alone. The backend clears it away; where hatchling's own command
        # builds, it is gone at exit: hatchling's last call to a hook comes after success alone.
        folder = tempfile.mkdtemp(prefix="torch-auto-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, record.FILE)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(record.record_text(decision))
        dist_info = f"{self.build_config.builder.project_id}.dist-info"
        for key in ("force_include", "force_include_editable"):
            build_data[key][path] = f"{dist_info}/{record.FILE}"


def _options(config: dict[str, Any], dynamic: list[str], *, ours: bool) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The release, the project's own requirements, and the extras, from the hook's table.

    Raises:
        HookError: something in it is wrong.
    """
    faults: list[str] = []
    release = config.get("release")
    if not ours and not isinstance(release, str):
        faults.append('release must name a torch release, such as release = "2.5.1"')
    elif isinstance(release, str) and not ours:
        try:
            load().release(torch_release(release))
        except UnknownReleaseError as error:
            faults.append(f"release: {error}")
    own = _texts(config, "dependencies", faults) if "dependencies" in config or not ours else PUBLISHED_REQUIREMENTS
    extras = _texts(config, "with", faults)
    unknown = [name for name in extras if name not in EXTRAS]
    if unknown:
        faults.append(f"with: {', '.join(map(repr, unknown))} must be one of {', '.join(EXTRAS)}")
    if "dependencies" not in dynamic:
        faults.append('[project] must have dynamic = ["dependencies"]; list your own in the hook\'s dependencies')
    if faults:
        raise HookError(faults)
    return str(release), own, extras


def _texts(config: dict[str, Any], name: str, faults: list[str]) -> tuple[str, ...]:
    value = config.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        faults.append(f"{name} must be an array of strings")
        return ()
    return tuple(value)


def _pins_of(name: str, plan: Plan) -> tuple[str, ...]:
    return next((extra.requirements for extra in plan.extras if extra.name == name), ())
