"""Every verb that writes, on a hundred layouts of pyproject.toml: whole, once, and nothing but the addition."""

from __future__ import annotations

import json
import math
from importlib import import_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import machines

from torch_auto.cli import main
from unit.cli.layouts import CORPUS, OTHERWISE

if TYPE_CHECKING:
    from collections.abc import Callable

tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

def test_the_corpus_has_a_hundred() -> None:
    assert len(CORPUS) >= 100
