"""What tests of the command share."""

from __future__ import annotations

import json

import pytest
from support import machines


@pytest.fixture
def no_gpu_no_uv(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU, whatever the tests run on, and no uv."""
    path = tmp_path_factory.mktemp("machine") / "machine.json"
    path.write_text(json.dumps(machines.cpu()), "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(path))
    monkeypatch.setenv("UV", str(path.parent / "no-uv"))
