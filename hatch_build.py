"""hatchling's way in: the release that an sdist is for, and the pins of the wheel that is built from it.

What decides is in ``torch_auto``; this file only hands values over.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from typing import Any, Dict

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# A frontend that calls the shim has this folder on its path already; hatchling's own command has not.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from torch_auto import catalog, settings
from torch_auto.distribution import (
    index_url_entry,
    platform_tag,
    sdist_version,
    wheel_extras,
    wheel_requirements,
)
from torch_auto.plan import machine_for, make_plan, record, torch_release
from torch_auto.uv_flag import refuse_another


class ReleaseMetadataHook(MetadataHookInterface):
    """Fixes version and Requires-Python when an sdist is made: those of one torch release."""

    def update(self, metadata: Dict[str, Any]) -> None:
        """Leave a tree that already has a version alone: an unpacked sdist, whose PKG-INFO was read back."""
        if "version" in metadata:
            return
        version = sdist_version(os.environ)
        release = catalog.load().release(torch_release(version))
        metadata["version"] = version
        metadata["requires-python"] = release.requires_python


class PinHook(BuildHookInterface[Any]):
    """Writes this machine's pins, and the hint, into a wheel."""

    def initialize(self, version: str, build_data: Dict[str, Any]) -> None:
        """Decide and hand over. ``version`` is hatchling's name for the kind of wheel: "standard" or "editable"."""
        core = self.metadata.core
        known = catalog.load()
        chosen = settings.read(known)
        machine = machine_for(chosen)
        plan = make_plan(known.release(torch_release(self.metadata.version)), machine, chosen, known)
        refuse_another(plan, os.getppid())
        label, url = index_url_entry(plan)
        core.urls[label] = url
        build_data["dependencies"].extend(wheel_requirements(plan))
        core.optional_dependencies.update(wheel_extras(plan))
        build_data["tag"] = f"py3-none-{platform_tag()}"
        build_data["pure_python"] = False
        if version == "standard":
            # hatchling takes a file's bytes from a file alone. The shim clears it away; where hatchling's own command
            # builds, it is gone at exit: hatchling's last call to a hook comes after success alone.
            folder = tempfile.mkdtemp(prefix="torch-auto-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            path = os.path.join(folder, "selection.json")
            with open(path, "w", encoding="utf-8", newline="\n") as file:
                json.dump(record(plan, machine, chosen), file, indent=1)
                file.write("\n")
            build_data["force_include"][path] = "torch_auto/selection.json"
