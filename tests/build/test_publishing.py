"""What is published is valid, complete, reproducible and small; PyPI takes it, and no wheel of torch-auto."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import frontends, hooks, machines, warehouse
from support.cache import REPOSITORY as ROOT

from torch_auto import __version__, catalog
from torch_auto.cli.project.toml import parse
from torch_auto.decide import decide
from torch_auto.machine_file import machine_from_json
from torch_auto.metadata import wheel_metadata
from torch_auto.settings import Settings

if TYPE_CHECKING:
    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

CATALOG = catalog.load()

#: Every file of a torch-auto, and of the core: a new module is a new line there, written on purpose.
RELEASE = Path(__file__).with_name("contents_of_a_release.txt").read_text("utf-8").split()
CORE = Path(__file__).with_name("contents_of_the_core.txt").read_text("utf-8").split()
PACKAGE = [name for name in CORE if name.startswith("torch_auto/")]
#: Bytes. docs/maintaining/publishing.md says what they are made of.
LARGEST_SDIST = 5_000
#: A wheel of torch-auto, as this machine builds it.
EXACT_CPU = {"backend": "cpu", "pin": "exact"}


def releases(dists: Path) -> list[Path]:
    """The sdists of all releases."""
    return sorted(dists.glob("torch_auto-*.tar.gz"))


def core_files(dists: Path) -> tuple[Path, Path]:
    """The core's sdist and wheel."""
    return (
        dists / f"torch_auto_core-{__version__}.tar.gz",
        dists / f"torch_auto_core-{__version__}-py3-none-any.whl",
    )


def make(folder: Path, *names: str, **env: str) -> list[Path]:
    """What tools/build_dists.py makes for these names."""
    command = [sys.executable, str(ROOT / "tools" / "build_dists.py"), str(folder), *names]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Path(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def sdist(dists: Path) -> Path:
    """The sdist of 2.5.1."""
    return dists / "torch_auto-2.5.1.tar.gz"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, sdist: Path) -> Path:
    """The same, unpacked."""
    return hooks.unpack(sdist, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Path:
    """The wheel that this machine builds of it, with a pin of a local version in its METADATA."""
    return hooks.call("build_wheel", tree, tmp_path_factory.mktemp("wheel"), EXACT_CPU)


@pytest.fixture(scope="module")
def repair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of a post-release, 2.5.1.post1."""
    [made] = make(tmp_path_factory.mktemp("post"), "2.5.1.post1")
    return made


# --- PyPI's rules ------------------------------------------------------------------------------------------------


def test_pypi_takes_every_file(dists: Path, repair: Path) -> None:
    """None of warehouse's rules for a file and its metadata refuses a release, a post-release, or the core."""
    files = [*releases(dists), *core_files(dists), repair]
    assert {path.name: warehouse.refusals(path) for path in files} == {path.name: [] for path in files}
    assert len(files) == len(CATALOG.releases) + 3


def test_twine_has_nothing_to_say(dists: Path, repair: Path) -> None:
    """``twine check --strict`` passes all of them, without a warning."""
    twine = frontends.tool("twine")
    command = [str(twine.python), "-m", "twine", "--no-color", "check", "--strict"]
    files = [*releases(dists), *core_files(dists), repair]
    command += [str(path) for path in files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == len(files), done.stdout
    assert "WARNING" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["stubs", "core"])
def test_the_readme_is_the_project_page(dists: Path, name: str) -> None:
    """PKG-INFO holds the README, and PyPI's renderer makes a page of it."""
    renderer = frontends.tool("readme_renderer", "readme_renderer[md]")
    code = "import sys; from readme_renderer.markdown import render; print(render(sys.stdin.read(), variant='GFM'))"
    readme = (ROOT / name / "README.md").read_text("utf-8")
    done = subprocess.run(
        [renderer.python, "-X", "utf8", "-c", code], input=readme, capture_output=True, encoding="utf-8", check=True
    )
    assert re.search(r"<h1[^>]*>torch-auto", done.stdout)
    assert "<pre" in done.stdout
    for path in releases(dists) if name == "stubs" else core_files(dists)[:1]:
        info = BytesParser().parsebytes(hooks.sdist_file(path, "PKG-INFO"))
        assert info["Description-Content-Type"] == "text/markdown"
        assert str(info.get_payload()).strip() == readme.strip()


@pytest.mark.parametrize("name", machines.MACHINES)
def test_metadata_is_valid_on_every_machine(dists: Path, name: str) -> None:
    """METADATA of any machine and any release is what packaging and PyPI call valid, local versions in it as well."""
    machine = machine_from_json(machines.MACHINES[name])
    locals_seen = 0
    for release in CATALOG.releases:
        pkg_info = hooks.sdist_file(dists / f"torch_auto-{release.version}.tar.gz", "PKG-INFO").decode()
        for pin in ("prefer", "exact"):
            plan = decide(release, machine, Settings(pin=pin), CATALOG)
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


def workflow() -> dict[str, dict[str, object]]:
    """The jobs of the release workflow."""
    jobs: dict[str, dict[str, object]] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))[
        "jobs"
    ]
    return jobs


