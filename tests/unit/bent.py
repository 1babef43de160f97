"""Data that is nearly right: real data of which some values are others, for tests that any input is read."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st


def examples(number: int) -> settings:
    """So many examples, and 200 times as many in a maintainer's long run (CONTRIBUTING.md)."""
    return settings(max_examples=number * (200 if settings.get_current_profile_name() == "long" else 1))


#: Texts that mean something to a reader of ours, or nearly do.
TEXTS = st.sampled_from(
    ["", " ", "torch", "torch-auto", "torch==2.9.1", "torch>=2 ; extra == 'x'", "torch @ https://x.test/t.whl", "==",
     "torch[a]==2.13.0+cu126; sys_platform == 'linux'", "2.13.0", "2.13.0+cu126", "cu126", "torch-cu126", "all", "dev",
     "https://download.pytorch.org/whl/torch/", "https://download.pytorch.org/whl/cu126", "http://[", "file:///", "*",
     "python_version < '3'", "platform_release",
     "\u2028", "é", "[tool.uv]", "x" * 300, "'\"\\", "torch-2.0-py3-none-any.whl", "../x"]
)  # fmt: skip
_SCALARS = st.one_of(
    TEXTS,
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([0.5, 1e300]),
)
_KEYS = st.sampled_from(["torch", "name", "version", "url", "x", "", "a.b", "group", "extra", "include-group", "é"])
JSON = st.recursive(
    st.none() | _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)
_TOML = st.recursive(
    _SCALARS | st.sampled_from([float("nan"), float("-inf"), dt.date(2026, 1, 1), dt.time(1, 2)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Each (container, key) of a value."""
    found: list[tuple[Any, Any]] = []
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, item in pairs:
        found += [(value, key), *_places(item)]
    return found


@st.composite
def bent(draw: st.DrawFn, values: Any, junk: st.SearchStrategy[Any] = JSON) -> Any:
    """One of the values, of which up to four parts are gone, twice there, or something else."""
    value = copy.deepcopy(draw(st.sampled_from(values)))
    for _ in range(draw(st.integers(0, 4))):
        places = _places(value)
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["other", "other", "gone", "wrapped", "twice"]))
        if how == "gone":
            del container[key]
        elif how == "wrapped":
            container[key] = [container[key]]
        elif how == "twice" and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        else:
            container[key] = draw(junk)
    return value


def bent_toml(values: Any) -> st.SearchStrategy[str]:
    """The same as TOML; the upper tables have headers or stand inline."""
    return st.tuples(bent(values, _TOML), st.integers(0, 3)).map(lambda drawn: as_toml(*drawn))


def cut(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A text, or what is left of it without a part in the middle."""
    return st.tuples(texts, st.floats(0, 1), st.integers(0, 40)).map(
        lambda drawn: drawn[0][: int(len(drawn[0]) * drawn[1])] + drawn[0][int(len(drawn[0]) * drawn[1]) + drawn[2] :]
    )


def as_toml(data: dict[str, Any], depth: int, prefix: str = "") -> str:
    """TOML with headers down to a depth, and inline tables below."""
    plain = {
        key: value for key, value in data.items() if not (isinstance(value, dict) and depth) and not _tables(value)
    }
    lines = [f"{json.dumps(key, ensure_ascii=False)} = {_inline(value)}" for key, value in plain.items()]
    for key, value in data.items():
        if key not in plain:
            name = f"{prefix}{json.dumps(key, ensure_ascii=False)}"
            for item in value if isinstance(value, list) else [value]:
                header = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
                lines += ["", header, as_toml(item, depth - 1 if depth else 0, f"{name}.")]
    return "\n".join(lines) + "\n"


def _tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key, ensure_ascii=False)} = {_inline(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
