"""Settings: which source wins, what is valid, and that every fault is named at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support import machines

from torch_auto import catalog
from torch_auto.select.reasons import because
from torch_auto.select.words import sentence
from torch_auto.settings import DEFAULT_INDEX_URL, NAMES, Settings, SettingsError, read

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = catalog.load()


def settings(config: dict[str, Any] | None = None, **environment: str) -> Settings:
    """The settings of config settings and variables alone."""
    return read(CATALOG, config or {}, environment)


def faults(config: dict[str, Any] | None = None, **environment: str) -> tuple[str, ...]:
    """The faults that reading them raises."""
    with pytest.raises(SettingsError) as caught:
        settings(config, **environment)
    for fault in caught.value.faults:
        assert fault in str(caught.value)
    return caught.value.faults


def test_defaults() -> None:
    """Nothing set: detect, prefer, PyTorch's own index, and nothing to note."""
    assert settings() == Settings("auto", "prefer", None, "https://download.pytorch.org/whl", None, None, ())


def test_config_settings_win_over_variables_and_those_over_uvs() -> None:
    """-C before TORCH_AUTO_* before UV_*."""
    assert settings({"backend": "cpu"}, TORCH_AUTO_BACKEND="cu126", UV_TORCH_BACKEND="cu128").backend == "cpu"
    assert settings(TORCH_AUTO_BACKEND="cu126", UV_TORCH_BACKEND="cu128").backend == "cu126"
    assert settings(UV_TORCH_BACKEND="cu128").backend == "cu128"


def test_a_setting_that_is_made_is_noted_with_its_source() -> None:
    """Where a setting came from is among the reasons that a user sees."""
    found = settings({"pin": "exact"}, UV_TORCH_BACKEND="cu128")
    made = ("pin=exact (from config setting pin)", "backend=cu128 (from UV_TORCH_BACKEND)")
    assert found.notes == (because("settings", settings=made),)
    assert sentence(found.notes[0]) == f"Settings: {made[0]}, {made[1]}."
    assert found.given == (("pin", "exact", "config setting pin"), ("backend", "cu128", "UV_TORCH_BACKEND"))
    assert settings({"backend": "auto"}).given == ()


