"""Images that are built and run for real: buildah, without a daemon, a registry or a network but the tests' own index.

Commands run in a chroot with this machine's network, so no runtime, no cgroup and no bridge is needed. Each call of
buildah has a mount namespace of its own: what it mounts ends with it, however it ends.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support import frontends, pytorch_org
from support.frontends import Finished
from support.rootfs import rootfs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from support.torch_index import TorchIndex

#: The images that recipes are built from; here they are one.
BASES = ("astral/uv:python3.12-bookworm-slim", "python:3.12-slim-bookworm")
_BASE = r"""
FROM scratch
COPY . /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV SSL_CERT_FILE=/etc/site.pem PIP_CERT=/etc/site.pem PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never
ARG PYPI PEM
RUN echo "$PEM" > /etc/site.pem && mkdir /etc/uv && \
    printf '[[index]]\nurl = "%s"\ndefault = true\n' "$PYPI" > /etc/uv/uv.toml && \
    printf '[global]\nindex-url = %s\n' "$PYPI" > /etc/pip.conf
"""
_TIMEOUT = 300.0

#: A container of podman's, in a mount namespace with cgroups of one kind, and with a /run and a /dev/shm of its own.
#: $1 is its storage, the rest is for ``podman run``. Prints the status and the exit status of its HEALTHCHECK.
_PODMAN = r"""
set -e
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
mount -t tmpfs none /dev/shm
podman() {
    command podman --root "$storage" --runroot /run/storage --runtime crun --cgroup-manager cgroupfs \
        --events-backend file --log-level fatal "$@"
}
storage=$1
shift
name=$(podman run --detach --network host --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@")
trap 'podman rm --force --time 0 "$name" >&2' EXIT
podman healthcheck run "$name" >&2 && code=0 || code=$?
echo "$(podman inspect --format '{{.State.Health.Status}}' "$name") $code"
"""


def why_not() -> str | None:
    """Why no image can be built here, or None."""
    if sys.platform != "linux":
        return "images are built on Linux"
    missing = [name for name in ("buildah", "unshare", "ldd") if shutil.which(name) is None]
    if missing:
        return f"no {' and no '.join(missing)} to build images with"
    if os.geteuid() != 0:
        return "buildah mounts what it builds, which needs root"
    return pytorch_org.why_not()


@dataclass(frozen=True)
class Container:
    """A container that is there while a ``with`` lasts; what one command changes, the next one finds."""

    images: Images
    name: str
    config: dict[str, Any]

    def run(
        self,
        *command: str,
        machine: Path | None = None,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        files: Mapping[str, Path] | None = None,
        check: bool = True,
    ) -> Finished:
        """Run a command as ``docker run`` does, on the machine of a file.

        ``files`` are mounted: the path there, and the path here.
        """
        options = ["--isolation", "chroot", *(["--user", user] if user is not None else [])]
        variables, mounts = dict(env or {}), dict(files or {})
        if machine is not None:
            variables["TORCH_AUTO_MACHINE"] = "/machine.json"
            mounts["/machine.json"] = machine
        for name, value in variables.items():
            options += ["--env", f"{name}={value}"]
        for there, here in mounts.items():
            options += ["--volume", f"{here}:{there}"]
        return self.images.buildah("run", *options, self.name, "--", *command, check=check)

    def health(self, machine: Path, **options: Any) -> Finished:
        """Run what HEALTHCHECK says on the machine of a file. docker calls an exit status of 0 healthy, no other."""
        kind, *words = self.config["Healthcheck"]["Test"]
        command = ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words
        return self.run(*command, machine=machine, check=False, **options)


@dataclass(frozen=True)
class Image:
    """An image by name; ``log`` is what its build printed, ``seconds`` how long it took."""

    images: Images
    name: str
    log: str
    seconds: float

    @contextmanager
    def container(self) -> Iterator[Container]:
        """A new container."""
        said = json.loads(self.images.buildah("inspect", "--type", "image", self.name).stdout)
        name = self.images.buildah("from", "--pull=never", self.name).stdout.strip()
        try:
            yield Container(self.images, name, said["Docker"]["config"])
        finally:
            self.images.buildah("rm", name)


def why_no_podman() -> str | None:
    """Why no container can be started as podman starts it, or None."""
    missing = [name for name in ("podman", "crun") if shutil.which(name) is None]
    return f"no {' and no '.join(missing)} to start containers with" if missing else why_not()


class Images:
    """A storage of the tests' own while it is entered, with the images that recipes are built from."""

    def __init__(self, root: Path, index: TorchIndex, pem: Path) -> None:
        self.root, self._index, self._pem = root, index, pem
        self._environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(root / "home"),
            "TMPDIR": str(root / "tmp"),  # where buildah keeps cache mounts
            "CONTAINERS_REGISTRIES_CONF": str(root / "registries.conf"),
            # Handed on to what runs in a build, as docker does; not kept in the image.
            "HTTPS_PROXY": index.url,
            "NO_PROXY": "127.0.0.1",
        }

    def __enter__(self) -> Self:
        for name in ("home", "tmp"):
            (self.root / name).mkdir(parents=True)
        (self.root / "registries.conf").touch()  # there is no registry
        pytorch_org.stand_in(self._index, self._pem)
        self._base()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self.root)  # fails where something is mounted still

    @property
    def proxy(self) -> dict[str, str]:
        """The variables under which a container reaches the tests' index as download.pytorch.org."""
        return {name: self._environment[name] for name in ("HTTPS_PROXY", "NO_PROXY")}

    def buildah(self, *words: str, check: bool = True, timeout: float = _TIMEOUT) -> Finished:
        """Run buildah.

        Raises:
            AssertionError: it ended with another exit code than 0 (unless ``check`` is off), or not at all in time.
        """
        storage = ["--root", str(self.root / "storage"), "--runroot", str(self.root / "run")]
        command = ["unshare", "--mount", "buildah", *storage, *words]
        done = frontends.run(command, self.root, self._environment, timeout)
        if check and done.returncode != 0:
            raise AssertionError(str(done))
        return done

    def build(
        self, name: str, dockerfile: str, context: Path, args: Mapping[str, str] | None = None, *, layers: bool = False
    ) -> Image:
        """Build an image as ``docker build`` does; ``args`` are its --build-arg."""
        options = ["--isolation", "chroot", "--format", "docker", "--pull=never", f"--layers={str(layers).lower()}"]
        for key, value in (args or {}).items():
            options += ["--build-arg", f"{key}={value}"]
        file = self.root / "Dockerfile"
        file.write_text(dockerfile, "utf-8")
        done = self.buildah("build", *options, "--file", str(file), "--tag", name, str(context))
        return Image(self, name, done.stdout + done.stderr, done.seconds)

    def health_of_podman(self, image: Image, machine: Path, *options: str) -> str:
        """What podman says of a new container by the HEALTHCHECK of its image: "healthy 0" or "unhealthy 1"."""
        given = ["--volume", f"{machine}:/machine.json", "--env", "TORCH_AUTO_MACHINE=/machine.json", *options]
        words = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            _PODMAN,
            "sh",
            str(self.root / "storage"),
            *given,
            image.name,
            "sleep",
            "600",
        ]
        done = frontends.run(words, self.root, self._environment, _TIMEOUT)
        if done.returncode != 0:
            raise AssertionError(str(done))
        return done.stdout.strip()

    def _base(self) -> None:
        """The images that recipes are built from, set up for the tests' index as a company's own are for its mirror."""
        self.build(BASES[0], _BASE, rootfs(), {"PYPI": self._index.pypi, "PEM": self._pem.read_text("ascii")})
        for name in BASES[1:]:
            self.buildah("tag", BASES[0], name)
