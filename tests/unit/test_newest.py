"""The newest release that a machine can use is the one that a resolver walks back to."""

from __future__ import annotations

from torch_auto.newest import newest_usable
from torch_auto.settings import Settings
from unit.data import CATALOG, up_to
from unit.machines import A100_550, H100_580, P100_580, V100_470, machine


def test_newest_usable_leaves_out_what_does_not_install() -> None:
    """An old glibc, and a build that no page lists, are seen with named torch backends too."""
    old = machine(libc="glibc 2.27")
    for torch_backend in ("auto", "cpu", "pypi"):
        assert newest_usable(old, Settings(backend=torch_backend), CATALOG).with_pages == "2.6.0", torch_backend
    assert newest_usable(machine(), Settings(backend="rocm7.14"), CATALOG).with_pages is None


def test_newest_usable_is_what_a_resolver_comes_to() -> None:
    """With PyTorch's pages and without them, the newest release is the one that the pins of all releases lead to."""
    expected = {
        "cpu": ("2.15.0", "2.15.0"),
        "A100/550": ("2.14.1", "2.10.0"),
        "H100/580": ("2.15.0", "2.15.0"),
        "P100/580": ("2.14.1", "2.7.1"),
        "V100/470": ("2.7.1", "2.7.1"),
        "Intel Mac": ("2.2.2", "2.2.2"),
    }
    machines = {
        "cpu": machine(),
        "A100/550": machine(A100_550),
        "H100/580": machine(H100_580),
        "P100/580": machine(P100_580),
        "V100/470": machine(V100_470),
        "Intel Mac": machine(platform="macos_x86_64"),
    }
    found = {name: newest_usable(on, Settings(), up_to("2.15.0")) for name, on in machines.items()}
    assert {name: (item.with_pages, item.without_pages) for name, item in found.items()} == expected
