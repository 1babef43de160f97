"""hatchling's door: config settings reach the hook, and are gone after the call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hatchling import build

from torch_auto.hatch import backend

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("hook", ["build_wheel", "build_editable"])
def test_config_settings_reach_the_hook_inside_the_call_alone(
    hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the frontend gives is what the build hook reads, and is gone afterwards, however the build ends."""
    seen: list[dict[str, Any]] = []

    def hatchlings(_directory: str, config: dict[str, Any], _metadata: str | None) -> str:
        assert config == backend.config_settings()
        seen.append(config)
        if "pin" in config:
            raise RuntimeError("as a build that fails")
        return "a wheel's name"

    monkeypatch.setattr(build, hook, hatchlings)
    assert getattr(backend, hook)(str(tmp_path), {"backend": "cpu"}) == "a wheel's name"
    assert backend.config_settings() == {}
    with pytest.raises(RuntimeError, match="as a build that fails"):
        getattr(backend, hook)(str(tmp_path), {"pin": "exact"})
    assert backend.config_settings() == {}
    assert getattr(backend, hook)(str(tmp_path), None) == "a wheel's name"
    assert seen == [{"backend": "cpu"}, {"pin": "exact"}, {}]


def test_what_the_hook_is_given_cannot_be_changed_by_it() -> None:
    """A copy is handed out."""
    backend.config_settings()["backend"] = "cpu"
    assert backend.config_settings() == {}


@pytest.mark.parametrize("name", ["HATCH_BUILD_NO_HOOKS", "HATCH_BUILD_HOOKS_ONLY"])
def test_the_hook_runs_where_hooks_are_off(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever switches off the hooks of their own builds gets a torch all the same, and keeps the variable."""
    monkeypatch.setenv(name, "true")
    monkeypatch.setattr(build, "build_wheel", lambda *_: str(os.environ.get(name)))
    assert backend.build_wheel(str(tmp_path)) == "None"
    assert os.environ[name] == "true"
