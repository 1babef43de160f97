"""Whatever a reader is given: a value or the reader's own error, and nothing else."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import machines

from torch_auto import record
from torch_auto.machine_file import MachineError, machine_from_json, machine_from_text
from torch_auto.machine_json import machine_to_json
from torch_auto.metadata import version_of, wheel_metadata
from torch_auto.select.groups import groups_text, parse_groups
from torch_auto.select.needs import Needs
from torch_auto.select.reasons import reason_from_json, reason_to_json
from torch_auto.settings import NAMES, SettingsError, read
from torch_auto.uv_flag import flag_of
from unit.bent import JSON, TEXTS, bent, cut, examples
from unit.cli.fake_environment import decision_for
from unit.data import CATALOG

TOOLS = str(Path(__file__).resolve().parents[2] / "tools")

MACHINES = [json.loads(json.dumps(machine)) for machine in machines.MACHINES.values()]
RECORDS = [record.make_record(decision_for(machines.a100_550(), release)) for release in ("2.5.1", "2.14.1")]


@examples(150)
@given(bent(MACHINES))
def test_any_machine_file(value: Any) -> None:
    """A machine that its own file gives back equal, or a MachineError."""
    try:
        machine = machine_from_json(value)
    except MachineError:
        return
    assert machine_from_text(json.dumps(machine_to_json(machine))) == machine


@examples(100)
@given(cut(st.sampled_from([json.dumps(item) for item in MACHINES])) | st.text(max_size=50))
def test_any_text_as_a_machine_file(text: str) -> None:
    """A machine, or a MachineError."""
    with contextlib.suppress(MachineError):
        machine_from_text(text)


_VARIABLES = ("UV_TORCH_BACKEND", "UV_CUDA_DRIVER_VERSION", "UV_AMD_GPU_ARCHITECTURE", "TORCH_AUTO_X", "OTHER")
_VALUES = TEXTS | st.text(max_size=20) | st.sampled_from(["exact", "prefer", "auto", "pypi", "550.54.14", "gfx1100"])


@examples(300)
@given(
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=12), _VALUES | JSON, max_size=4),
    st.dictionaries(
        st.sampled_from([*_VARIABLES, *(f"TORCH_AUTO_{name.upper().replace('-', '_')}" for name in NAMES)]),
        _VALUES.filter(lambda text: "\0" not in text),
        max_size=4,
    ),
)
def test_any_settings(config: dict[str, Any], environment: dict[str, str]) -> None:
    """Settings whose values are valid, or a SettingsError."""
    try:
        found = read(CATALOG, config, environment)
    except SettingsError:
        return
    assert found.pin in ("exact", "prefer")
    assert found.index_url.isprintable()
    assert " " not in found.index_url
    assert parse_groups(groups_text(found.groups), CATALOG) == found.groups if found.groups else True


@examples(200)
@given(st.lists(TEXTS | st.from_regex(r"2\.1[0-9]\.[0-9]\+(cu12[68]|cpu)", fullmatch=True), max_size=4).map(",".join))
def test_any_groups(text: str) -> None:
    """Groups that their text gives back, or a ValueError."""
    try:
        found = parse_groups(text, CATALOG)
    except ValueError:
        return
    assert found
    assert parse_groups(groups_text(found), CATALOG) == found


@examples(200)
@given(st.text(max_size=30) | TEXTS | st.from_regex(r"(nvidia\.driver|torch|glibc|macos)\.[0-9.]{1,5}(\.or\.older)?"))
def test_any_label(text: str) -> None:
    """A label's kind and value, and its text again."""
    needs = Needs(text)
    assert needs.kind
    assert needs.local_version == f"needs.{text}"


_REASONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2).map(lambda items: {"code": "x", **items})
    ),
    max_leaves=6,
)


@examples(150)
@given(st.dictionaries(st.text(max_size=4), _REASONS, max_size=3).map(lambda items: {"code": "known", **items}))
def test_any_reason(value: dict[str, Any]) -> None:
    """A reason's JSON form gives back the reason."""
    assert reason_to_json(reason_from_json(value)) == value


@examples(150)
@given(bent([item["decided"]["reasons"] for item in RECORDS]) | JSON)
def test_any_reasons_in_a_record(value: Any) -> None:
    """A reason, or the KeyError of one without a code."""
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            try:
                reason_from_json(item)
            except KeyError as error:
                assert error.args == ("code",)  # noqa: PT017  # it may also be read


PKG_INFO = "Metadata-Version: 2.4\nName: torch-auto\nVersion: 2.14.1\nSummary: x\nClassifier: y\n\ntext\n"


@examples(100)
@given(cut(st.just(PKG_INFO)) | st.text(max_size=60))
def test_any_pkg_info(text: str) -> None:
    """METADATA that keeps the body, or the ValueError of a damaged sdist."""
    plan = decision_for(machines.a100_550(), "2.14.1").plan
    try:
        version_of(text)
        found = wheel_metadata(text, plan)
    except ValueError:
        return
    assert found.endswith(text.partition("\n\n")[2])


@examples(200)
@given(st.lists(st.sampled_from(["uv", "pip", "install", "--torch-backend", "--torch-backend=cu126", ""]) | st.text()))
def test_any_command_line_of_uvs(words: list[str]) -> None:
    """The flag's value or None, whatever process started the build."""
    found = flag_of(words or [""])
    assert found is None or isinstance(found, str)


# --- an index's pages, which a maintainer's tools read -----------------------------------------------------------

_FILES = [
    {
        "filename": f"torch-2.{minor}.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        "url": f"torch-2.{minor}.0-cp312-cp312-manylinux_2_28_x86_64.whl#sha256=00",
        "requires-python": ">=3.9",
        "upload-time": "2026-01-01T00:00:00Z",
        "size": 100,
        "yanked": False,
    }
    for minor in (8, 9)
]
_PAGE = {"meta": {"api-version": "1.0"}, "name": "torch", "files": _FILES}
_HTML = "<!DOCTYPE html><html><body>" + "".join(
    f'<a href="{item["url"]}" data-requires-python="&gt;=3.9">{item["filename"]}</a><br>' for item in _FILES
)


@examples(300)
@given(
    st.sampled_from(["application/vnd.pypi.simple.v1+json", "text/html", "text/plain"]),
    bent([_PAGE]).map(json.dumps) | cut(st.just(f"{_HTML}</body></html>")) | st.text(max_size=50),
)
def test_any_page_of_an_index(media_type: str, body: str) -> None:
    """The files that a page lists, or a FetchError: what is not understood is never a list without a file."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(TOOLS)
        import catalog_pages  # noqa: PLC0415  # tools are no package
        from catalog_http import FetchError, Page  # noqa: PLC0415

        page = Page(url="https://x.test/torch/", media_type=media_type, body=body.encode("utf-8", "surrogatepass"))
        patched.setattr(catalog_pages, "fetch_page", lambda *_, **__: page)
        try:
            files = catalog_pages.project_files("https://x.test", "torch")
        except FetchError:
            return
    assert any(file.name.endswith(".whl") for file in files)