def test_each_setting_has_a_variable(tmp_path: Path) -> None:
    """TORCH_AUTO_ and the setting's name in capitals, with _ for -."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    found = settings(
        TORCH_AUTO_BACKEND="auto",
        TORCH_AUTO_PIN="exact",
        TORCH_AUTO_MACHINE=str(path),
        TORCH_AUTO_INDEX_URL="https://mirror.test/whl",
        TORCH_AUTO_GROUPS="2.13.0+cpu,2.13.0+cu126",
        TORCH_AUTO_GROUP="torch-cu126",
    )
    assert (found.backend, found.pin, found.index_url) == ("cu126", "exact", "https://mirror.test/whl")
    assert found.machine is not None
    assert [group.name for group in found.groups] == ["torch-cpu", "torch-cu126"]
    assert [(name, origin) for name, _, origin in found.given] == [
        ("pin", "TORCH_AUTO_PIN"),
        ("machine", "TORCH_AUTO_MACHINE"),
        ("index-url", "TORCH_AUTO_INDEX_URL"),
        ("groups", "TORCH_AUTO_GROUPS"),
        ("group", "TORCH_AUTO_GROUP"),
    ]


def test_the_error_counts_the_faults_and_lists_them() -> None:
    """One fault or several: each on a line of its own below the heading."""
    with pytest.raises(SettingsError) as caught:
        settings({"pin": "hard"})
    wrong = "config setting pin: 'hard' is not valid; pin must be one of prefer, exact"
    assert str(caught.value) == f"torch-auto: invalid setting:\n  - {wrong}"
    with pytest.raises(SettingsError) as caught:
        settings({"pin": "hard", "group": "torch-cpu"})
    group = "config setting group: there is no group 'torch-cpu'; there are none, since there are no groups"
    assert str(caught.value) == f"torch-auto: 2 invalid settings:\n  - {wrong}\n  - {group}"


def test_an_empty_variable_is_not_set() -> None:
    """``TORCH_AUTO_BACKEND=`` is how a shell takes a setting back."""
    assert settings(TORCH_AUTO_BACKEND="", TORCH_AUTO_PIN=" ") == Settings()


def test_every_fault_is_named_at_once_with_what_is_valid() -> None:
    """Five wrong settings are five faults, each with the valid values or form."""
    found = faults(
        {"backend": "cu99", "pin": "hard"},
        TORCH_AUTO_MACHINE="machine.json",
        TORCH_AUTO_INDEX_URL="ftp://x",
        UV_CUDA_DRIVER_VERSION="R550",
    )
    assert len(found) == 5
    text = "\n".join(found)
    for expected in ("cu126", "rocm6.4", "xpu, pypi", "must be one of prefer, exact", "absolute path", "550.54.14"):
        assert expected in text


@pytest.mark.parametrize(
    "torch_backend", ["auto", "cpu", "cu117", "cu126", "cu132", "rocm6.2.4", "rocm6.4", "xpu", "pypi"]
)
def test_valid_torch_backends(torch_backend: str) -> None:
    """Each kind of value of the setting backend."""
    assert settings({"backend": torch_backend}).backend == torch_backend


@pytest.mark.parametrize("value", ["CPU", "cuda", "cu", "12.4", "rocm", "gpu", "cpu,cu126", "pypi "[:4] + "x"])
def test_what_is_no_torch_backend_is_refused(value: str) -> None:
    """A value that is near to a valid one is still refused: guessing would be a lie."""
    assert repr(value) in faults({"backend": value})[0]


@pytest.mark.parametrize("origin", ["config setting backend", "TORCH_AUTO_BACKEND", "UV_TORCH_BACKEND"])
def test_no_torch_at_all_is_not_a_setting(origin: str) -> None:
    """backend=none is an error that names what there is in its place, wherever it was set."""
    config = {"backend": "none"} if origin.startswith("config") else {}
    [fault] = faults(config, **({} if config else {origin: "none"}))
    assert fault.startswith(f"{origin}: 'none' is not a torch backend; it must be one of auto, cpu, ")
    assert fault.endswith("use the distribution torch-auto-core: uvx torch-auto-core")


@pytest.mark.parametrize("value", [["cpu", "cu126"], True, None, 3])
def test_a_config_setting_is_given_once_as_text(value: object) -> None:
    """``-C backend=cpu -C backend=cu126`` arrives as a list, and is a fault."""
    assert "must be given once, as text" in faults({"backend": value})[0]


def test_a_slip_in_a_name_is_a_fault() -> None:
    """A misspelt setting is not ignored in silence."""
    assert "did you mean backend?" in faults({"bakend": "cpu"})[0]
    assert "did you mean index-url?" in faults({"index_url": "https://x.test"})[0]
    assert "did you mean index-url?" in faults({"INDEX_URL": "https://x.test"})[0]
    assert "did you mean TORCH_AUTO_BACKEND?" in faults(TORCH_AUTO_BACKENDS="cpu")[0]


def test_a_right_name_before_a_slip_hides_nothing() -> None:
    """Every name is looked at, wherever it stands among others."""
    assert len(faults({"pin": "exact", "bakend": "cpu", "grups": "x"})) == 2
    found = faults(HOME="/x", TORCH_AUTO_PIN="exact", TORCH_AUTO_BACKENDS="cpu", TORCH_AUTO_GROUPSS="x")
    assert len(found) == 2


def test_what_is_not_ours_is_left_alone() -> None:
    """Settings for other build backends, and variables of later versions, stop no build; the former are noted."""
    found = settings({"editable_mode": "strict", "--build-option": ["x"]}, TORCH_AUTO_SOMETHING_ELSE="1")
    assert found.backend == "auto"
    assert found.notes == tuple(
        because("unknown-setting", name=name, valid=NAMES) for name in ("editable_mode", "--build-option")
    )
    assert settings({"editable_mode": "strict", "pin": "exact"}).notes == (
        because("settings", settings=("pin=exact (from config setting pin)",)),
        because("unknown-setting", name="editable_mode", valid=NAMES),
    )
    assert sentence(found.notes[0]) == (
        "The config setting 'editable_mode' is not one of torch-auto's (backend, pin, machine, index-url, groups, "
        "group); it was not used."
    )


def test_a_group_is_named_by_who_takes_it() -> None:
    """The setting group is one of the groups, and leaves the build no choice; without groups it is a fault."""
    groups = "2.13.0+cpu,2.13.0+cu126"
    assert settings({"groups": groups, "group": "torch-cu126"}).backend == "cu126"
    assert faults({"groups": groups, "group": "torch-cu130"}) == (
        "config setting group: there is no group 'torch-cu130'; there are torch-cpu, torch-cu126",
    )
    assert "since there are no groups" in faults({"group": "torch-cu126"})[0]


def test_a_machine_file_is_read(tmp_path: Path) -> None:
    """The setting machine takes what ``torch-auto info --json`` prints."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machines.a100_550()), "utf-8")
    machine = settings(TORCH_AUTO_MACHINE=str(path)).machine
    assert machine is not None
    assert machine.nvidia is not None
    assert machine.nvidia.driver_version == "550.54.14"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b'{"version": 1, "system": "linux", "speed": 1}', "speed: is not a key"),
        (b" " * (1 << 20) + b"{}", "larger than"),
    ],
)
def test_a_damaged_machine_file_is_a_fault(tmp_path: Path, content: bytes, expected: str) -> None:
    """What is wrong with a machine file is said, with its path."""
    path = tmp_path / "machine.json"
    path.write_bytes(content)
    found = faults(TORCH_AUTO_MACHINE=str(path))
    assert any(expected in fault and str(path) in fault for fault in found), found


