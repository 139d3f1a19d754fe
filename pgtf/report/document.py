"""Complete HTML documents in the common style."""

from __future__ import annotations

import os
from typing import Any

from pgtf.report.markup import Markup, element


def document(title: str, body: Any, style: str = "") -> str:
    """Returns an HTML document with a title, a body, and a style in addition to the common one."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Markup(look() + style)),
    )
    return "<!doctype html>\n" + element("html", head, element("body", body), lang="en") + "\n"


def look() -> str:
    """Returns the common style sheet."""
    return beside(__file__, "look.css")


def beside(module: str, name: str) -> str:
    """Returns the text of a file in the folder of a module."""
    with open(os.path.join(os.path.dirname(module), name), encoding="utf-8") as file:
        return file.read()
