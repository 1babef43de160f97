"""Build the docs as a site: ``python tools/build_site.py [FOLDER]``, by default in site/.

The pages are written for the code host: README.md, docs/ and CONTRIBUTING.md link to each other as files. What Sphinx
reads is a copy of them, in which README.md is the front page. Its navigation is docs/README.md: a heading is a section,
and the links below it are its pages, in that order. Every warning is an error, so a link that leads nowhere ends the
build; so does an anchor that no page of the built site has.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urldefrag

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "site"
INDEX = "docs/README.md"
#: Where a page is in the site. What is not here is where it is in docs/.
PLACES = {
    "README.md": "index.md",
    INDEX: "index.md",
    "CONTRIBUTING.md": "maintaining/contributing.md",
    "CHANGELOG.md": "reference/changelog.md",
    "SECURITY.md": "maintaining/security-policy.md",
}
SETTINGS = {
    "project": "torch-auto",
    "author": "The torch-auto developers",
    "copyright": "The torch-auto developers",
    "extensions": ["myst_parser"],
    "html_theme": "furo",
    "html_title": "torch-auto",
    "html_copy_source": False,
    "html_show_sourcelink": False,
    "highlight_language": "none",
    "smartquotes": False,  # an option begins with two hyphens
    "myst_heading_anchors": 4,
    "myst_enable_extensions": ["strikethrough"],
    "suppress_warnings": ["myst.strikethrough"],  # it says that only HTML has it
}

_FENCED = re.compile(r"^ *(```+).*?^ *\1 *$\n?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s]+)(?=\))")
_COMMENT = re.compile(r"^ *<!--.*?-->\n", re.MULTILINE | re.DOTALL)


def place(name: str) -> str:
    """Where a file of the repository is in the site, both from their roots.

    Raises:
        ValueError: it is not part of the site.
    """
    if name in PLACES:
        return PLACES[name]
    if name.startswith("docs/"):
        return name[len("docs/") :]
    raise ValueError(f"the site does not have {name}")


def sections(index: str) -> dict[str, list[str]]:
    """The pages of each section of docs/README.md, as they are placed."""
    found: dict[str, list[str]] = {}
    for part in index.split("\n## ")[1:]:
        links = _LINK.findall(part)
        found[part.partition("\n")[0]] = [place(posixpath.normpath(posixpath.join("docs", link))) for link in links]
    return found


def page(name: str, text: str) -> str:
    """A page as the site has it: links lead to where pages are there, and comments are gone.

    Raises:
        ValueError: a link leads to what the site does not have.
    """

    def moved(link: re.Match[str]) -> str:
        target, _, anchor = link[0].partition("#")
        there = place(posixpath.normpath(posixpath.join(posixpath.dirname(name), target)))
        path = posixpath.relpath(there, posixpath.dirname(place(name)) or ".")
        return f"{path}#{anchor}" if anchor else path

    done, end = [], 0
    for block in _FENCED.finditer(text):
        done += [_LINK.sub(moved, _COMMENT.sub("", text[end : block.start()])), block[0]]
        end = block.end()
    return "".join([*done, _LINK.sub(moved, _COMMENT.sub("", text[end:]))])


def navigation(index: str) -> str:
    """The sections as what Sphinx makes its sidebar of."""
    trees = [
        "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])
        for caption, pages in sections(index).items()
    ]
    return "\n" + "\n".join(trees)


def stage(folder: Path) -> None:
    """Write into a new folder what Sphinx reads."""
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns("*.md"))
    names = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")]
    for name in {*names, *PLACES} - {INDEX}:
        text = page(name, (ROOT / name).read_text("utf-8"))
        if name == "README.md":
            text += navigation((ROOT / INDEX).read_text("utf-8"))
        path = folder / place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")


def lost(folder: Path) -> list[str]:
    """The links of a built site that lead nowhere: to a file, or to a name within one, that is not there."""
    pages = {path: path.read_text("utf-8") for path in folder.rglob("*.html")}
    names = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    found = []
    for path, text in pages.items():
        for link in set(re.findall(r'<(?:a|img)\b[^>]*?\b(?:href|src)="(?![a-z]+:)([^"]*)"', text)):
            url, anchor = urldefrag(link)
            target = (path.parent / unquote(url)).resolve() if url else path
            if not target.exists() or (anchor and target in names and unquote(anchor) not in names[target]):
                found.append(f"{path.relative_to(folder)}: {link}")
    return sorted(found)


def main(arguments: list[str]) -> int:
    """Build; the exit status is 1 where a link leads nowhere."""
    folder = Path(arguments[0]).resolve() if arguments else FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        stage(source)
        trees = Path(temporary) / "trees"
        # Imported here, and by name: the tests of this module, and mypy, do without Sphinx.
        sphinx = import_module("sphinx.application").Sphinx
        app = sphinx(source, None, folder, trees, "html", SETTINGS, freshenv=True, warningiserror=True, status=None)
        app.build()
    gone = lost(folder)
    for line in gone:
        print(f"leads nowhere: {line}", file=sys.stderr)
    print(f"{len(list(folder.rglob('*.html')))} pages: {folder / 'index.html'}")
    return 1 if gone or app.statuscode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