def commands_of(job: dict[str, object]) -> str:
    """The commands of a job's steps."""
    steps = job["steps"]
    assert isinstance(steps, list)
    return "\n".join(step.get("run", "") for step in steps)


def test_no_wheel_of_torch_auto_is_released() -> None:
    """Wheels of Windows and macOS have tags that PyPI takes, so the release hands on what one tool has made alone."""
    assert warehouse.takes_platform("win_amd64")
    assert warehouse.takes_platform("macosx_14_0_arm64")
    made = [line.strip() for line in commands_of(workflow()["build"]).splitlines() if " dist" in line]
    assert made == ['python tools/build_dists.py --tag "$TAG" dist', f"({DIGESTS})"]


def test_a_release_is_checked_before_it_is_published() -> None:
    """The release makes its files a second time, compares, and runs twine and these tests, or publishes nothing."""
    jobs = workflow()
    for command in ("diff --recursive dist again", "twine check --strict dist/*/*", "pytest tests/build"):
        assert command in commands_of(jobs["check"])
    assert "check" in jobs["attest"]["needs"]  # type: ignore[operator]
    assert "check" in jobs["publish"]["needs"]  # type: ignore[operator]
    tokens = [name for name, job in jobs.items() if job["permissions"].get("id-token")]  # type: ignore[attr-defined]
    assert tokens == ["attest", "publish"]


#: The digests of a folder's files, in an order that no locale changes.
DIGESTS = "cd dist && find . -type f | LC_ALL=C sort | xargs sha256sum"


