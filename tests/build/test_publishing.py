"""The sdists are fit to publish: valid, complete, reproducible, small, taken by PyPI; and the wheels are not taken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from support import frontends, hooks, machines, warehouse

from torch_auto import catalog
from torch_auto.distribution import wheel_metadata
from torch_auto.machine_file import machine_from_json
from torch_auto.plan import make_plan
from torch_auto.settings import Settings

if TYPE_CHECKING:
    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

ROOT = Path(__file__).resolve().parent.parent
CATALOG = catalog.load()

#: Every file of an sdist, a line each. A new module is a new line there, written on purpose.
CONTENTS = (ROOT / "tests" / "contents.txt").read_text("utf-8").split()
PACKAGE = [name for name in CONTENTS if name.startswith("torch_auto/")]
#: Bytes. docs/publishing.md says what they are made of, and why there are not fewer.
LARGEST_SDIST = 165_000


def every(sdists: Path) -> list[Path]:
    """The sdists of all releases."""
    return sorted(sdists.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def sdist(sdists: Path) -> Path:
    """The sdist of 2.5.1."""
    return sdists / "torch_auto-2.5.1.tar.gz"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, sdist: Path) -> Path:
    """The same, unpacked."""
    return hooks.unpack(sdist, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Path:
    """The wheel that this machine builds of it, with a pin of a local version in its METADATA."""
    return hooks.call("build_wheel", tree, tmp_path_factory.mktemp("wheel"), {"backend": "cpu", "pin": "exact"})


@pytest.fixture(scope="module")
def repair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of a post-release, 2.5.1.post1."""
    return hooks.call("build_sdist", ROOT, tmp_path_factory.mktemp("post"), env={"TORCH_AUTO_VERSION": "2.5.1.post1"})


# --- PyPI's rules ------------------------------------------------------------------------------------------------


def test_pypi_takes_every_sdist(sdists: Path, repair: Path) -> None:
    """None of warehouse's rules for a file and its PKG-INFO refuses an sdist, of a release or of a post-release."""
    found = {path.name: warehouse.refusals(path) for path in [*every(sdists), repair]}
    assert found == {path.name: [] for path in [*every(sdists), repair]}
    assert len(found) == 29


