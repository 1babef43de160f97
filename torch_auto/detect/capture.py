"""The script that captures a machine's files into a tree, where torch-auto does not run: capture.sh."""

from __future__ import annotations

import os


def script() -> str:
    """The text of the script."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "capture.sh")
    with open(path, encoding="utf-8") as file:
        return file.read()