def test_what_was_built_is_what_is_attested_and_published(tmp_path: Path) -> None:
    """The job that builds tells the digests, and each that takes the files compares them first."""
    jobs = workflow()
    assert jobs["build"]["outputs"] == {"digests": "${{ steps.build.outputs.digests }}"}
    for name in ("check", "attest", "publish"):
        steps = jobs[name]["steps"]
        assert isinstance(steps, list)
        uses = [step.get("uses", step.get("run", "")).partition("@")[0] for step in steps]
        at = uses.index("actions/download-artifact")
        compare = next(step for step in steps[at:] if "sha256sum" in step.get("run", ""))
        assert f'test "$({DIGESTS})" = "$DIGESTS"' in compare["run"].splitlines()
        assert compare["env"]["DIGESTS"] == "${{ needs.build.outputs.digests }}"
        assert steps.index(compare) - at <= 2, "nothing runs before it"
    (tmp_path / "dist/core").mkdir(parents=True)
    (tmp_path / "dist/core/a").write_text("a", "utf-8")

    def digests() -> str:
        return subprocess.run(["sh", "-c", DIGESTS], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    before = digests()
    assert before.endswith("  ./core/a\n")
    (tmp_path / "dist/core/b").write_text("b", "utf-8")
    assert digests() != before


def test_nothing_on_the_index_is_skipped_unseen() -> None:
    """An index takes the same file again and refuses another one of its name (warehouse, _is_duplicate_file)."""
    assert "skip-existing" not in (ROOT / ".github/workflows/release.yml").read_text("utf-8")


@pytest.mark.parametrize("group", ["build", "release"])
def test_what_a_release_installs_is_locked(group: str) -> None:
    """Each job installs one lock, in which every file has its hashes, and which has what the group asks for."""
    text = (ROOT / ".github" / "locks" / f"{group}.txt").read_text("utf-8")
    assert "://" not in text
    locked = {}
    for entry in (line for line in text.replace("\\\n", "").splitlines() if not line.startswith("#")):
        line, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        assert hashes, entry
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", part) for part in hashes), entry
        requirement = Requirement(line)
        [pin] = requirement.specifier
        assert pin.operator == "=="
        locked[canonicalize_name(requirement.name)] = pin.version
    groups = parse((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    wanted = [item for item in groups[group] if isinstance(item, str)]
    wanted += groups["dev"] if {"include-group": "dev"} in groups[group] else []
    for item in map(Requirement, wanted):
        assert item.specifier.contains(locked[canonicalize_name(item.name)]), item
    job = {"build": "build", "release": "check"}[group]
    installs = [line.strip() for line in commands_of(workflow()[job]).splitlines() if "pip install" in line]
    how = "python -m pip install --require-hashes --only-binary :all: --requirement"
    assert installs == [f"{how} .github/locks/{group}.txt"]


def test_a_core_is_published_before_the_release_that_needs_it() -> None:
    """The core goes first and, with a tag of its own, alone."""
    steps = workflow()["publish"]["steps"]
    assert isinstance(steps, list)
    uploads = [
        (step["with"]["packages-dir"], step.get("if")) for step in steps if "pypi-publish" in step.get("uses", "")
    ]
    alone = "!startsWith(github.event.release.tag_name, 'core-')"
    assert uploads == [("dist/core", None), ("dist/release", alone)]


@pytest.mark.parametrize(
    ("tag", "made"),
    [
        (f"core-{__version__}", ["core/torch_auto_core-{}-py3-none-any.whl", "core/torch_auto_core-{}.tar.gz"]),
        (
            "2.5.1",
            [
                "core/torch_auto_core-{}-py3-none-any.whl",
                "core/torch_auto_core-{}.tar.gz",
                "release/torch_auto-2.5.1.tar.gz",
            ],
        ),
        ("core-2001.1.1", []),
        ("2.5.9", []),
    ],
)
def test_what_a_tag_publishes(tmp_path: Path, tag: str, made: list[str]) -> None:
    """The core alone, or the core and a torch release; a tag that this tree cannot keep makes nothing."""
    command = [sys.executable, str(ROOT / "tools" / "build_dists.py"), "--tag", tag, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == bool(made), done.stderr
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == [name.format(__version__) for name in made]


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ("2.5.1", ["torch_auto-2.5.1.tar.gz"]),
        ("2.5.1.post1", ["torch_auto-2.5.1.post1.tar.gz"]),
        ("core", [f"torch_auto_core-{__version__}.tar.gz", f"torch_auto_core-{__version__}-py3-none-any.whl"]),
        ("2.5.9", []),
        ("all.rc1", []),
    ],
)
def test_a_tag_names_what_is_made(tmp_path: Path, asked: str, made: list[str]) -> None:
    """The core, a release, or a repair of one; anything else ends with what there is and makes nothing."""
    command = [sys.executable, str(ROOT / "tools" / "build_dists.py"), str(tmp_path), asked]
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=False).stdout.split()
    assert listed == made
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(listed)
    assert (done.returncode == 0) == bool(made)
    assert made or "is not in the catalog; it knows 2.0.0, 2.0.1" in done.stderr


def test_the_core_is_versioned_by_its_catalogs_day() -> None:
    """2026.12.1 of 2026-12-01; a second publication of a day has a number more."""
    day = ".".join(str(int(part)) for part in CATALOG.as_of.split("-"))
    assert re.fullmatch(rf"{re.escape(day)}(\.\d+)?", __version__)


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


def members(path: Path) -> list[tarfile.TarInfo]:
    """What is in an sdist."""
    with tarfile.open(path) as archive:
        return archive.getmembers()


def test_every_sdist_has_exactly_these_files(dists: Path, repair: Path) -> None:
    """The files of the two lists, no more and no fewer, readable by all, owned by nobody, in one folder."""
    core = core_files(dists)[0]
    for path in [*releases(dists), repair, core]:
        expected = CORE if path == core else RELEASE
        assert sorted(expected) == expected
        found = members(path)
        assert sorted(member.name.partition("/")[2] for member in found) == expected
        assert {member.name.partition("/")[0] for member in found} == {path.name[: -len(".tar.gz")]}
        assert {(member.isreg(), member.mode, member.uid, member.uname) for member in found} == {(True, 0o644, 0, "")}


def test_the_cores_wheel_has_exactly_these_files(dists: Path) -> None:
    """The package as it is in the sdist, with py.typed and data, and the metadata."""
    info = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    with zipfile.ZipFile(core_files(dists)[1]) as archive:
        names = sorted(archive.namelist())
    assert names == sorted([*PACKAGE, *(f"torch_auto_core-{__version__}.dist-info/{name}" for name in info)])
    assert {"torch_auto/py.typed", "torch_auto/catalog/data/builds.json"} <= set(names)


def test_what_git_tracks_is_published_unchanged(tmp_path: Path, dists: Path) -> None:
    """Each file that git tracks in the package is in the core with its own bytes, and none that git ignores."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a clone of the repository")
    tree = hooks.unpack(core_files(dists)[0], tmp_path)
    git = ["git", "-c", f"safe.directory={ROOT.as_posix()}"]
    tracked = subprocess.run([*git, "ls-files", "torch_auto"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= set(PACKAGE)
    for name in PACKAGE:
        assert (tree / name).read_bytes() == (ROOT / name).read_bytes(), name
    ignored = subprocess.run([*git, "check-ignore", *PACKAGE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout == ""


def test_sdists_differ_in_what_names_their_release_alone(dists: Path, sdist: Path) -> None:
    """Two files differ from sdist to sdist, pyproject.toml and PKG-INFO, in the version and in Requires-Python."""

    def files(path: Path) -> dict[str, bytes]:
        with tarfile.open(path) as archive:
            return {m.name.split("/", 1)[1]: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]

    expected = files(sdist)
    for path in releases(dists):
        found = files(path)
        differ = set()
        for name, content in expected.items():
            lines = zip(found[name].decode().splitlines(), content.decode().splitlines(), strict=True)
            differ |= {
                re.split("[:=]", line)[0].strip().lower() for pair in lines if pair[0] != pair[1] for line in pair
            }
        assert differ <= {"version", "requires-python"}


def test_an_sdist_is_small(dists: Path) -> None:
    """No sdist is larger than what docs/maintaining/publishing.md says."""
    assert f"at most {LARGEST_SDIST // 1000} kB" in (ROOT / "docs" / "maintaining" / "publishing.md").read_text("utf-8")
    assert {path.name: path.stat().st_size for path in releases(dists) if path.stat().st_size > LARGEST_SDIST} == {}


# --- the same bytes everywhere -----------------------------------------------------------------------------------

#: What may differ from machine to machine and must not show.
ELSEWHERE = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONUTF8": "0", "USER": "somebody"}


def test_what_is_published_is_the_same_bytes_everywhere(tmp_path: Path, dists: Path) -> None:
    """Folder, permissions, file times, time zone, locale and SOURCE_DATE_EPOCH leave no trace."""
    copy = tmp_path / "a folder with ü"
    for name in ("torch_auto", "core", "stubs", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "hatch_build.py"):
        shutil.copyfile(ROOT / name, copy / name)
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1, 1))
    env = {**os.environ, **ELSEWHERE, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, str(copy / "tools" / "build_dists.py"), str(tmp_path / "out"), "core", "2.5.1"]
    subprocess.run(["sh", "-c", 'umask 077; exec "$@"', "sh", *command], env=env, capture_output=True, check=True)
    made = list((tmp_path / "out").iterdir())
    assert len(made) == 3
    for path in made:
        assert path.read_bytes() == (dists / path.name).read_bytes(), path.name


@pytest.mark.frontend
def test_pypa_build_makes_the_same_core(pyproject_build: Frontend, sandbox: Sandbox, dists: Path) -> None:
    """``python -m build`` of the core's own sdist makes the wheel that is published."""
    pyproject_build.run(["--wheel", "--outdir", sandbox.root / "out", _unpacked(sandbox.root, dists)])
    [made] = (sandbox.root / "out").iterdir()
    assert made.read_bytes() == core_files(dists)[1].read_bytes()


def _unpacked(folder: Path, dists: Path) -> Path:
    return hooks.unpack(core_files(dists)[0], folder)


def test_wheels_of_one_machine_are_the_same_bytes(tmp_path: Path, sdist: Path, wheel: Path) -> None:
    """Two builds on one machine make one wheel, wherever and whenever they run."""
    copy = hooks.unpack(sdist, tmp_path / "a folder with ü")
    env = {**ELSEWHERE, "SOURCE_DATE_EPOCH": "1700000000"}
    again = hooks.call("build_wheel", copy, tmp_path / "again", EXACT_CPU, umask=0o077, env=env)
    assert again.read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("form", ["published", "checkout"])
def test_files_above_the_build_change_nothing(tmp_path: Path, sdist: Path, form: str) -> None:
    """A .hgignore or .gitignore in the home above an installer's cache leaves the wheel whole, in either form."""
    for name, line in ((".hgignore", "syntax: glob\n*.json\n"), (".gitignore", "*.json\n*.py\n")):
        (tmp_path / name).write_text(line, "utf-8")
    if form == "published":
        tree = hooks.unpack(sdist, tmp_path / "cache")
    else:
        tree = tmp_path / "checkout"
        shutil.copytree(ROOT / "torch_auto", tree / "torch_auto", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("LICENSE", "hatch_build.py", "README.md", "CHANGELOG.md", "pyproject.toml"):
            shutil.copyfile(ROOT / name, tree / name)
    env = {"TORCH_AUTO_VERSION": "2.5.1"}
    made = hooks.call("build_wheel", tree, tmp_path / "out", EXACT_CPU, env=env)
    with zipfile.ZipFile(made) as archive:
        names = set(archive.namelist())
    assert "torch_auto-2.5.1.dist-info/torch_auto.json" in names
    assert form == "published" or set(PACKAGE) <= names


@pytest.mark.parametrize("variable", ["HATCH_BUILD_NO_HOOKS", "HATCH_BUILD_HOOKS_ONLY", "HATCH_BUILD_CLEAN"])
def test_switches_for_the_users_own_projects_change_nothing(tmp_path: Path, variable: str) -> None:
    """Whoever switches hatchling's hooks off for projects of their own still gets torch from a checkout."""
    env = {"TORCH_AUTO_VERSION": "2.5.1", variable: "true"}
    made = hooks.call("build_wheel", ROOT, tmp_path, EXACT_CPU, env=env)
    assert "Requires-Dist: torch==2.5.1+cpu;" in hooks.wheel_file(made, "*.dist-info/METADATA").decode()


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
    core = f"torch-auto-core-{__version__}"
    assert found == {asked: ["torch-2.5.1", f"torch-auto-{ASKED[asked]}", core] for asked in found}
