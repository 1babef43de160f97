"""Plans for people and for programs: what a build of a release emits on a machine, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from torch_auto import catalog, settings
from torch_auto.catalog.origins import BUILD, DRIVER, GPUS, PYPI, origins, sizes
from torch_auto.cli.output import FORMAT_VERSION, age_today, print_json, wrapped
from torch_auto.decide import decide, machine_for
from torch_auto.newest import Newest, newest_usable, satisfied_by_public
from torch_auto.record import plan_to_json
from torch_auto.select.reasons import reason_from_json
from torch_auto.select.words import needs_in_words, sentence, sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.decide import Plan


def _torch(plan: Plan) -> str:
    """The torch that a plan gives where PyTorch's pages are named."""
    selection = plan.selection
    if selection.needs is not None:
        return f"not available on this machine: it needs {needs_in_words(selection.needs)}"
    if not plan.has_wheels:
        return "not available: it does not have wheels for this Python"
    return f"torch {selection.version}"


def worded(value: Any) -> Any:
    """A JSON value in which every reason has its sentence beside its code."""
    if isinstance(value, list):
        return [worded(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: worded(item) for name, item in value.items()}
    return {"code": value["code"], "text": sentence(reason_from_json(value)), **found} if "code" in value else found


def _backend(plan: Plan) -> str | None:
    """The torch backend of the build that a plan installs with PyTorch's pages, or None where it installs none."""
    selection = plan.selection
    if selection.torch_backend is None or selection.platform is None or not plan.has_wheels:
        return None
    return selection.torch_backend


def _megabytes(size: int | None) -> str:
    return "size not known" if size is None else f"{size / 1e6:,.0f} MB"


def _download(plan: Plan) -> list[str]:
    """How large torch's own wheel is, of the build that is installed with PyTorch's pages and of PyPI's."""
    torch_backend, selection = _backend(plan), plan.selection
    if torch_backend is None:
        return []
    known = sizes(plan.release, selection.platform, torch_backend)
    found = [(f"torch {selection.version}", known.index)] if selection.local_version is not None else []
    if selection.public_allowed:
        found.append((f"torch {plan.release} from PyPI", known.pypi))
    shown = "; ".join(f"{name}: {_megabytes(size)}" for name, size in found)
    return [f"Download, without what torch requires: {shown}."]


_ABOUT = {
    BUILD: "torch {torch} exists",
    GPUS: "the GPUs that it is for",
    DRIVER: "the oldest NVIDIA driver for its CUDA major version",
    PYPI: "PyPI's build of {release}",
}


def _known(plan: Plan) -> list[str]:
    """How what is said of the chosen build is known."""
    torch_backend = _backend(plan)
    if torch_backend is None:
        return []
    names = {"torch": plan.selection.version, "release": plan.release}
    texts = [
        f"{_ABOUT[item.about].format(**names)}: {item.confidence} ({item.source}: {item.text})"
        for item in origins(plan.release, plan.selection.platform, torch_backend)
    ]
    return [f"How this is known, as of {catalog.load().as_of}:", *wrapped(texts)]


def _to_json(plan: Plan) -> dict[str, Any]:
    """A plan, with the sizes of wheels and with how they are known."""
    torch_backend, platform = _backend(plan), plan.selection.platform
    known = sizes(plan.release, platform, torch_backend)
    found = origins(plan.release, platform, torch_backend) if torch_backend is not None else ()
    return {
        **worded(plan_to_json(plan)),
        "bytes": {"pages": known.index, "pypi": known.pypi},
        "known": [
            {"about": item.about, "confidence": item.confidence, "source": item.source, "text": item.text}
            for item in found
        ],
    }


def _details(plan: Plan, extras: Sequence[str], *, why: bool) -> list[str]:
    lines = [*_download(plan), "Why:", *wrapped(sentences(plan.reasons))]
    if plan.selection.rejected:
        lines += [
            "Not taken:",
            *wrapped([f"{item.torch_backend}: {sentence(item.reason)}" for item in plan.selection.rejected]),
        ]
    if plan.extras:
        lines += ["Extras:", *wrapped([f"{item.name}: {sentence(item.reason)}" for item in plan.extras])]
    what = f"The group {plan.group} requires, and the wheel no torch:" if plan.group else "The wheel requires:"
    lines += [what, *(f"  {item}" for item in plan.requirements or ("nothing",))]
    for item in plan.extras:
        if item.name in extras:
            lines += [f"and torch-auto[{item.name}]:", *(f"  {pin}" for pin in item.requirements or ("nothing",))]
    return lines + (_known(plan) if why else [])


def pages_line(pages: Sequence[str]) -> list[str]:
    """The line that names PyTorch's pages, if there are any."""
    if not pages:
        return []
    for_pip = " ".join(pages)
    quoted = for_pip if len(pages) == 1 else f"'{for_pip}'"
    return [f"PyTorch's pages: UV_FIND_LINKS={','.join(pages)} (uv), PIP_FIND_LINKS={quoted} (pip)."]


def _pages(plan: Plan, extras: Sequence[str]) -> list[str]:
    """PyTorch's pages, those of extras among them."""
    return [*plan.pages, *(item.page for item in plan.extras if item.name in extras)]


def _render_newest(newest: Newest, plans: list[Plan], extras: Sequence[str], *, why: bool) -> str:
    by_release = {plan.release: plan for plan in plans}
    lines: list[str] = []
    if newest.with_pages is None:
        lines = ["No release of torch can be used on this machine with this Python."]
        return "\n".join([*lines, *(line for plan in plans for line in _details(plan, extras, why=why))]) + "\n"
    with_pages = by_release[newest.with_pages]
    if newest.without_pages is None:
        lines.append(f"{_torch(with_pages)}, with PyTorch's page; without it, nothing can be installed.")
    else:
        alone = f"torch {newest.without_pages}"
        if with_pages.selection.version == newest.without_pages:
            lines.append(f"{alone}, with PyTorch's page and without it.")
        else:
            lines.append(f"{_torch(with_pages)} with PyTorch's page; {alone} from PyPI without it.")
    lines += pages_line(_pages(with_pages, extras))
    for plan in plans:
        lines += ["", f"torch-auto {plan.release}", *_details(plan, extras, why=why)]
    return "\n".join(lines) + "\n"


def _render_group(plan: Plan, *, why: bool) -> str:
    return (
        "\n".join(
            [f"{_torch(plan)}, by the group {plan.group}.", *pages_line(plan.pages), *_details(plan, (), why=why)]
        )
        + "\n"
    )


def _table(plans: list[Plan], pin: str) -> list[str]:
    """One line per release: what it gives with PyTorch's page, and with PyPI alone."""
    rows = [("release", "with PyTorch's page", "PyPI alone")]
    for plan in plans:
        alone = f"torch {plan.release}" if plan.has_wheels and satisfied_by_public(plan.selection, pin) else "-"
        rows.append((plan.release, _torch(plan), alone))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}" for row in rows]


