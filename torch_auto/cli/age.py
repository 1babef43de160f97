"""How old the catalog is: what was published since then, it does not know."""

from __future__ import annotations

from datetime import date

from torch_auto.catalog import Catalog


def catalog_age(catalog: Catalog, today: date) -> str:
    """A line for people: the catalog's newest release, the day that it was last compared, and how long ago that is."""
    year, month, day = map(int, catalog.as_of.split("-"))
    days = (today - date(year, month, day)).days
    ago = "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    return f"Builds of torch up to {catalog.newest.version} are known, as of {catalog.as_of} ({ago})."