def test_twine_has_nothing_to_say(sdists: Path, repair: Path) -> None:
    """``twine check --strict`` passes all of them, without a warning."""
    twine = frontends.tool("twine")
    command = [str(twine.python), "-m", "twine", "--no-color", "check", "--strict"]
    command += [str(path) for path in [*every(sdists), repair]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 29, done.stdout
    assert "WARNING" not in done.stdout + done.stderr


def test_the_readme_is_the_project_page(sdists: Path) -> None:
    """PKG-INFO holds the README, and PyPI's renderer makes a page of it, with its tables."""
    renderer = frontends.tool("readme_renderer", "readme_renderer[md]")
    code = "import sys; from readme_renderer.markdown import render; print(render(sys.stdin.read(), variant='GFM'))"
    readme = (ROOT / "README.md").read_text("utf-8")
    done = subprocess.run(
        [renderer.python, "-X", "utf8", "-c", code], input=readme, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.count("<table>") == len(re.findall(r"^\|-", readme, re.MULTILINE))
    assert re.search(r"<h1[^>]*>torch-auto<", done.stdout)
    for path in every(sdists):
        info = BytesParser().parsebytes(hooks.sdist_file(path, "PKG-INFO"))
        assert info["Description-Content-Type"] == "text/markdown"
        assert str(info.get_payload()).strip() == readme.strip()


@pytest.mark.parametrize("name", machines.MACHINES)
def test_metadata_is_valid_on_every_machine(sdists: Path, name: str) -> None:
    """METADATA of any machine and any release is what packaging and PyPI call valid, local versions in it as well."""
    machine = machine_from_json(machines.MACHINES[name])
    locals_seen = 0
    for release in CATALOG.releases:
        pkg_info = hooks.sdist_file(sdists / f"torch_auto-{release.version}.tar.gz", "PKG-INFO").decode()
        for pin in ("prefer", "exact"):
            plan = make_plan(release, machine, Settings(pin=pin), CATALOG)
            text = wheel_metadata(pkg_info, plan)
            assert warehouse.judge_metadata(text.encode())[1] == [], release.version
            locals_seen += "+" in text.partition("\n\n")[0]
    assert locals_seen


def test_pypi_refuses_a_wheel_of_linux_for_its_platform_alone(wheel: Path) -> None:
    """What one Linux machine's build found out cannot be uploaded by mistake, and nothing else is wrong with it."""
    tag = wheel.name.rsplit("-", 1)[1].removesuffix(".whl")
    assert "Requires-Dist: torch==2.5.1+cpu" in hooks.wheel_file(wheel, "*.dist-info/METADATA").decode()
    if sys.platform.startswith("linux"):
        assert tag.startswith("linux_")
        assert warehouse.refusals(wheel) == [f"platform tag {tag!r}"]
    else:
        assert warehouse.refusals(wheel) == []  # PyPI's rule knows nothing of such a wheel: see the next test


def test_only_sdists_are_released() -> None:
    """Wheels of Windows and macOS have tags that PyPI takes, so the release hands on ``*.tar.gz`` and nothing else."""
    assert warehouse.takes_platform("win_amd64")
    assert warehouse.takes_platform("macosx_14_0_arm64")
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    uploads = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
    assert uploads == ["dist/*.tar.gz"]
    made = [line for step in jobs["build"]["steps"] for line in step.get("run", "").splitlines() if " dist" in line]
    assert made == ['python tools/build_sdists.py dist "$TAG"', "sha256sum dist/*"]


def test_a_release_is_checked_before_it_is_published() -> None:
    """The release makes its files a second time, compares, and runs twine and these tests, or publishes nothing."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))["jobs"]
    run = "\n".join(step.get("run", "") for step in jobs["check"]["steps"])
    for command in ("diff --recursive dist again", "twine check --strict dist/*", "tests/test_publishing.py"):
        assert command in run
    assert "check" in jobs["attest"]["needs"]
    assert "check" in jobs["publish"]["needs"]
    assert [name for name, job in jobs.items() if job["permissions"].get("id-token")] == ["attest", "publish"]


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ("2.5.1", ["2.5.1"]),
        ("2.5.1.post1", ["2.5.1.post1"]),
        ("all.post1", [f"{release.version}.post1" for release in CATALOG.releases]),
        ("all.rc1", []),
        ("2.5.9", []),
    ],
)
def test_a_tag_names_what_is_made(tmp_path: Path, asked: str, made: list[str]) -> None:
    """A release, a repair of one, or a repair of all; anything else ends with what there is and makes nothing."""
    command = [sys.executable, str(ROOT / "tools" / "build_sdists.py"), str(tmp_path), asked]
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=False).stdout.split()
    assert listed == [f"torch_auto-{version}.tar.gz" for version in made]
    if len(made) > 1:
        return  # half a second each
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [path.name for path in tmp_path.iterdir()] == listed
    assert (done.returncode == 0) == bool(made)
    assert made or "is not in the catalog; it knows 2.0.0, 2.0.1" in done.stderr


@pytest.mark.parametrize(
    ("tag", "taken"),
    [
        ("any", True), ("manylinux_2_28_x86_64", True), ("manylinux2014_aarch64", True), ("musllinux_1_2_x86_64", True),
        ("macosx_10_9_x86_64", True), ("macosx_11_0_arm64", True), ("win_arm64", True), ("linux_armv7l", True),
        ("linux_x86_64", False), ("linux_aarch64", False), ("manylinux2014_riscv64", False),
        ("macosx_14_5_arm64", False), ("freebsd_14_0_release_amd64", False),
    ],
)  # fmt: skip
def test_platform_tags_as_warehouse_judges_them(tag: str, taken: bool) -> None:
    """The rule that the tests above go by is warehouse's, for a tag of each kind."""
    assert warehouse.takes_platform(tag) is taken


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("Version: 2.5.1+cpu", "local version"),
        ("Classifier: Private :: Do Not Upload", "classifier"),
        ("Requires-Dist: torch @ https://download.pytorch.org/whl/torch.whl", "URL"),
        ("Requires-Dist: torch>>2", "torch>>2"),
        (f"Project-URL: {'x' * 33}, https://download.pytorch.org", "project URL"),
        ("Project-URL: index, download.pytorch.org", "project URL"),
        ("Dynamic: Version", "version"),
        (f"Summary: {'x' * 513}", "summary"),
    ],
)
def test_what_pypi_refuses_is_refused_here(sdist: Path, line: str, refused: str) -> None:
    """The rules that the tests above go by catch a PKG-INFO with one line that PyPI would refuse."""
    name = line.partition(":")[0]
    kept = [old for old in hooks.sdist_file(sdist, "PKG-INFO").decode().splitlines() if not old.startswith(f"{name}:")]
    _, faults = warehouse.judge_metadata("\n".join([kept[0], line, *kept[1:]]).encode())
    assert len(faults) == 1
    assert refused in faults[0]


