"""HTML that can't be broken by what it shows: every text is escaped unless it is markup already."""

from __future__ import annotations

import html
import json
from typing import Any

_VOID = ("br", "img", "input", "link", "meta")


class Markup(str):
    """Text that is HTML."""


def element(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """<name attribute="…">children</name>.

    Args:
      name: Of the element.
      *children: Markup, or anything else as text; lists of these; None is nothing.
      **attributes: Escaped; True stands without a value, None and False are left out. `class_` is class, `_` is a dash.

    Returns:
      Markup.
    """
    head = name + "".join(map(_attribute, attributes.items()))
    return Markup(f"<{head}>" if name in _VOID else f"<{head}>{joined(*children)}</{name}>")


def joined(*children: Any) -> Markup:
    """Children of an element, one after the other."""
    return Markup("".join(map(_child, children)))


def data(identifier: str, value: Any) -> Markup:
    """A script element of JSON, which no text in it can end."""
    content = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
    return Markup(f'<script type="application/json" id="{html.escape(identifier)}">{content}</script>')


def _attribute(item: tuple[str, Any]) -> str:
    name, value = item[0].rstrip("_").replace("_", "-"), item[1]
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def _child(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return joined(*child) if isinstance(child, (list, tuple)) else html.escape(str(child))
