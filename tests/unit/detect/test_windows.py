"""Windows' own functions, as the documents describe them: what is asked of them, and what is made of their answers."""

from __future__ import annotations

import ctypes
import sys
import types
from typing import Any

import pytest

from torch_auto.detect.sources import this_system
from torch_auto.detect.windows import LocalMachine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has the functions themselves")

#: cfgmgr32.h: present devices (0x100) of a class (0x200). GUID_DEVCLASS_DISPLAY of devguid.h.
PRESENT_OF_CLASS = 0x300
DISPLAY = "{4d36e968-e325-11ce-bfc1-08002be10318}"


class _Manager:
    """CfgMgr32.dll, whose functions return 0, CR_SUCCESS, or another number."""

    def __init__(self, ids: tuple[str, ...] = (), sized: int = 0, listed: int = 0) -> None:
        self.text = "".join(f"{name}\0" for name in ids) + "\0"
        self.results = sized, listed
        self.asked: list[tuple[str, int]] = []

    def CM_Get_Device_ID_List_SizeW(self, size: Any, wanted: Any, flags: Any) -> int:  # noqa: N802  # Windows' name
        self.asked.append((wanted.value, flags.value))
        size._obj.value = len(self.text)
        return self.results[0]

    def CM_Get_Device_ID_ListW(self, wanted: Any, buffer: Any, length: Any, flags: Any) -> int:  # noqa: N802
        self.asked.append((wanted.value, flags.value))
        assert length.value >= len(self.text)
        for number, character in enumerate(self.text):
            buffer[number] = character
        return self.results[1]


def _present(monkeypatch: pytest.MonkeyPatch, manager: _Manager) -> list[str] | None:
    def load(name: str, *, winmode: int) -> _Manager:
        assert (name, winmode) == ("CfgMgr32.dll", 0x800)  # LOAD_LIBRARY_SEARCH_SYSTEM32
        return manager

    monkeypatch.setattr(ctypes, "WinDLL", load, raising=False)
    return LocalMachine().present()


def test_the_display_adapters_that_are_there_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their ids end with a NUL each, and the list with another; it is asked for twice with the same words."""
    ids = (
        "PCI\\VEN_10DE&DEV_2684&SUBSYS_00000000&REV_A1\\4&2283F625&0&0008",
        "PCI\\VEN_8086&DEV_A780\\3&11583659&0&10",
    )
    manager = _Manager(ids)
    assert _present(monkeypatch, manager) == list(ids)
    assert manager.asked == [(DISPLAY, PRESENT_OF_CLASS)] * 2
    assert _present(monkeypatch, _Manager()) == []


@pytest.mark.parametrize("results", [(1, 0), (0, 26)])
def test_what_windows_does_not_list_is_not_known(monkeypatch: pytest.MonkeyPatch, results: tuple[int, int]) -> None:
    """Either function may fail, as with CR_BUFFER_SMALL where an adapter came between the two."""
    assert _present(monkeypatch, _Manager(("PCI\\VEN_10DE&DEV_2684",), *results)) is None


def test_the_registry_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of keys and values are read below HKEY_LOCAL_MACHINE."""

    class Key:
        def __init__(self, root: int, path: str) -> None:
            assert (root, path) == (7, "SOME\\KEY")

        def __enter__(self) -> int:
            return 9

        def __exit__(self, *_: object) -> None:
            pass

    registry: Any = types.ModuleType("winreg")
    registry.HKEY_LOCAL_MACHINE, registry.OpenKey = 7, Key
    registry.QueryInfoKey = {9: (2, 1, 0)}.get  # keys, values, time
    registry.EnumKey = lambda key, number: {9: ("0000", "0001")}[key][number]
    registry.QueryValueEx = lambda key, name: (f"{key}: {name}", 1)  # value, type
    monkeypatch.setitem(sys.modules, "winreg", registry)
    assert LocalMachine().keys("SOME\\KEY") == ["0000", "0001"]
    assert LocalMachine().value("SOME\\KEY", "DriverDesc") == "9: DriverDesc"


def test_windows_is_asked_in_its_own_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of the machine, and nvidia-smi where the driver, or an older one, puts it."""
    monkeypatch.setattr(sys, "platform", "win32")
    sources = this_system()
    assert isinstance(sources.registry, LocalMachine)
    assert sources.nvidia_smi == (
        "C:\\Windows\\System32\\nvidia-smi.exe",
        "C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvidia-smi.exe",
    )
