"""Frozen values: fields, defaults, equality, and that nothing changes them; the same on every Python."""

from __future__ import annotations

import copy
import pickle
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import torch_auto
from torch_auto.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable


class Point(Frozen):
    """A value with a default."""

    x: int
    y: int = 0
    tags: tuple[str, ...] = ()

    @property
    def both(self) -> int:
        """What is computed is no field."""
        return self.x + self.y


class Other(Frozen):
    """A value of another class with the same fields."""

    x: int
    y: int = 0
    tags: tuple[str, ...] = ()


class Private(Frozen):
    """What begins with an underscore is no field, nor is what is not annotated."""

    x: int
    _limit: int = 3
    names = ("a",)


def test_fields_in_order_and_by_name() -> None:
    """Positions come in the order of the annotations, names in any, and what is not given is a default."""
    assert Point(1, 2, ("a",)) == Point(tags=("a",), y=2, x=1) == Point(1, tags=("a",), y=2)
    point = Point(1)
    assert (point.x, point.y, point.tags, point.both) == (1, 0, (), 1)
    assert Point._fields == ("x", "y", "tags")
    assert Private(1)._fields == ("x",)
    assert Private(1)._limit == 3


def test_equality_and_hash() -> None:
    """Equal fields of the same class; not those of another class, nor a tuple."""
    assert Point(1, 2) == Point(1, 2)
    assert Point(1, 2) != Point(2, 1)
    assert Point(1) != Other(1)
    assert Point(1) != (1, 0, ())
    assert Point(1).__eq__(1) is NotImplemented
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert len({Point(1), Point(1), Point(2), Other(1)}) == 3
    unhashable: Any = [1]
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1, 0, unhashable))


def test_replace_makes_another_value() -> None:
    """Some fields are others, and the value itself stays as it is."""
    point = Point(1, 2)
    assert point.replace(y=5) == Point(1, 5)
    assert point.replace() == point
    assert point.replace() is not point
    assert point == Point(1, 2)
    with pytest.raises(TypeError, match=r"Point has the fields x, y, tags, not all of \{'z'\}"):
        point.replace(z=1)


@pytest.mark.parametrize(
    ("values", "named", "fault"),
    [
        ((), {}, r"twice: \[\], unknown: \[\], missing: \['x'\]"),
        ((1,), {"z": 2}, r"twice: \[\], unknown: \['z'\], missing: \[\]"),
        ((1,), {"x": 2}, r"twice: \['x'\], unknown: \[\], missing: \[\]"),
        ((1, 2, (), 4), {}, "Point has the fields x, y, tags"),
        ((1, 2, (), 4), {"y": 1}, r"twice: \['y'\]"),
        ((), {"y": 1, "_limit": 2}, r"unknown: \['_limit'\], missing: \['x'\]"),
    ],
)
def test_wrong_fields_are_named(values: tuple[Any, ...], named: dict[str, Any], fault: str) -> None:
    """A field that is missing, unknown or given twice, and a value too many."""
    make: Any = Point
    with pytest.raises(TypeError, match=fault):
        make(*values, **named)


def test_nothing_changes_a_value() -> None:
    """No field can be set or deleted, nor can anything be added."""
    point: Any = Point(1)
    for name in ("x", "new"):
        with pytest.raises(AttributeError, match=f"Point is frozen: {name} cannot be set"):
            setattr(point, name, 2)
    with pytest.raises(AttributeError, match="Point is frozen: x cannot be deleted"):
        del point.x
    assert point == Point(1)
    with pytest.raises(TypeError):
        iter(point)


def test_a_value_shows_itself() -> None:
    """As it is written."""
    assert repr(Point(1, tags=("a",))) == "Point(x=1, y=0, tags=('a',))"


def test_a_value_can_be_copied_and_pickled() -> None:
    """The copy is equal, and frozen too."""
    point, name = Point(1, 2, ("a",)), "x"
    for copied in (copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))):  # noqa: S301
        assert copied == point
        with pytest.raises(AttributeError):
            setattr(copied, name, 2)


#: What the tests above hold fast, in the words of every Python.
SCRIPT = """
from __future__ import annotations
import sys
from torch_auto.frozen import Frozen

class Point(Frozen):
    x: int
    y: int | None = None
    _private: int = 3

def raises(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")

assert Point(1) == Point(x=1, y=None) != Point(1, 2)
assert (Point(1, 2).x, Point(1, 2).y, Point._fields) == (1, 2, ("x", "y"))
assert hash(Point(1)) == hash(Point(1)) and len({Point(1), Point(1)}) == 1
assert Point(1, 2).replace(x=5) == Point(5, 2)
assert repr(Point(1)) == "Point(x=1, y=None)"
assert "missing: ['x']" in raises(TypeError, Point)
assert "unknown: ['z']" in raises(TypeError, Point, 1, z=1)
assert "twice: ['x']" in raises(TypeError, Point, 1, x=1)
assert "x, y" in raises(TypeError, Point, 1, 2, 3)
assert "not all of {'z'}" in raises(TypeError, Point(1).replace, z=1)
assert "x cannot be set" in raises(AttributeError, setattr, Point(1), "x", 2)
assert "x cannot be deleted" in raises(AttributeError, delattr, Point(1), "x")
assert not {"typing", "dataclasses"} & set(sys.modules)
"""


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13", "3.14", "3.15"])
def test_it_is_the_same_on_every_python(version: str, interpreter: Callable[[str], Path], tmp_path: Path) -> None:
    """From the oldest that a release of torch supports on; neither typing nor dataclasses is imported."""
    root = Path(torch_auto.__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(root)!r})\nexec(compile({SCRIPT!r}, 'script', 'exec'))"
    done = subprocess.run(
        [interpreter(version), "-I", "-S", "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
