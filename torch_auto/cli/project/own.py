"""The environment that this command runs in: whether a tool made it for the command alone, and how to update it."""

from __future__ import annotations

import os
import sys

#: A file that says which tool made an environment for one command alone, and what updates the command there.
_RECEIPTS = {
    "uv-receipt.toml": "uv tool upgrade torch-auto-core",
    "pipx_metadata.json": "pipx upgrade torch-auto-core",
}
#: The same where uvx made it, and from anywhere else.
_NEWEST = "uvx torch-auto-core@latest check"


def is_tools_own(prefix: str) -> bool:
    """Whether an environment is one that uvx, `uv tool` or pipx made for this command alone."""
    return _receipt(prefix) is not None or _is_in_a_cache(prefix)


def typed(verb: str) -> str:
    """A verb of this command as it can be typed where this one was."""
    if _is_in_a_cache(sys.prefix):
        return f"uvx torch-auto-core {verb}"
    return f"uv run torch-auto {verb}" if "UV" in os.environ and _receipt(sys.prefix) is None else f"torch-auto {verb}"


def updating(prefix: str) -> str:
    """What to type for a newer command than the one in an environment, which no project manages."""
    receipt = _receipt(prefix)
    return _RECEIPTS[receipt] if receipt is not None else _NEWEST


def _receipt(prefix: str) -> str | None:
    return next((name for name in _RECEIPTS if os.path.isfile(os.path.join(prefix, name))), None)


def _is_in_a_cache(prefix: str) -> bool:
    folder = os.path.dirname(os.path.realpath(prefix))
    for _ in range(3):  # uvx: below a folder or two of uv's cache
        if os.path.isfile(os.path.join(folder, "CACHEDIR.TAG")):
            return True
        folder = os.path.dirname(folder)
    return False
