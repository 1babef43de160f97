"""The site of the docs: which page is where, what becomes of a link, and that a lost one is noticed."""

from __future__ import annotations

from pathlib import Path

import build_site
import pytest
from support import docs


def test_a_link_leads_where_the_page_is_there() -> None:
    """README.md is the front page, docs/ is the root, and CONTRIBUTING.md is among the pages of maintainers."""
    readme = "[a](docs/guides/team.md#size) [b](CONTRIBUTING.md) [c](https://x.example) [d](#use)\n"
    assert build_site.page("README.md", readme) == (
        "[a](guides/team.md#size) [b](maintaining/contributing.md) [c](https://x.example) [d](#use)\n"
    )
    guide = "[a](../../README.md#use-it) [b](../README.md) [c](../../CONTRIBUTING.md) ![d](../pictures/add.svg)\n"
    assert build_site.page("docs/guides/team.md", guide) == (
        "[a](../index.md#use-it) [b](../index.md) [c](../maintaining/contributing.md) ![d](../pictures/add.svg)\n"
    )


def test_a_mark_goes_and_a_block_stays() -> None:
    """The comments that tests read are not in the site; what is in a block is not touched."""
    block = "```console\n$ echo '<!-- x -->' '[a](b.md)'\n```\n"
    text = f"<!-- run in: project -->\n{block}<!-- made by x -->\n[a](command.md)\n"
    assert build_site.page("docs/reference/check.md", text) == f"{block}[a](command.md)\n"


def test_a_link_out_of_the_site_is_an_error() -> None:
    """A file that the site does not have is named."""
    with pytest.raises(ValueError, match=r"the site does not have tests/conftest\.py"):
        build_site.page("docs/guides/team.md", "[a](../../tests/conftest.py)")


def test_every_page_is_in_the_navigation_once() -> None:
    """docs/README.md leads to each page of the site, in one section."""
    listed = [
        page
        for pages in build_site.sections((docs.ROOT / build_site.INDEX).read_text("utf-8")).values()
        for page in pages
    ]
    pages = [build_site.place(docs.name(path)) for path in docs.PAGES]
    assert sorted(listed) == sorted({page for page in pages if page != "index.md"})


def test_every_link_of_every_page_stays_within_the_site() -> None:
    """All pages can be written as the site has them."""
    for path in docs.PAGES:
        assert build_site.page(docs.name(path), path.read_text("utf-8"))


def test_a_lost_link_of_the_built_site_is_noticed(tmp_path: Path) -> None:
    """A file that is not there, and a name that no element of it has."""
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1><a class="x" href="b.html#here">b</a><a href="#top">t</a>')
    (tmp_path / "b.html").write_text('<a href="a.html#gone">a</a><a href="c.html">c</a><img src="d.svg">')
    assert build_site.lost(tmp_path) == [
        "a.html: b.html#here",
        "b.html: a.html#gone",
        "b.html: c.html",
        "b.html: d.svg",
    ]
