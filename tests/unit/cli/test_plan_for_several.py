"""``torch-auto plan`` with several machines, and with groups."""

from __future__ import annotations

import io
import json
import re
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
    monkeypatch.setattr("torch_auto.cli.render.fleet.typed", lambda _: "torch-auto")

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


def rows(out: str) -> list[list[str]]:
    """The rows of the first table in an output, its cells apart."""
    lines = out.split("\n\n")[1].splitlines()
    return [re.split(r" {2,}", line.strip()) for line in lines]


def test_the_eight_machines(plan: Callable[..., tuple[int, str, str]]) -> None:
    """The answer comes first; then who gets what, and how to come to one lock."""
    status, out, err = plan(EIGHT)
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == [
        "No one torch backend runs on all 8 machines.",
        "torch 2.13.0 is the newest that supports them all, with 5 torch backends: cpu, cu126, cu129, rocm7.2",
    ]
    assert rows(out)[0] == ["machines", "torch", "names"]
    assert ["1 × NVIDIA A100-SXM4-80GB, driver 550.54.14", "2.13.0+cu126", "a100-550.json"] in rows(out)
    assert ["1 × Apple silicon", "2.13.0", "macos-arm64.json"] in rows(out)
    assert len(rows(out)) == 9
    one_lock = "torch-auto init --portable --releases 2.13.0 --backends cpu,cu126,cu129,rocm7.2,xpu"
    assert f"\nOne lock for them:\n  {one_lock}\n" in out
    assert out.splitlines()[-1].startswith("Builds of torch up to ")
    _, out, _ = plan(EIGHT, "--why")
    [pages] = [line for line in out.splitlines() if line.startswith("PyTorch's pages: ")]
    assert "/whl/triton-rocm/," in pages
    assert "  - no GPU: No GPU was found, so torch-cpu is taken.\n" in out


def test_the_docs_show_what_is_printed(plan: Callable[..., tuple[int, str, str]]) -> None:
    """The example of docs/reference/command.md, line by line."""
    [block] = [
        block
        for block in docs.blocks(docs.ROOT / "docs" / "reference" / "command.md")
        if block.text.startswith("$ torch-auto plan --machine")
    ]
    command, *shown = block.text.splitlines()
    names = [word[: -len(".json")] for word in command.split() if word.endswith(".json")]
    printed = plan(names)[1].splitlines()
    lines = shown[: shown.index("...")]
    assert printed[: len(lines)] == lines
    assert len(lines) > 5