# --- contents ----------------------------------------------------------------------------------------------------


def test_every_sdist_has_exactly_these_files(sdists: Path, repair: Path) -> None:
    """The files of tests/contents.txt, no more and no fewer, readable by all, owned by nobody, in one folder."""
    assert sorted(CONTENTS) == CONTENTS
    for path in [*every(sdists), repair]:
        top = path.name[: -len(".tar.gz")]
        with tarfile.open(path) as archive:
            members = archive.getmembers()
        names = [member.name.partition("/")[2] for member in members]
        assert {"not listed": sorted({*names} - {*CONTENTS}), "listed": sorted({*CONTENTS} - {*names})} == {
            "not listed": [],
            "listed": [],
        }
        assert len(names) == len(CONTENTS)
        assert {member.name.partition("/")[0] for member in members} == {top}
        assert {(member.isreg(), member.mode, member.uid, member.uname) for member in members} == {(True, 0o644, 0, "")}


def test_a_wheel_has_exactly_these_files(wheel: Path) -> None:
    """The package as it is in the sdist, this machine's record, and the metadata."""
    info = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(archive.namelist())
        modes = {item.external_attr >> 16 & 0o777 for item in archive.infolist()}
    assert names == sorted([*PACKAGE, "torch_auto/selection.json", *(f"torch_auto-2.5.1.dist-info/{n}" for n in info)])
    assert modes == {0o644}


def test_what_git_tracks_is_published_unchanged(tree: Path) -> None:
    """Each file that git tracks in the package is in the sdist with its own bytes, and none that git ignores."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a clone of the repository")
    git = ["git", "-c", f"safe.directory={ROOT.as_posix()}"]
    tracked = subprocess.run([*git, "ls-files", "torch_auto"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= set(PACKAGE)
    for name in [name for name in CONTENTS if name != "PKG-INFO"]:
        assert (tree / name).read_bytes() == (ROOT / name).read_bytes(), name
    ignored = subprocess.run([*git, "check-ignore", *CONTENTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout == ""


def test_sdists_differ_in_what_names_their_release_alone(sdists: Path, sdist: Path) -> None:
    """All files but PKG-INFO are the same in all sdists; PKG-INFO differs in Version and Requires-Python."""

    def files(path: Path) -> dict[str, bytes]:
        with tarfile.open(path) as archive:
            return {m.name.split("/", 1)[1]: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]

    expected = files(sdist)
    info = expected.pop("PKG-INFO").decode().splitlines()
    for path in every(sdists):
        found = files(path)
        lines = zip(found.pop("PKG-INFO").decode().splitlines(), info, strict=True)
        assert found == expected
        assert {line.split(":")[0] for pair in lines if pair[0] != pair[1] for line in pair} <= {
            "Version",
            "Requires-Python",
        }


def test_an_sdist_is_small(sdists: Path) -> None:
    """No sdist is larger than what docs/publishing.md accounts for."""
    assert f"limit of {LARGEST_SDIST // 1000} kB" in (ROOT / "docs" / "publishing.md").read_text("utf-8")
    assert {path.name: path.stat().st_size for path in every(sdists) if path.stat().st_size > LARGEST_SDIST} == {}


# --- the same bytes everywhere -----------------------------------------------------------------------------------

#: What may differ from machine to machine and must not show.
ELSEWHERE = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONUTF8": "0", "USER": "somebody"}


def copy_of_the_sources(folder: Path, *, mode: int, mtime: int) -> Path:
    """The files that an sdist is made of, elsewhere, with other times and permissions."""
    for name in CONTENTS:
        if name != "PKG-INFO":
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((ROOT / name).read_bytes())
            path.chmod(mode)
            os.utime(path, (mtime, mtime))
    return folder


def test_sdists_are_the_same_bytes_everywhere(tmp_path: Path, sdist: Path) -> None:
    """Folder, umask, permissions, file times, time zone and locale leave no trace in an sdist."""
    copy = copy_of_the_sources(tmp_path / "a folder with ü", mode=0o600, mtime=1)
    made = hooks.call(
        "build_sdist", copy, tmp_path / "out", umask=0o077, env={**ELSEWHERE, "TORCH_AUTO_VERSION": "2.5.1"}
    )
    assert made.read_bytes() == sdist.read_bytes()


def test_the_tool_makes_the_same_bytes_at_any_date(tmp_path: Path, sdist: Path) -> None:
    """tools/build_sdists.py gives SOURCE_DATE_EPOCH no say."""
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, str(ROOT / "tools" / "build_sdists.py"), str(tmp_path), "2.5.1"]
    subprocess.run(command, env=env, capture_output=True, check=True)
    assert (tmp_path / sdist.name).read_bytes() == sdist.read_bytes()


def test_wheels_of_one_machine_are_the_same_bytes(tmp_path: Path, sdist: Path, tree: Path, wheel: Path) -> None:
    """Two builds on one machine make one wheel, from the sdist and from the checkout, wherever they run."""
    settings = {"backend": "cpu", "pin": "exact"}
    copy = hooks.unpack(sdist, tmp_path / "a folder with ü")
    again = hooks.call("build_wheel", copy, tmp_path / "again", settings, umask=0o077, env=ELSEWHERE)
    checkout = hooks.call("build_wheel", ROOT, tmp_path / "checkout", settings, env={"TORCH_AUTO_VERSION": "2.5.1"})
    date = {"SOURCE_DATE_EPOCH": "1700000000"}
    dated = [hooks.call("build_wheel", tree, tmp_path / name, settings, env=date) for name in "ab"]
    assert again.read_bytes() == wheel.read_bytes()
    assert checkout.read_bytes() == wheel.read_bytes()
    assert dated[0].read_bytes() == dated[1].read_bytes()


def test_files_above_the_build_change_nothing(tmp_path: Path, sdist: Path, wheel: Path) -> None:
    """A .hgignore or .gitignore in the home above an installer's cache leaves the wheel whole."""
    for name, line in ((".hgignore", "syntax: glob\n*.json\n"), (".gitignore", "*.json\n*.py\n")):
        (tmp_path / name).write_text(line, "utf-8")
    tree = hooks.unpack(sdist, tmp_path / "cache")
    made = hooks.call("build_wheel", tree, tmp_path / "out", {"backend": "cpu", "pin": "exact"})
    assert made.read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("variable", ["HATCH_BUILD_NO_HOOKS", "HATCH_BUILD_HOOKS_ONLY", "HATCH_BUILD_CLEAN"])
