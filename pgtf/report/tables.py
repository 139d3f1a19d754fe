"""Tables that scroll sideways by themselves where a page is narrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pgtf.report.markup import Markup, element


def table(label: str, heads: Sequence[Any], rows: Iterable[Sequence[Any]], kind: str, named: bool = False) -> Markup:
    """A table.

    Args:
      label: What it holds, for who does not see it.
      heads: Of its columns.
      rows: Of its cells.
      kind: Its class: "strip" of pictures or "numbers".
      named: Whether the first cell of a row names the row.

    Returns:
      Markup.
    """
    first = element("tr", [element("th", head, scope="col") for head in heads])
    body = [element("tr", _cell(row[0], named), [element("td", cell) for cell in row[1:]]) for row in rows]
    inner = element("table", element("thead", first), element("tbody", body), class_=kind)
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=label)


def _cell(content: Any, named: bool) -> Markup:
    return element("th", content, scope="row") if named else element("td", content)