def test_a_machine_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """A path that leads nowhere is a fault, not a machine without GPUs."""
    assert "No such file" in faults(TORCH_AUTO_MACHINE=str(tmp_path / "none.json"))[0]
    assert "cannot be read" in faults(TORCH_AUTO_MACHINE=str(tmp_path))[0]


@pytest.mark.parametrize(
    "url", ["https://mirror.test/pytorch/whl", "http://127.0.0.1:8000/whl/", "file:///srv/X/", DEFAULT_INDEX_URL]
)
def test_index_urls(url: str) -> None:
    """A mirror by http, https or from a folder; a slash at the end makes no difference."""
    assert settings({"index-url": url}).index_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "whl",
        "ftp://x.test/whl",
        "https://",
        "https://[",
        "https://x.test/a b",
        "https://x.test/whl?x=1",
        "https://x.test/a,https://y.test/b",
        "https://x.test/$(id)",
        "https://x.test/\nName: y",
    ],
)
def test_what_is_no_index_url_is_refused(url: str) -> None:
    """What would not work, or would break METADATA, is refused."""
    assert faults({"index-url": url})


def test_a_password_in_an_index_url_is_refused_and_not_repeated() -> None:
    """A secret would end up in the wheel's METADATA; the error does not print it either."""
    for url in ("https://me:hunter2@x.test/whl", "ftp://me:hunter2@x.test/whl", "https://me:hunter2@x.test/a b"):
        found = faults({"index-url": url})
        assert "METADATA" in found[0]
        assert "hunter2" not in " ".join(found)


@pytest.mark.parametrize("url", ["https://hunter2@x.test/whl", "https://:hunter2@x.test/whl"])
def test_a_token_in_place_of_a_user_name_is_refused_and_not_repeated(url: str) -> None:
    """Registries take a token as the user name, or as a password without one: both are secrets."""
    [fault] = faults({"index-url": url})
    assert "user name or password" in fault
    assert "hunter2" not in fault


def test_a_token_in_an_index_url_is_refused_and_not_repeated() -> None:
    """A query may hold a secret, and an error ends up in logs."""
    for url in ("https://x.test/whl?token=hunter2", "https://x.test/whl#hunter2"):
        found = faults({"index-url": url})
        assert "no query and no fragment" in found[0]
        assert "hunter2" not in found[0]


@pytest.mark.parametrize("value", ["cu92", "cu125", "cu140", "rocm5.1.1", "rocm9.9"])
def test_a_torch_backend_that_uv_alone_knows_ends_no_resolution(value: str) -> None:
    """UV_TORCH_BACKEND may name what this catalog does not have, also a later one: then no release matches."""
    assert settings(UV_TORCH_BACKEND=value).backend == value
    assert repr(value) in faults(TORCH_AUTO_BACKEND=value)[0]
    assert repr("gpu") in faults(UV_TORCH_BACKEND="gpu")[0]


def test_a_variable_of_a_later_version_stops_nothing() -> None:
    """An sdist is frozen: a variable that is added one day must not end a walk back over old releases."""
    assert settings(TORCH_AUTO_WARNINGS="1", TORCH_AUTO_CACHE="x").backend == "auto"