def test_one_answer_for_a_cluster(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Nodes of one kind are one line, however many; one torch backend for all is the first answer."""
    nodes = [f"a100-550@{number}" for number in range(12)]
    _, out, _ = plan([*nodes, "p100-580", "cpu"], "--why")
    assert out.splitlines()[0] == "torch 2.14.1+cu126 runs on all 14 machines."
    assert rows(out)[1][:3] == [
        "12 × NVIDIA A100-SXM4-80GB, driver",
        "2.14.1+cu126",
        "a100-550@0.json, a100-550@1.json,",
    ]
    text = " ".join(out.split())
    assert "a100-550@0.json, a100-550@1.json, 550.54.14 a100-550@2.json and 9 more" in text
    assert "some 3 GB with its GPU libraries" in text
    assert "With cpu and cu126 of torch 2.14.1, machines without a GPU get the small cpu build." in text
    _, _, below = out.partition("small cpu build.\n\n")
    table = below.partition("Why:")[0].splitlines()  # only what is not as in the first answer
    assert [line.split()[-2:] for line in table] == [["torch", "names"], ["2.14.1+cpu", "cpu.json"]]


def test_a_newer_torch_is_told_beside_it(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Where one torch backend for all means an older torch, the newer one that several serve is told as well."""
    _, out, _ = plan(["gb200", "a100-550"])
    assert out.startswith("torch 2.11.0+cu128 runs on all 2 machines.\n")
    assert "\nWith cu126 and cu130 of torch 2.14.1, each of them gets a newer torch.\n" in out


def test_who_is_not_served_is_named(plan: Callable[..., tuple[int, str, str]]) -> None:
    """No machine is dropped in silence: each with the reason, and with its own newest torch if it has one."""
    status, out, _ = plan(["a100-550", "rtx5090-575", "k80-470", "musl"])
    assert status == 0
    assert out.splitlines()[:2] == [
        "No release of torch supports all 4 machines.",
        "torch 2.13.0 supports 2 of them, with cu129.",
    ]
    text = " ".join(out.split())
    assert "torch 2.13.0 does not support: - 1 × NVIDIA Tesla K80, driver 470.57.02 (k80-470.json): torch" in text
    assert "torch 2.0.0 to 2.6.0 do. The newest for it is torch 2.6.0+cu118." in text
    assert "this system has musl 1.2. No torch supports it." in text
    _, out, _ = plan(["musl", "musl"])
    assert out.startswith("No torch supports these machines:\n")


def test_of_releases_that_are_asked_for(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Releases beside the machines are those to choose from."""
    _, out, _ = plan(["a100-550", "rtx5090-575"], "2.9.1", "2.8.0")
    assert out.startswith("torch 2.9.1+cu129 runs on all 2 machines.\n")


def test_it_says_that_releases_were_named(plan: Callable[..., tuple[int, str, str]]) -> None:
    """What is true of some releases is not said of all."""
    _, out, _ = plan(["a100-550", "p100-580", "v100-470"], "2.9.1", "2.14.1")
    text = " ".join(out.split())
    assert text.startswith("None of the releases that you named supports all 3 machines. torch 2.14.1 supports 2 of")
    assert "None of those that you named supports it." in text
    assert "No release of torch" not in text
    _, out, _ = plan(["p100-580", "rtx5090-575"], "2.9.1", "2.12.1")
    assert "torch 2.12.1 is the newest of the releases that you named that supports them all" in " ".join(out.split())
    _, out, _ = plan(["k80-470"] * 2, "2.9.1")
    assert out.startswith("None of the releases that you named supports these machines:\n")


def test_releases_are_understood(plan: Callable[..., tuple[int, str, str]]) -> None:
    """A range is all that are in it, 2.9 is the newest 2.9.x."""
    for words in (("v2.9.1", "2.8"), ("2.8.0", "2.9.1"), (">=2.8,<2.10",)):
        document = json.loads(plan(["a100-550", "rtx5090-575"], "--json", *words)[1])
        assert (document["releases"], document["one"]["release"]) in (
            (["2.9.1", "2.8.0"], "2.9.1"),
            (["2.8.0", "2.9.1"], "2.9.1"),
            (["2.8.0", "2.9.0", "2.9.1"], "2.9.1"),
        )


def test_who_holds_the_others_back(plan: Callable[..., tuple[int, str, str]]) -> None:
    """The few without which the others would get a newer torch, or one torch backend for all, are named, and why."""
    nodes = [f"a100-550@{number}" for number in range(5)]
    _, out, _ = plan([*nodes, "v100-470"])
    text = " ".join(out.split())
    assert text.startswith("torch 2.7.1+cu118 runs on all 6 machines.")
    assert "Without this machine, the other 5 would all run torch 2.14.1+cu126: - 1 × NVIDIA Tesla V100" in text
    assert "torch 2.14.1 needs NVIDIA driver 525.60.13 or newer on NVIDIA Tesla V100" in text
    _, out, _ = plan([*nodes, "mi300"], "--json")
    [held_back] = json.loads(out)["held_back"]
    assert [seat["labels"] for seat in held_back["by"]] == [["mi300.json"]]
    assert [reason["text"] for seat in held_back["by"] for reason in seat["reasons"]] == ["it is made for NVIDIA GPUs"]
    assert (held_back["rest"]["release"], held_back["rest"]["torch_backends"]) == ("2.14.1", ["cu126"])


def test_half_of_the_machines_hold_nobody_back(plan: Callable[..., tuple[int, str, str]]) -> None:
    """Where half of them or more would have to go, or nothing is gained, nobody is named."""
    for names in (["a100-550", "mi300"], ["a100-550", "p100-580"], ["v100-470"] * 2, ["a100-550", "h100-580"]):
        assert json.loads(plan(names, "--json")[1])["held_back"] == []


def test_names_of_gpus_are_those_of_the_machines(
    plan: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines whose GPUs differ in their names alone are of one kind, and none is called by another's name."""
    both = [machines.with_nvidia("550.54.14", (name, "8.0")) for name in ("NVIDIA A100-SXM4-80GB", "NVIDIA A30")]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(both).encode())))
    _, out, _ = plan([], "--machine", "-", "--json")
    [seat] = json.loads(out)["one"]["machines"]
    assert (seat["count"], seat["labels"]) == (2, ["stdin:1", "stdin:2"])
    assert seat["kind"] == "NVIDIA A100-SXM4-80GB, driver 550.54.14 or NVIDIA A30, driver 550.54.14"


# --- where the machines come from ----------------------------------------------------------------------------------

A100, P100 = (machines.MACHINES[name] for name in ("a100-550", "p100-580"))

