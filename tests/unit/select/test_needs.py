"""Labels: each form is read as what it is, whatever the release, and is a local version that PEP 440 allows."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from torch_auto.decide import decide
from torch_auto.select import needs as labels
from torch_auto.select.build import select
from torch_auto.select.needs import (
    Needs,
    needs_build,
    needs_driver,
    needs_glibc,
    needs_macos,
    needs_sighting,
    needs_torch,
)
from torch_auto.settings import Settings
from unit.data import CATALOG, PLACES
from unit.machines import MACHINES, all_accelerators, machine


@pytest.mark.parametrize(
    ("made", "text", "kind", "value"),
    [
        (needs_driver("525.60.13"), "nvidia.driver.525.60.13", labels.DRIVER, "525.60.13"),
        (needs_driver("580"), "nvidia.driver.580", labels.DRIVER, "580"),
        (needs_torch("2.7.0", newer=True), "torch.2.7.0.or.newer", labels.NEWER, "2.7.0"),
        (needs_torch("2.14.1", newer=False), "torch.2.14.1.or.older", labels.OLDER, "2.14.1"),
        (needs_glibc(), "glibc", labels.GLIBC, ""),
        (needs_glibc("2.28"), "glibc.2.28", labels.GLIBC, "2.28"),
        (Needs("macos.arm64"), "macos.arm64", labels.APPLE, ""),
        (needs_macos((14, 0)), "macos.14", labels.MACOS, "14"),
        (needs_macos((14, 2)), "macos.14.2", labels.MACOS, "14.2"),
        (needs_build("rocm7.1"), "rocm7.1.build", labels.BUILD, "rocm7.1"),
        (needs_build("cu126"), "cu126.build", labels.BUILD, "cu126"),
        (needs_sighting("rocm7.14"), "rocm7.14.not.yet.seen", labels.SIGHTING, "rocm7.14"),
        (Needs("torchvision"), "torchvision", labels.PROJECT, "torchvision"),
        (Needs("torchaudio"), "torchaudio", labels.PROJECT, "torchaudio"),
        (Needs("cu92"), "cu92", labels.BACKEND, "cu92"),
        (Needs("rocm5.1.1"), "rocm5.1.1", labels.BACKEND, "rocm5.1.1"),
    ],
)
def test_each_form_is_read_as_what_it_is(made: Needs, text: str, kind: str, value: str) -> None:
    """What makes a label and what reads its text agree; it is its text, and a copy is the same."""
    assert made == text
    for found in (made, Needs(text), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # noqa: S301
        assert (found, found.kind, found.value) == (text, kind, value)
        assert found.local_version == f"needs.{text}"
    assert json.dumps(made) == f'"{text}"'
    assert str(Version(f"2.9.1+{made.local_version}")) == f"2.9.1+needs.{text}"
    assert Requirement(f"torch==2.9.1+{made.local_version}")


def test_every_label_that_there_is_has_a_form() -> None:
    """Over machines, releases and extras: a label names a driver, a release, a glibc or a build that is known."""
    releases = {release.version for release in CATALOG.releases}
    kinds = set()
    machines = [*MACHINES.values(), *(machine(*item) for item in list(all_accelerators())[::11])]
    for release in CATALOG.releases:
        for on in machines:
            plan = decide(release, on, Settings(), CATALOG)
            for needs in (plan.selection.needs, *(extra.needs for extra in plan.extras)):
                if needs is None:
                    continue
                assert isinstance(needs, Needs)
                kinds.add(needs.kind)
                if needs.kind in (labels.NEWER, labels.OLDER):
                    assert needs.value in releases
                    newer = Version(needs.value) > Version(release.version)
                    assert newer == (needs.kind == labels.NEWER)
                if needs.kind == labels.DRIVER:
                    assert needs.value in {floor.linux for floor in CATALOG.drivers.floors} | {
                        item.linux for item in CATALOG.drivers.paired
                    }
                if needs.kind == labels.SIGHTING:
                    here = release.platforms[str(on.platform)]
                    assert {build.seen for build in here.builds if build.torch_backend == needs.value} == {False}
                if needs.kind == labels.BUILD:
                    assert needs.value in CATALOG.torch_backends
    # A build that is yet to be seen is there for some days after a release alone.
    assert kinds - {labels.SIGHTING} == {
        labels.NEWER,
        labels.OLDER,
        labels.DRIVER,
        labels.GLIBC,
        labels.APPLE,
        labels.BUILD,
    }


def test_a_label_leads_to_a_release_that_serves() -> None:
    """ "torch 2.7.0 or newer": that release has something for the machine, and none between the two has."""
    checked = 0
    for item in list(all_accelerators())[::7]:
        on = machine(*item)
        found = [(release.version, select(on, release, CATALOG)) for release in CATALOG.releases]
        serving = [
            version
            for version, selection in found
            if selection.accelerated and on.python in PLACES[version, "linux_x86_64"]["pythons"]
        ]
        for version, selection in found:
            needs = selection.needs
            if needs is None or needs.kind not in (labels.NEWER, labels.OLDER):
                continue
            newer = [other for other in serving if Version(other) > Version(version)]
            older = [other for other in serving if Version(other) < Version(version)]
            assert needs.value == (newer[0] if newer else older[-1])
            assert needs.kind == (labels.NEWER if newer else labels.OLDER)
            checked += 1
    assert checked > 50
