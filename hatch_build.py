"""hatchling's door into torch-auto: https://hatch.pypa.io/latest/plugins/build-hook/custom.

What decides is in the package ``torch_auto``: beside this file in a checkout, and else of torch-auto-core.
"""

from __future__ import annotations

import os
import sys

# A frontend that calls a backend of a checkout has this folder on its path already; hatchling's own command does not.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from torch_auto.hatch.hooks import PinHook, ReleaseHook

__all__ = ["PinHook", "ReleaseHook"]