def test_uvs_assumptions_are_noted_where_they_do_not_count() -> None:
    """A driver version that is not used, since the torch backend is named, is among the reasons."""
    noted = because("assumptions-not-used")
    assert noted in settings(UV_CUDA_DRIVER_VERSION="550.54.14", TORCH_AUTO_BACKEND="cpu").notes
    assert noted not in settings(UV_CUDA_DRIVER_VERSION="550.54.14").notes
    assert noted in settings(UV_AMD_GPU_ARCHITECTURE="gfx1100", TORCH_AUTO_BACKEND="cpu").notes
    assert noted not in settings(TORCH_AUTO_BACKEND="cpu").notes


def test_uvs_assumptions_are_read_from_its_variables() -> None:
    """UV_CUDA_DRIVER_VERSION and UV_AMD_GPU_ARCHITECTURE, without blanks; an empty one is not set."""
    found = settings(UV_CUDA_DRIVER_VERSION=" 550.54.14 ", UV_AMD_GPU_ARCHITECTURE="gfx90a")
    assert (found.driver_version, found.gfx_target) == ("550.54.14", "gfx90a")
    found = settings(UV_CUDA_DRIVER_VERSION=" ", UV_AMD_GPU_ARCHITECTURE="")
    assert (found.driver_version, found.gfx_target) == (None, None)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("UV_CUDA_DRIVER_VERSION", "5"),
        ("UV_CUDA_DRIVER_VERSION", "550."),
        ("UV_CUDA_DRIVER_VERSION", "550.1.2.3.4"),
        ("UV_AMD_GPU_ARCHITECTURE", "1100"),
        ("UV_AMD_GPU_ARCHITECTURE", "gfx90A"),
        ("UV_AMD_GPU_ARCHITECTURE", "gfx1"),
    ],
)
def test_what_uv_cannot_assume_is_a_fault(variable: str, value: str) -> None:
    """What is not a driver version or a GPU architecture is a fault with an example of what is."""
    [fault] = faults(None, **{variable: value})
    assert fault.startswith(f"{variable}: {value!r} is not a ")
    assert fault.endswith("550.54.14" if "DRIVER" in variable else "gfx1100")


def test_variables_that_are_read_elsewhere_are_not_slips() -> None:
    """TORCH_AUTO_WARN counts at import and TORCH_AUTO_VERSION for an sdist: a build says nothing of either."""
    assert settings(TORCH_AUTO_WARN="0", TORCH_AUTO_VERSION="2.9.1") == Settings()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "index-url"])
def test_a_wrong_value_is_repeated_in_part_and_obeyed_by_no_terminal(name: str) -> None:
    """An installer shows the error as it is: a value of 120 kB, and one that clears the screen."""
    for value in ("x" * 120_000, "\x1b[2J\r\x9b2J\u202e", "\0", "/a\0b", "/\x1b]0;title\x07"):
        text = "\n".join(faults({name: value}))
        assert len(text) < 3000
        assert text.isprintable()
        assert f"config setting {name}: " in text


def test_what_would_be_right_follows_a_long_value() -> None:
    """It is not what is cut off."""
    [fault] = faults({"backend": "x" * 120_000})
    assert "xxx... (120002 characters) is not a torch backend; it must be one of auto, cpu, " in fault
    assert fault.endswith(", pypi")


def test_a_machine_file_in_an_error_is_obeyed_by_no_terminal(tmp_path: Path) -> None:
    """Its keys and its values are repeated."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({"\x1b[2J": 1, "system": "\x1b[2J", "accelerators": "\x9b2J", "k" * 9000: 1}), "utf-8")
    found = faults({"machine": str(path)})
    assert any("\\x1b[2J: is not a key" in fault for fault in found)
    assert all(fault.isprintable() and len(fault) < 3000 for fault in found)


@pytest.mark.parametrize(
    "url", ["https://me:secret@[::1", "https://me:secret@ex\u2100mple.com", "https://me:secret@h/]["]
)
def test_a_password_in_what_is_no_url_is_not_repeated(url: str) -> None:
    """Neither by us nor in the words of the standard library, which quotes the host with all that is before it."""
    assert not [fault for fault in faults({"index-url": url}) if "secret" in fault]
