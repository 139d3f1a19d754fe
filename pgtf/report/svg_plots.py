"""Plots of a page as SVG elements, cached by the data that they show."""

from __future__ import annotations

from typing import Any, Callable

from pgtf.foundation import files
from pgtf.report import plots
from pgtf.report.markup import Markup
from pgtf.report.page_cache import PageCache


class Plots:
    """Plots as svg elements. cache: Cache of plots."""

    def __init__(self, cache: PageCache | None = None):
        self.cache = cache or PageCache()

    def svg(self, draw: Callable[..., Any], *values: Any, text: str) -> Markup:
        """Draws a plot with a function of `plots` and returns it as an svg element.

        Args:
          draw: The function.
          *values: Its arguments.
          text: Alternative text.

        Returns:
          Markup.
        """
        facts = ["plot", draw.__name__, values, text]
        prefix = f"p{files.sha256(repr(facts).encode())[:10]}"
        return Markup(self.cache.load_or_make(facts, lambda: plots.svg(draw(*values), text, prefix).encode()).decode())