def test_switches_for_the_users_own_projects_change_nothing(
    tmp_path: Path, tree: Path, wheel: Path, variable: str
) -> None:
    """Whoever switches hatchling's hooks off for projects of their own still gets torch."""
    made = hooks.call("build_wheel", tree, tmp_path, {"backend": "cpu", "pin": "exact"}, env={variable: "true"})
    assert made.read_bytes() == wheel.read_bytes()


# --- post-releases -----------------------------------------------------------------------------------------------


@pytest.fixture
def repaired(published: TorchIndex, repair: Path) -> TorchIndex:
    """The index with 2.5.1.post1 beside 2.5.1."""
    published.add(repair.parent)
    return published


#: What is asked for -> the torch-auto that comes of it (PEP 440: == takes no post-release, a wildcard and a range do).
ASKED = {
    "torch-auto==2.5.1": "2.5.1",
    "torch-auto==2.5.1.*": "2.5.1.post1",
    "torch-auto~=2.5.1": "2.5.1.post1",
    "torch-auto<2.6": "2.5.1.post1",
    "torch-auto torch==2.5.1": "2.5.1.post1",
}


@pytest.mark.frontend
@pytest.mark.usefixtures("repaired")
def test_uv_prefers_a_post_release(uv: Frontend, sandbox: Sandbox) -> None:
    """uv takes 2.5.1.post1, which pins torch 2.5.1, for everything that allows it, and 2.5.1 for ``==2.5.1``."""
    found = {}
    source = sandbox.root / "in.txt"
    for asked in ASKED:
        source.write_text("\n".join(asked.split()) + "\n", "utf-8")
        done = uv.run(["pip", "compile", "--no-annotate", source])
        found[asked] = dict(re.findall(r"^(torch-auto|torch)==(\S+)$", done.stdout, re.MULTILINE))
    assert found == {asked: {"torch-auto": version, "torch": "2.5.1"} for asked, version in ASKED.items()}


@pytest.mark.frontend
@pytest.mark.usefixtures("repaired")
def test_pip_prefers_a_post_release(pip: Frontend) -> None:
    """pip does the same."""
    found = {}
    for asked in ("torch-auto==2.5.1", "torch-auto==2.5.1.*", "torch-auto<2.6"):
        done = pip.run(["install", "--dry-run", "--ignore-installed", *asked.split()])
        (line,) = re.findall(r"^Would install (.*)$", done.stdout, re.MULTILINE)
        found[asked] = sorted(name for name in line.split() if name.startswith("torch"))
    assert found == {asked: ["torch-2.5.1", f"torch-auto-{ASKED[asked]}"] for asked in found}