#: What can stand on stdin or in one file, and the labels of the two machines in it.
SEVERAL = {
    "lines": ("\n".join(map(json.dumps, (A100, P100))), [":1", ":2"]),
    "an array": (json.dumps([A100, P100], indent=2), [":1", ":2"]),
    "documents": (f"{json.dumps(A100, indent=2)}\n{json.dumps(P100, indent=2)}\n", [":1", ":2"]),
    "pdsh": (f"node7: {json.dumps(A100)}\nnode-12.example: {json.dumps(P100)}\n", ["node7", "node-12.example"]),
    "task numbers": (f"0: {json.dumps(A100)}\n1: {json.dumps(P100)}\n", ["0", "1"]),
    "parallel --tag": (f"node7\t{json.dumps(A100)}\nnode8\t{json.dumps(P100)}\n", ["node7", "node8"]),
    "Windows": ("\ufeff" + "\r\n".join(map(json.dumps, (A100, P100))), [":1", ":2"]),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_machines_in_one_place(
    plan: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """On stdin, or in a file."""
    text, labels = SEVERAL[name]
    (tmp_path / "nodes.txt").write_bytes(text.encode("utf-8"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-8"))))
    for word, start in (("nodes.txt", "nodes.txt"), ("-", "stdin")):
        document = json.loads(plan([], "--machine", word, "--json")[1])
        assert [seat["labels"] for seat in document["one"]["machines"]] == [
            [f"{start}{label}" if label[0] == ":" else label] for label in labels
        ]


def test_one_document_on_stdin(plan: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """What info --json prints, as it is."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(A100, indent=2).encode())))
    assert plan([], "--machine", "-")[1].startswith("torch 2.14.1+cu126 runs on this machine.\n")


def test_folders_and_patterns(plan: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """A folder is its *.json, a pattern what it matches; a file whose name looks like a pattern is that file."""
    for name in ("nodes/b.json", "nodes/a.json", "nodes/notes.txt", "rack1/x/c.json", "rack1/y/c.json", "[d].json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("notes" if name.endswith(".txt") else json.dumps(A100), "utf-8")
    for words, labels in (
        (["nodes"], ["a.json", "b.json"]),
        (["nodes/*.json", "[d].json"], ["a.json", "b.json", "[d].json"]),
        (["rack1/**/c.json"], ["rack1/x/c.json", "rack1/y/c.json"]),
    ):
        given = [word for name in words for word in ("--machine", name)]
        [seat] = json.loads(plan([], *given, "--json")[1])["one"]["machines"]
        assert seat["labels"] == labels
    document = json.loads(plan([], "--machine", "[d].json", "--json")[1])
    assert "plans" in document


def test_all_that_is_wrong_is_named(
    plan: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each faulty file among good ones, each faulty machine of several, and what stands for no file."""
    (tmp_path / "nodes").mkdir()
    (tmp_path / "empty").mkdir()
    for name, text in (
        ("good.json", json.dumps(A100)),
        ("half.json", json.dumps(A100)[:40]),
        ("none.json", ""),
        ("old.json", json.dumps({**A100, "version": 0})),
    ):
        (tmp_path / "nodes" / name).write_text(text, "utf-8")
    lines = [json.dumps(A100), json.dumps({**A100, "python": 3}), "no JSON"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines[:2]).encode())))
    (tmp_path / "lines.txt").write_text("\n".join(lines), "utf-8")
    words = ["nodes", "-", "lines.txt", "empty", "n*.yaml"]
    status, out, err = plan([], *[word for name in words for word in ("--machine", name)])
    assert (status, out) == (2, "")
    for fault in (
        "'empty' is a folder without a *.json file",
        "'n*.yaml' matches no file",
        "'nodes/half.json': it is not JSON: ",
        "'nodes/none.json' is empty",
        "'nodes/old.json': version: must be 1, as `torch-auto info --json` prints it",
        "stdin, machine 2: python: must be a string, not a number",
        "'lines.txt': it is not JSON from line 3 on: ",
    ):
        assert f"\n  - --machine: {fault}" in err
    assert err.count("\n  - ") == 7


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
    assert "are for one machine. For several, the torch backends are the answer" in err
    assert plan(["mi300"], *option)[0] == 0


# --- one machine, with groups --------------------------------------------------------------------------------------


def test_a_plan_with_groups(plan: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The group, why, and what it requires; the same for every release of torch-auto."""
    monkeypatch.setenv("TORCH_AUTO_GROUPS", THREE)
    for releases in ((), ("2.5.1", "2.9.1")):
        status, out, _ = plan(["a100-550"], *releases, "--why")
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
