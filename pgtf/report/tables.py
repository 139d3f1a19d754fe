"""Tables that scroll horizontally on narrow pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pgtf.report.markup import Markup, breakable, element


def table(label: str, heads: Sequence[Any], rows: Iterable[Sequence[Any]], kind: str, named: bool = False) -> Markup:
    """Builds a table.

    Args:
      label: Accessible name of the table.
      heads: Headers of the columns.
      rows: Rows of cells.
      kind: CSS class: "strip" for images or "numbers".
      named: Whether the first cell of each row is its header.

    Returns:
      Markup.
    """
    first = element("tr", [element("th", breakable(head), scope="col") for head in heads])
    body = [element("tr", _cell(row[0], named), [element("td", cell) for cell in row[1:]]) for row in rows]
    columns = f"--columns:{len(heads)}"
    inner = element("table", element("thead", first), element("tbody", body), class_=kind, style=columns)
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=label)


def _cell(content: Any, named: bool) -> Markup:
    return element("th", content, scope="row") if named else element("td", content)
