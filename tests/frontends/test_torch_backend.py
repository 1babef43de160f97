"""uv's own ``--torch-backend`` beside torch-auto: with it, uv takes torch from that torch backend's index alone."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import machines, pytorch_org

from torch_auto.uv_flag import flag_of, flag_of_process

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Finished, Frontend, Sandbox
    from support.torch_index import TorchIndex

frontend = pytest.mark.frontend
#: A build can read how its parent was called on Linux alone; elsewhere the variable is the way.
flag_is_seen = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the flag is seen on Linux alone")

DRIVER = "550.54.14"


class Machine:
    """Installs torch-auto with uv on one machine; torch's own host is the tests' index."""

    def __init__(self, uv: Frontend, published: TorchIndex, pem: Path) -> None:
        self.uv = uv
        self.index = published
        self.sandbox: Sandbox = uv.sandbox
        self.variables = pytorch_org.stand_in(published, pem)
        self.count = 0

    def be(self, machine: dict[str, Any], driver: str | None = None, gfx: str | None = None) -> None:
        """The machine that a build sees, and the driver or the GPU that uv's own detection takes for given."""
        path = self.sandbox.root / "machine.json"
        path.write_text(json.dumps(machine), "utf-8")
        assumed = {"UV_CUDA_DRIVER_VERSION": driver, "UV_AMD_GPU_ARCHITECTURE": gfx}
        self.variables |= {"TORCH_AUTO_MACHINE": str(path), **{k: v for k, v in assumed.items() if v is not None}}

    def install(self, *arguments: str, check: bool = True, toml: str = "", **variables: str) -> Finished:
        """``uv pip install torch-auto`` into a new venv, in a new folder with ``toml`` as its uv.toml."""
        self.count += 1
        folder = self.sandbox.root / f"folder{self.count}"
        folder.mkdir()
        (folder / "uv.toml").write_text(toml, "utf-8")
        self.python = self.sandbox.venv(name=f"venv{self.count}")
        command = ["pip", "install", "--python", str(self.python), "torch-auto", *arguments]
        return self.uv.run(command, cwd=folder, env={**self.variables, **variables}, check=check)

    @property
    def torch(self) -> str:
        """The version that the torch of the last install says it has."""
        return self.sandbox.run([self.python, "-c", "import torch; print(torch.__version__)"]).stdout.strip()


@pytest.fixture
def here(uv: Frontend, published: TorchIndex, pem: Path) -> Machine:
    return Machine(uv, published, pem)


#: What ``--torch-backend`` comes to on a machine without a GPU, and on an A100 with driver 550. None: it is refused.
ASKED: list[tuple[str, str | None, str | None]] = [
    ("auto", "2.15.0+cpu", "2.14.1+cu126"),
    ("cpu", "2.15.0+cpu", None),
    ("cu126", None, "2.14.1+cu126"),
]


@frontend
@flag_is_seen
@pytest.mark.parametrize(("flag", "on_cpu", "on_a100"), ASKED, ids=[flag for flag, _, _ in ASKED])
def test_the_flag_alone(here: Machine, flag: str, on_cpu: str | None, on_a100: str | None) -> None:
    """``--torch-backend=X`` is torch for X where X is the machine's own, and else the build says what to type."""
    for machine, driver, expected in ((machines.cpu(), None, on_cpu), (machines.a100_550(), DRIVER, on_a100)):
        here.be(machine, driver)
        here.variables["UV_CACHE_DIR"] = str(here.sandbox.root / f"cache-{driver}")
        done = here.install("--torch-backend", flag, check=expected is not None)
        if expected is not None:
            assert here.torch == expected
            continue
        assert done.returncode != 0
        assert f"--config-settings-package torch-auto:backend={flag}" in " ".join(done.stderr.split())
        assert done.stderr.count("invalid setting") == 1, "it tried no other release"
        here.install("--torch-backend", flag, "--config-settings-package", f"torch-auto:backend={flag}")
        assert here.torch == {"cpu": "2.15.0+cpu", "cu126": "2.14.1+cu126"}[flag]
    # The page of that torch backend is where it came from: PyPI's own torch was not looked at.
    assert not [request for request in here.index.log if request.path.startswith("/pypi/simple/torch/")]


