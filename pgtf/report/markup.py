"""HTML elements. Every text is escaped unless it is Markup."""

from __future__ import annotations

import html
import json
import re
from typing import Any

_VOID = ("br", "img", "input", "link", "meta", "wbr")


class Markup(str):
    """A string of HTML."""


def element(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """Builds <name attribute="…">children</name>.

    Args:
      name: Name of the element.
      *children: Markup; other values as escaped text; lists of these. None is skipped.
      **attributes: Escaped values. True has no value; None and False are left out. `class_` is class, `_` is a dash.

    Returns:
      Markup.
    """
    head = name + "".join(map(_attribute, attributes.items()))
    return Markup(f"<{head}>" if name in _VOID else f"<{head}>{joined(*children)}</{name}>")


def joined(*children: Any) -> Markup:
    """Joins the children of an element."""
    return Markup("".join(map(_child, children)))


def breakable(text: Any) -> Markup:
    """Escapes a text and lets its lines break inside names such as edges2handbags: after the number."""
    if isinstance(text, Markup):
        return text
    return Markup("<wbr>".join(html.escape(part) for part in re.split(r"(?<=[a-z][0-9_])(?=[a-z])", str(text))))


def data(identifier: str, value: Any) -> Markup:
    """Builds a script element with JSON, escaped so that no text can end the element."""
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
