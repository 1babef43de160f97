"""``torch-auto plan`` and ``info``: what they print, as text and as JSON, and how they fail."""

from __future__ import annotations

import json
import os
import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from support import machines

from torch_auto.catalog import load
from torch_auto.catalog.origins import origins, sizes
from torch_auto.cli import main
from torch_auto.cli.output import catalog_age
from torch_auto.cli.project.own import typed
from torch_auto.machine_file import machine_from_json
from unit.data import DATA, RELEASES, ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schemas"


def schema(name: str) -> dict[str, Any]:
    """A published schema."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return found


@pytest.fixture
def plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``plan(machine, *arguments)`` runs ``torch-auto plan`` for a machine: (exit status, stdout, stderr)."""

    def run(machine: dict[str, Any], *arguments: str) -> tuple[int, str, str]:
        path = tmp_path / "machine.json"
        path.write_text(json.dumps(machine), "utf-8")
        status = main(["plan", "--machine", str(path), *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_answer_comes_first(plan: Callable[..., tuple[int, str, str]]) -> None:
    """The first line says what plain ``uv add torch-auto`` installs, with PyTorch's page and without it."""
    status, out, err = plan(machines.a100_550())
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "torch 2.14.1+cu126 with PyTorch's page; torch 2.10.0 from PyPI without it."
    assert f"\n  - torch {RELEASES[-1]} is not available on this machine: it needs NVIDIA driver 580 or newer.\n" in out
    assert "\nTo install it there: torch-auto add\n" in out
    assert "Chosen for NVIDIA A100-SXM4-80GB (compute capability 8.0)." in out


def test_a_release_without_wheels_for_the_python_installs_nothing(
    plan: Callable[..., tuple[int, str, str]],
) -> None:
    """A pin names a build for every Python; what is told is what this one gets."""
    machine = machines.cpu(python="3.13")
    _, alone, _ = plan(machine, "2.4.1")
    assert alone.splitlines()[0] == "torch-auto 2.4.1: not available: it does not have wheels for this Python"
    assert "does not have wheels for Python 3.13; it has them for 3.8, 3.9, 3.10, 3.11, 3.12." in " ".join(
        alone.split()
    )
    _, both, _ = plan(machine, "2.4.1", "2.5.1")
    assert re.split(" {2,}", both.splitlines()[1]) == [
        "2.4.1",
        "not available: it does not have wheels for this Python",
        "-",
    ]


def test_one_answer_is_said_once(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Where PyTorch's page makes no difference, one release is told."""
    _, out, _ = plan(machines.macos_arm64())
    assert out.splitlines()[0] == f"torch {load().newest.version}, with PyTorch's page and without it."
    assert out.count("\nWhy:\n") == 1


def test_a_machine_that_no_release_serves(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Where nothing installs, the answer says so, and the newest release says why."""
    _, out, _ = plan(machines.musl())
    assert out.splitlines()[0] == "No release of torch can be used on this machine with this Python."
    assert "made for glibc" in out
    _, out, _ = plan(machines.machine(system="freebsd14", architecture="x86_64"))
    assert "PyTorch publishes no builds for freebsd14" in " ".join(out.split())


def test_releases_that_are_asked_for(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Several releases are a table first; then each has its heading and its reasons."""
    _, out, _ = plan(machines.a100_550(), "2.5.1", "2.14.1", "2.15.0")
    table = [re.split(r" {2,}", line) for line in out.splitlines()[:4]]
    assert table == [
        ["release", "with PyTorch's page", "PyPI alone"],
        ["2.5.1", "torch 2.5.1+cu124", "torch 2.5.1"],
        ["2.14.1", "torch 2.14.1+cu126", "-"],
        ["2.15.0", "not available on this machine: it needs NVIDIA driver 580 or newer", "-"],
    ]
    _, out, _ = plan(machines.a100_550(), "2.5.1", "2.14.1", "2.15.0", "--why")
    headings = [line for line in out.splitlines() if line.startswith("torch-auto ")]
    assert headings == [
        "torch-auto 2.5.1: torch 2.5.1+cu124 (installs from PyPI alone too)",
        "torch-auto 2.14.1: torch 2.14.1+cu126 (not installable from PyPI alone)",
        "torch-auto 2.15.0: not available on this machine: it needs NVIDIA driver 580 or newer",
    ]


@pytest.mark.parametrize("words", [(), ("2.5.1",), ("2.15.0",), ("--with", "vision,audio"), ("--pin", "exact")])
@pytest.mark.parametrize("name", machines.MACHINES)
def test_the_answer_is_short(
    plan: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, name: str, words: tuple[str, ...]
) -> None:
    """The answer, why, and the command: 15 lines at most on any machine, in a terminal of 60 columns and more."""
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = plan(machines.MACHINES[name], *words)[1].splitlines()
        assert len(lines) <= 15
        assert max(map(len, lines)) <= columns or any(line.startswith("For the newest") for line in lines)
        assert "With pins, other builds, and sources: --why" in lines


BY_BACKEND = (
    "uv pip install torch-auto==2.9.1 --find-links https://download.pytorch.org/whl/torch/"
    " --config-settings-package torch-auto:backend=cu126"
)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ((), "torch-auto add"),
        (("2.9",), "torch-auto add 2.9.1"),
        (("2.9.1", "--with", "vision", "--pin", "exact"), "torch-auto add vision 2.9.1 --pin exact"),
        (("2.9.1", "--index-url", "https://m.test/whl"), "torch-auto add 2.9.1 --index-url https://m.test/whl"),
        (("2.9.1", "--backend", "cu126"), BY_BACKEND),
    ],
)
def test_the_command_to_type(plan: Callable[..., tuple[int, str, str]], words: tuple[str, ...], command: str) -> None:
    """The command that installs what was asked about."""
    assert f"\nTo install it there: {command}\n" in plan(machines.a100_550(), *words)[1]


def test_the_command_is_typed_as_this_one_was(capsys: pytest.CaptureFixture[str]) -> None:
    """For this machine: by uvx, by its path, or from PATH, and what it prints is understood."""
    assert main(["plan"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("To install it: ")]
    assert line.removeprefix("To install it: ") == f"{typed(os.environ)} add"


@pytest.mark.parametrize(
    ("words", "releases"),
    [
        (("2.5",), ["2.5.1"]),
        (("v2.9.1",), ["2.9.1"]),
        (("torch==2.9.1",), ["2.9.1"]),
        (("2.9.*",), ["2.9.1"]),
        (("latest",), [load().newest.version]),
        (("2.9.1", "v2.9.1"), ["2.9.1"]),
        ((">=2.5,<2.7",), ["2.5.0", "2.5.1", "2.6.0"]),
        (("~=2.5.0", "2.9.1"), ["2.5.0", "2.5.1", "2.9.1"]),
        (("torch-auto>=2.5,<2.6",), ["2.5.0", "2.5.1"]),
    ],
)
def test_releases_are_understood(
    plan: Callable[..., tuple[int, str, str]], words: tuple[str, ...], releases: list[str]
) -> None:
    """As people write them."""
    document = json.loads(plan(machines.cpu(), "--json", *words)[1])
    assert [item["release"] for item in document["plans"]] == releases


ARGUMENTS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "a release": ("2.5.1",),
    "exact": ("2.5.1", "2.9.1", "--pin", "exact"),
    "PyPI": ("--backend", "pypi"),
    "extras": ("--with", "vision,audio"),
    "every release": tuple(release.version for release in load().releases),
}


def check_document(document: dict[str, Any]) -> None:
    """What plan --json prints is as its schema says, and each reason in it has words of its own."""
    jsonschema.validate(document, schema("plan"))
    for reason in reasons_in(document):
        assert reason["text"]
        assert "a reason of a newer torch-auto" not in reason["text"]


def reasons_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every reason in a JSON value, those that are values of others among them."""
    if isinstance(value, dict):
        if "code" in value:
            yield value
        for item in value.values():
            yield from reasons_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from reasons_in(item)


@pytest.mark.parametrize("name", ["plan", "fleet", "machine"])
def test_a_schema_is_one(name: str) -> None:
    """The published schemas are JSON schemas of their draft."""
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize("make", machines.MACHINES.values(), ids=machines.MACHINES)
def test_json_is_as_its_schema_says(
    plan: Callable[..., tuple[int, str, str]], make: dict[str, Any], arguments: tuple[str, ...]
) -> None:
    """plan --json on every machine of the tests, with and without releases, settings and extras."""
    _, out, _ = plan(make, "--json", *arguments)
    document = json.loads(out)
    check_document(document)
    releases = [item["release"] for item in document["plans"]]
    asked = [argument for argument in arguments if argument[0] == "2" and "." in argument]
    assert releases[: len(asked)] == asked
    assert releases
    assert ("newest" in document) == (not asked)
    assert all(set(item["extras"]) == {"vision", "audio"} for item in document["plans"])


@pytest.mark.parametrize("groups", ["2.13.0+cpu,2.13.0+cu126,2.13.0+rocm7.1", "2.5.1+cu118,2.9.1+cpu"])
@pytest.mark.parametrize("make", machines.MACHINES.values(), ids=machines.MACHINES)
def test_json_with_groups(
    plan: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, make: dict[str, Any], groups: str
) -> None:
    """The same with groups, where one plan is for all releases, and has no extras."""
    monkeypatch.setenv("TORCH_AUTO_GROUPS", groups)
    _, out, _ = plan(make, "--json")
    document = json.loads(out)
    check_document(document)
    [only] = document["plans"]
    assert only["group"].removeprefix("torch-") in groups.replace("rocm7.1", "rocm7-1")
    assert only["extras"] == {}


def test_the_size_of_a_wheel_is_told(plan: Callable[..., tuple[int, str, str]]) -> None:
    """PyPI's is known of every build that it has; what is not known is said to be unknown."""
    _, out, _ = plan(machines.h100_580(), "2.9.1", "--backend", "pypi")
    assert "\nDownload, without what torch requires: torch 2.9.1 from PyPI: 900 MB.\n" in out
    _, out, _ = plan(machines.a100_550(), "2.9.1", "--why")
    known = sizes("2.9.1", "linux_x86_64", "cu126").index
    size = f"{known / 1e6:,.0f} MB" if known else "size not known"
    both = f"torch 2.9.1+cu126: {size}; torch 2.9.1 from PyPI: 900 MB."
    assert f"Download, without what torch requires: {both}" in " ".join(out.split())
    _, out, _ = plan(machines.a100_550(), "2.15.0")
    assert "Download" not in out


def source(name: str) -> str:
    """What sources.json says of a source, as far as it is not wrapped."""
    found: dict[str, str] = json.loads((DATA / "sources.json").read_text("utf-8"))["sources"]
    return " ".join(found[name].split())


def test_each_fact_says_how_it_is_known(plan: Callable[..., tuple[int, str, str]]) -> None:
    """--why names the confidence and the source of the build, its GPUs, its driver and PyPI's build."""
    machine = machines.a100_550()
    _, without, _ = plan(machine, "2.14.1")
    assert "How this is known" not in without
    _, out, _ = plan(machine, "2.14.1", "--why")
    known = " ".join(out.partition(f"\nHow this is known, as of {load().as_of}:\n")[2].split())
    [row] = [row for row in ROWS["2.14.1", "linux_x86_64"] if row["torch_backend"] == "cu126"]
    assert f"- torch 2.14.1+cu126 exists: {row['confidence']} ({row['source']}: {source(row['source'])}" in known
    assert f"- the GPUs that it is for: {row['arch_confidence']} ({row['arch_source']}: " in known
    assert "- the oldest NVIDIA driver for its CUDA major version: published (nvidia-compat: docs.nvidia.com" in known
    assert "- PyPI's build of 2.14.1: verified (pypi-wheel: torch/version.py" in known
    _, out, _ = plan(machines.cpu(), "2.14.1", "--why", "--json")
    document = json.loads(out)
    assert document["as_of"] == load().as_of
    assert [item["about"] for item in document["plans"][0]["known"]] == ["build", "pypi"]


def test_every_build_has_an_origin() -> None:
    """Each build of each release says how it is known, and how its GPUs are, where it is for GPUs by their code."""
    for release in load().releases:
        for platform, here in release.platforms.items():
            for build in here.builds:
                about = [item.about for item in origins(release.version, platform, build.torch_backend)]
                assert about[0] == "build"
                assert ("gpus" in about) == bool(build.sm or build.gfx)
                assert ("pypi" in about) == (here.public is not None)
            if here.public is not None:
                assert sizes(release.version, platform, here.public.torch_backend).pypi


def test_the_catalogs_age_is_told() -> None:
    """plan and info end with how old the knowledge is, since a newer torch is beyond it."""
    known = load()
    day = date.fromisoformat(known.as_of)
    start = f"Builds of torch up to {known.newest.version} are known, as of {known.as_of}"
    for days, ago in [(0, "today"), (1, "yesterday"), (400, "400 days ago")]:
        assert catalog_age(known, day + timedelta(days)) == f"{start} ({ago})."


def test_plan_and_info_tell_the_catalogs_age(
    plan: Callable[..., tuple[int, str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The line stands last, in each form that is for people."""
    for arguments in ((), ("2.5.1",)):
        assert plan(machines.cpu(), *arguments)[1].splitlines()[-1].startswith("Builds of torch up to ")
    assert main(["info"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Builds of torch up to ")


def test_settings_of_the_command(plan: Callable[..., tuple[int, str, str]]) -> None:
    """--backend, --pin and --index-url do what the settings of a build do."""
    _, out, _ = plan(machines.a100_550(), "2.9.1", "--pin", "exact", "--index-url", "https://mirror.test/whl", "--json")
    found = json.loads(out)["plans"][0]
    assert found["requirements"][0].startswith("torch==2.9.1+cu126; ")
    assert found["index_url"] == "https://mirror.test/whl/cu126"
    assert found["pages"] == ["https://mirror.test/whl/torch/"]
    _, out, _ = plan(machines.a100_550(), "2.9.1", "--backend", "cpu", "--json")
    assert json.loads(out)["plans"][0]["torch_backend"] == "cpu"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("2.5.9",), "torch 2.5.9 is not in the catalog; it knows 2.0.0, 2.0.1"),
        (("99.9",), "torch 99.9 is not in the catalog; it knows 2.0.0, 2.0.1"),
        ((">=3",), "no release of torch is >=3; there are 2.0.0 to "),
        (("2.9.1+cu126",), "that is a build, not a release. Ask for 2.9.1 with --backend cu126"),
        (("vision",), "'vision' is not a release of torch. These are understood: 2.5.1, 2.5, latest"),
        (("--backend", "cu999"), "--backend: 'cu999' is not a torch backend"),
        (("--pin", "x", "--index-url", "y"), "2 invalid settings"),
    ],
)
def test_what_is_wrong_is_said_on_stderr_with_status_2(
    plan: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], expected: str
) -> None:
    """A wrong release or setting prints nothing on stdout, and says what would be right."""
    status, out, err = plan(machines.cpu(), *arguments)
    assert (status, out) == (2, "")
    assert expected in err


def test_a_machine_file_that_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file that is no machine is refused by name, a missing one as well."""
    path = tmp_path / "machine.json"
    path.write_text("{}", "utf-8")
    assert main(["plan", "--machine", str(path)]) == 2
    assert "version: must be 1" in capsys.readouterr().err
    assert main(["plan", "--machine", str(tmp_path / "none.json")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_info_json_is_a_machine_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What info --json prints of this machine is what --machine takes."""
    assert main(["info", "--json"]) == 0
    out = capsys.readouterr().out
    jsonschema.validate(json.loads(out), schema("machine"))
    machine_from_json(json.loads(out))
    path = tmp_path / "machine.json"
    path.write_text(out, "utf-8")
    assert main(["plan", "--machine", str(path), "--json"]) == 0
    capsys.readouterr()
    assert main(["info", "--jsonl"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == json.loads(out)
