"""``torch-auto plan`` with several machines, and with groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from support import docs, machines

from torch_auto.cli import main
from unit.cli.test_plan import reasons_in, schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EIGHT = ["cpu", "a100-550", "h100-580", "rtx5090-575", "p100-580", "mi300", "arc-b580", "macos-arm64"]
THREE = "2.13.0+cpu,2.13.0+cu126,2.13.0+rocm7.1"


@pytest.fixture
def plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """``plan(names, *arguments)`` runs ``torch-auto plan`` for these machines: (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(names: list[str], *arguments: str) -> tuple[int, str, str]:
        given = []
        for name in names:
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(machines.MACHINES[name.partition("@")[0]]), "utf-8")
            given += ["--machine", path.name]
        status = main(["plan", *given, *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_eight_machines(plan: Callable[..., tuple[int, str, str]]) -> None:
    """The answer comes first; then who gets what, why, and how to come to one lock."""
    status, out, err = plan(EIGHT)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:5] == [
        "No one torch backend runs on all 8 machines.",
        (
            "torch 2.13.0 is the newest that supports them all, "
            "with 5 torch backends, cpu, cu126, cu129, rocm7.2 and xpu."
        ),
        "  torch 2.13.0+cpu      cpu.json (no GPU)",
        "  torch 2.13.0          macos-arm64.json (Apple silicon)",
        "  torch 2.13.0+cu126    a100-550.json (NVIDIA A100-SXM4-80GB (compute capability 8.0), driver 550.54.14)",
    ]
    one_lock = "torch-auto init --portable --releases 2.13.0 --backends cpu,cu126,cu129,rocm7.2,xpu"
    assert f"One lock for them: {one_lock}" in lines
    [pages] = [line for line in lines if line.startswith("PyTorch's pages: ")]
    assert "/whl/triton-rocm/," in pages
    assert lines[-1].startswith("Builds of torch up to ")


def test_the_docs_show_what_is_printed(plan: Callable[..., tuple[int, str, str]]) -> None:
    """The example of docs/reference/command.md, line by line."""
    [block] = [
        block
        for block in docs.blocks(docs.ROOT / "docs" / "reference" / "command.md")
        if "run by" in block.marks and "plan --machine" in block.text
    ]
    command, *shown = block.text.splitlines()
    names = [word[: -len(".json")] for word in command.split() if word.endswith(".json")]
    printed = plan(names)[1].splitlines()
    lines = [line for line in shown if not line.endswith("...")]
    assert [line for line in printed if line in lines] == lines
    assert len(lines) > 5


def test_one_answer_for_a_cluster(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Nodes of one kind are one line, however many; one torch backend for all is the first answer."""
    nodes = [f"a100-550@{number}" for number in range(12)]
    _, out, _ = plan([*nodes, "p100-580", "cpu"])
    lines = out.splitlines()
    assert lines[0] == "torch 2.14.1+cu126 runs on all 14 machines."
    assert lines[1].startswith(
        "  torch 2.14.1+cu126  12 machines: a100-550@0.json, a100-550@1.json, a100-550@2.json, .."
    )
    assert "some 3 GB with its GPU libraries" in " ".join(out.split())
    assert "With cpu and cu126 of torch 2.14.1, those without a GPU have the small cpu build." in lines


def test_a_newer_torch_is_told_beside_it(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Where one torch backend for all means an older torch, the newer one that several serve is told as well."""
    _, out, _ = plan(["gb200", "a100-550"])
    assert out.startswith("torch 2.11.0+cu128 runs on all 2 machines.\n")
    assert "\nWith cu126 and cu130 of torch 2.14.1, each of them has a newer torch.\n" in out


def test_who_is_not_served_is_named(plan: Callable[..., tuple[int, str, str]]) -> None:
    """No machine is dropped in silence: each with the reason, and with its own newest torch if it has one."""
    status, out, _ = plan(["a100-550", "rtx5090-575", "k80-470", "musl"])
    assert status == 0
    assert out.splitlines()[:2] == [
        "No release of torch supports all 4 machines.",
        "torch 2.13.0 supports 2 of them, with cu129.",
    ]
    text = " ".join(out.split())
    assert "torch 2.13.0 does not support: - k80-470.json" in text
    assert "torch 2.0.0 to 2.6.0 do. The newest for it is torch 2.6.0+cu118." in text
    assert "this system has musl 1.2. No torch supports it." in text
    _, out, _ = plan(["musl", "musl"])
    assert out.startswith("No torch supports these machines:\n")


def test_of_releases_that_are_asked_for(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Releases beside the machines are those to choose from."""
    _, out, _ = plan(["a100-550", "rtx5090-575"], "2.9.1", "2.8.0")
    assert out.startswith("torch 2.9.1+cu129 runs on all 2 machines.\n")


@pytest.mark.parametrize(
    "names",
    [
        EIGHT,
        ["a100-550", "cpu"],
        ["gb200", "a100-550"],
        ["k80-470", "rtx5090-575", "musl"],
        ["musl", "cpu"],
        sorted(machines.MACHINES),
    ],
)
def test_json_is_as_its_schema_says(plan: Callable[..., tuple[int, str, str]], names: list[str]) -> None:
    """Every machine is in it once for each answer, or apart."""
    _, out, _ = plan(names, "--json")
    document = json.loads(out)
    jsonschema.validate(document, schema("fleet"))
    assert not [reason for reason in reasons_in(document) if "a reason of a newer torch-auto" in reason["text"]]
    apart = [label for seat in document["apart"] for label in seat["labels"]]
    for cover in filter(None, (document["one"], document["fewest"])):
        inside = [label for seat in cover["machines"] for label in seat["labels"]]
        assert sorted([*inside, *apart]) == sorted(f"{name}.json" for name in names)
        assert cover["groups"] == ",".join(f"{cover['release']}+{backend}" for backend in cover["torch_backends"])


def test_every_faulty_file_is_named(plan: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """Exit status 2, and one fault for each file and setting."""
    (tmp_path / "text.json").write_text("no JSON", "utf-8")
    status, out, err = plan(
        ["cpu"], "--machine", "text.json", "--machine", "gone.json", "--index-url", "ftp://mirror.test"
    )
    assert (status, out) == (2, "")
    faults = [line for line in err.splitlines() if line.startswith("  - ")]
    assert [fault.split(":")[0] for fault in faults] == ["  - --machine", "  - --machine", "  - --index-url"]
    assert "text.json': it is not JSON" in err
    assert "gone.json' cannot be read: No such file" in err


@pytest.mark.parametrize("option", [("--backend", "cu126"), ("--pin", "exact"), ("--with", "vision")])
def test_options_for_one_machine(plan: Callable[..., tuple[int, str, str]], option: tuple[str, str]) -> None:
    """What says which build a single machine gets has no meaning for several."""
    status, _, err = plan(["cpu", "mi300"], *option)
    assert status == 2
    assert "are for one machine: for several, torch backends are looked for" in err
    assert plan(["mi300"], *option)[0] == 0


# --- one machine, with groups --------------------------------------------------------------------------------------


def test_a_plan_with_groups(plan: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The group, why, and what it requires; the same for every release of torch-auto."""
    monkeypatch.setenv("TORCH_AUTO_GROUPS", THREE)
    for releases in ((), ("2.5.1", "2.9.1")):
        status, out, _ = plan(["a100-550"], *releases)
        assert status == 0
        assert out.splitlines()[0] == "torch 2.13.0+cu126, by the group torch-cu126."
        assert "\n  - cu130: it is not among the groups\n" in out
        assert "\nThe group torch-cu126 requires, and the wheel no torch:\n  torch==2.13.0+cu126; (sys_platform" in out
    _, out, _ = plan(["a100-550"], "--json")
    document = json.loads(out)
    jsonschema.validate(document, schema("plan"))
    [only] = document["plans"]
    assert (only["group"], only["release"], only["index_url"]) == (
        "torch-cu126",
        "2.13.0",
        "https://download.pytorch.org/whl",
    )
    assert document["newest"] == {"with_pages": "2.13.0", "without_pages": None}


def test_wrong_groups(plan: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that PyTorch never published is a fault of the user's, with what is valid."""
    monkeypatch.setenv("TORCH_AUTO_GROUPS", "2.13.0+cu124")
    status, _, err = plan(["a100-550"])
    assert status == 2
    assert "TORCH_AUTO_GROUPS: '2.13.0+cu124': torch 2.13.0 does not have such a build; valid are cpu, cu126" in err