def _render(plans: list[Plan], pin: str, extras: Sequence[str], *, why: bool) -> str:
    lines: list[str] = _table(plans, pin) if len(plans) > 1 else []
    for plan in plans:
        alone = (
            "installs from PyPI alone too"
            if satisfied_by_public(plan.selection, pin)
            else "not installable from PyPI alone"
        )
        nothing = plan.selection.needs or not plan.has_wheels
        tail = "" if nothing else f" ({alone})"
        lines += [
            *([""] if lines else []),
            f"torch-auto {plan.release}: {_torch(plan)}{tail}",
            *_details(plan, extras, why=why),
        ]
    return "\n".join(lines + (pages_line(_pages(plans[0], extras)) if plans else [])) + "\n"


def show(
    releases: list[str],
    config: Mapping[str, Any],
    extras: tuple[str, ...] = (),
    *,
    why: bool = False,
    as_json: bool = False,
) -> int:
    """Print the plans of these releases or, without one, of the newest that the machine can use with these extras.

    With ``why``, print how the catalog knows what it says of each build.

    Raises:
        SettingsError: a setting is wrong.
        UnknownReleaseError: a release is not in the catalog.
    """
    known = catalog.load()
    chosen = settings.read(known, config, label="--")
    wanted = [known.release(release) for release in releases]
    machine = machine_for(chosen)
    newest = Newest(None, None)
    if not releases:
        newest = newest_usable(machine, chosen, known, extras)
        names = dict.fromkeys(name for name in (newest.with_pages, newest.without_pages) if name is not None)
        # Where there is none, the newest release tells why.
        wanted = [known.release(name) for name in names] or [known.newest]
    # With groups, torch-auto's own release makes no difference.
    plans = [decide(release, machine, chosen, known) for release in (wanted[:1] if chosen.groups else wanted)]
    if as_json:
        document = {"version": FORMAT_VERSION, "as_of": known.as_of, "plans": [_to_json(plan) for plan in plans]}
        if not releases:
            document["newest"] = {"with_pages": newest.with_pages, "without_pages": newest.without_pages}
        print_json(document)
    else:
        if chosen.groups:
            text = _render_group(plans[0], why=why)
        elif releases:
            text = _render(plans, chosen.pin, extras, why=why)
        else:
            text = _render_newest(newest, plans, extras, why=why)
        sys.stdout.write(f"{text}\n{age_today(known)}\n")
    return 0
