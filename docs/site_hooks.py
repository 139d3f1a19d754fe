"""Hooks of mkdocs: the page of all commands, from their --help; pages outside docs/; links to these.

RESULTS.md and its like stay where they are in the repository, and get the same path on the site. A page of docs/ links
to them as it must in the repository, with one more `../` than on the site.
"""

import pathlib
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pgtf.cli.main import COMMANDS  # noqa: E402  (the path comes first; imports no TensorFlow)

OUTSIDE = ("RESULTS.md", "BENCH.md", "CHANGELOG.md", "results/*/*.md", "results/*/page/*.png")
CODE = re.compile(r"<code>[^<]+</code>")
LINK = re.compile(r"(\]\()([^)\s#]+)([^)]*\))")


def on_files(files: Any, config: Any) -> Any:
    """Adds the files outside docs/ and the generated page."""
    from mkdocs.structure.files import File

    for path in sorted(path for pattern in OUTSIDE for path in ROOT.glob(pattern)):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    return files


def on_page_markdown(markdown: str, page: Any, **kwargs: Any) -> str:
    """Changes links of a page of docs/ to files outside it: the site has both in one folder."""
    folder = posixpath.dirname(page.file.src_uri)

    def moved(match: re.Match[str]) -> str:
        begin, link, end = match.groups()
        leaves = posixpath.normpath(posixpath.join(folder, link)).startswith("../")
        return begin + (link.removeprefix("../") if leaves else link) + end

    return LINK.sub(moved, markdown)


def on_page_content(html: str, **kwargs: Any) -> str:
    """Keeps browsers from breaking lines after the hyphens of a flag."""
    return CODE.sub(lambda match: re.sub(r"(--\w+)", r'<span class="flag">\1</span>', match[0]), html)


def commands_page() -> str:
    """Returns the page of all commands in Markdown."""
    lines = ["# Command line", "", "`pgtf COMMAND [ARGUMENTS] [--FLAG=VALUE ...]`. Flags can stand in a file, one per"]
    lines += ["line: `--flagfile=FILE`. `pgtf --help` lists the commands, `pgtf COMMAND --helpfull` all flags of one,"]
    lines += ["`pgtf help METHOD` describes a method and its settings. This page is made from these texts.", ""]
    lines += ["| command | |", "|---|---|", *(f"| [`{name}`](#{name}) | {text} |" for name, text in COMMANDS.items())]
    for name, text in COMMANDS.items():
        lines += ["", f"## {name}", ""]
        lines += [f"{text} It is `pgtf train --flagfile=flags/demo.cfg`."] if name == "demo" else section(name)
    return "\n".join(lines)


def section(command: str) -> Iterable[str]:
    """Yields the description and the flags of one command; the settings of training only for `train`."""
    program = [sys.executable, "-m", "pgtf", command, "--helpfull"]
    text = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    own, *settings = re.split(r"\n\n(?=[a-z ]+:\n)", text.rpartition("\n--flagfile=")[0])
    description, _, flags = own.partition("\n  --")
    yield re.sub(r"(?m)^pgtf ", "    pgtf ", description)
    yield from flag_lines("  --" + flags)
    if settings and command != "train":
        yield "\nAll settings of [`train`](#train) are flags, too."
        return
    for group in settings:
        heading, _, flags = group.partition(":\n")
        yield f"\n### Settings: {heading}\n"
        yield from flag_lines(flags)


def flag_lines(text: str) -> Iterable[str]:
    """Yields flags with their help as a definition list."""
    for flag in re.split(r"(?m)^  (?=--)", text)[1:]:
        name, *lines = flag.splitlines()
        name, _, choices = name.partition(" ")
        yield f"`{name}`{' ' + escaped(choices.replace('|', ', ')) if choices else ''}"
        text = " ".join(line.strip() for line in lines if not line.startswith(" " * 8))
        yield f":   {escaped(text)}"
        rows = re.findall(r"^ {8}(\w+): (.*(?:\n {8}(?!\w+: ).*)*)", "\n".join(lines), re.M)
        if rows:
            yield ""
            yield from (f"    - `{row}`: {escaped(' '.join(meaning.split()))}" for row, meaning in rows)
        yield ""


def escaped(text: str) -> str:
    """Returns text as Markdown shows it, with flags and paths as code."""
    pieces = re.split(r"(`[^`]*`|--\w+(?:=[^\s,;)]*[^\s,;).])?|[\w{},|]*(?:/[\w{},*.|]*[\w}|])+)", text)
    return "".join(
        piece if piece.startswith("`") else f"`{piece}`" if at % 2 else re.sub(r"([*_<>\[\]|])", r"\\\1", piece)
        for at, piece in enumerate(pieces)
    )