@frontend
@flag_is_seen
def test_the_flag_changes_no_later_answer(here: Machine) -> None:
    """What a command without the flag gets is what this machine needs, whatever was asked for before it."""
    here.be(machines.a100_550(), DRIVER)
    here.install("--torch-backend=cpu", "--config-settings-package", "torch-auto:backend=cpu")
    assert here.torch == "2.15.0+cpu"
    here.install("--torch-backend=cpu", check=False)
    here.install("--find-links", here.index.find_links)
    assert here.torch == "2.14.1+cu126"


@frontend
@pytest.mark.parametrize(("value", "expected"), [("cpu", "2.15.0+cpu"), ("cu126", "2.14.1+cu126")])
def test_the_variable_is_followed(here: Machine, value: str, expected: str) -> None:
    """UV_TORCH_BACKEND=X, which a build inherits on every system, is torch for X: against the machine."""
    here.be(machines.a100_550() if value == "cpu" else machines.cpu())
    here.install(UV_TORCH_BACKEND=value)
    assert here.torch == expected


@frontend
@pytest.mark.parametrize(
    ("machine", "driver", "gfx", "expected"),
    [
        (machines.h100_580(), "580.65.06", None, "2.15.0+cu132"),
        (machines.p100_580(), "580.65.06", None, "2.14.1+cu126"),  # uv itself would take a torch that has no P100
        (machines.v100_470(), "470.57.02", None, "2.7.1+cu118"),
        (machines.mi300(), None, "gfx942", "2.14.1+rocm7.2"),
    ],
    ids=["H100", "P100", "V100", "MI300"],
)
def test_auto_serves_as_the_page(
    here: Machine, machine: dict[str, Any], driver: str | None, gfx: str | None, expected: str
) -> None:
    """With ``--torch-backend=auto`` uv looks at all indexes that could do, and torch-auto's pin is found there."""
    here.be(machine, driver, gfx)
    here.install("--torch-backend=auto")
    assert here.torch == expected


@frontend
def test_auto_with_an_extra_needs_exact(here: Machine) -> None:
    """With ``--torch-backend=auto`` the pair of the machine's torch backend is all there is: an extra asks for it."""
    here.be(machines.cpu())
    words = ("torch-auto[vision]", "--torch-backend=auto", "--config-settings-package", "torch-auto:pin=exact")
    here.install(*words)
    code = "import torch, torchvision as v; print(torch.__version__, v.__version__)"
    assert here.sandbox.run([here.python, "-c", code]).stdout.split() == ["2.15.0+cpu", "0.29.2+cpu"]


@frontend
def test_a_torch_backend_in_the_configuration_needs_ours_beside_it(here: Machine) -> None:
    """``torch-backend`` in uv.toml is told to no build: uv refuses what the machine pins, and takes what we set."""
    here.be(machines.a100_550(), DRIVER)
    line = 'torch-backend = "cu118"\n'
    arguments = ["torch-auto>=2.14"]  # or it would build them all
    refused = here.install(*arguments, toml=line, check=False)
    assert refused.returncode == 1
    assert "torch-auto==2.14.1 depends on" in " ".join(refused.stderr.split())
    ours = 'config-settings-package = { torch-auto = { backend = "cu118" } }\n'
    here.install(toml=line + ours)
    assert here.torch == "2.7.1+cu118"


# --- the flag in uv's command line -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("uv pip install torch-auto --torch-backend=cu126", "cu126"),
        ("/opt/bin/uv --offline pip compile --torch-backend rocm6.4 in.txt", "rocm6.4"),
        ("uv tool install --torch-backend auto torch-auto", "auto"),
        ("uv pip install torch-auto", None),
        ("uv pip install torch-auto --torch-backend", ""),
        ("uv tool run tool --torch-backend=cpu", None),
        ("python -m pip install --torch-backend=cpu", None),
        ("", None),
    ],
)
def test_the_flag_is_found_in_uvs_command_line_alone(line: str, value: str | None) -> None:
    """Both forms of the flag count, in a command of uv that takes it, and nothing of another program's does."""
    assert flag_of(line.split(" ")) == value


def test_a_parent_that_cannot_be_read_says_nothing() -> None:
    """No such process, or one that is not uv: as if there were no flag."""
    assert [flag_of_process(process) for process in (0, 1, 2**22 + 1)] == [None, None, None]
