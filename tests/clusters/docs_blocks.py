"""The blocks of docs/guides/clusters.md that a test here runs, by the mark that names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support import docs

if TYPE_CHECKING:
    from support.docs import Block
    from support.torch_index import TorchIndex

PAGE = docs.ROOT / "docs/guides/clusters.md"


def blocks_of(test: str) -> list[Block]:
    """The blocks that a test runs, as they stand on the page; "test_ray.py::test_x"."""
    found = [block for block in docs.blocks(PAGE) if block.marks.get("run by") == f"tests/clusters/{test}"]
    assert found, f"no block of {PAGE.name} names {test}"
    return found


def at_home(text: str, index: TorchIndex) -> str:
    """The text with the tests' index in place of PyTorch's."""
    return re.sub(r"https://download\.pytorch\.org/whl", index.whl, text)


def shown(block: Block) -> list[str]:
    """The lines of a block as they are, without those that are "..."."""
    return [line for line in block.text.splitlines() if line and "..." not in line]
