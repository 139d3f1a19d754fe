"""A report as one self-contained HTML file."""

from __future__ import annotations

import datetime

from pgtf.foundation.version import __version__
from pgtf.report import run_sections
from pgtf.report.comparison import comparison
from pgtf.report.content import Comparison, ReportedRun
from pgtf.report.document import beside, document
from pgtf.report.markup import Markup, element, joined
from pgtf.report.page_cache import PageCache
from pgtf.report.pictures import Pictures
from pgtf.report.svg_plots import Plots
from pgtf.report.task_section import task_section
from pgtf.storage import run_paths

# (so many pictures, then their longer side at most), so that a page stays at a few MB.
BOUNDS = ((150, 256), (400, 192), (1000, 128))
LEAST = 96


def page(run: ReportedRun, cache: PageCache | None = None) -> str:
    """Builds the report of a run.

    Args:
      run: Content of the report.
      cache: Cache for pictures and plots.

    Returns:
      HTML.
    """
    pictures, drawn = Pictures(longest_side(run), cache), Plots(cache)
    body = [
        run_sections.head(run, pictures),
        _contents(run),
        element(
            "main",
            _tasks(run, pictures, drawn),
            run_sections.matrix(run, drawn),
            run_sections.storage(run, drawn),
            run_sections.through(run, pictures),
            id="main",
        ),
    ]
    return _whole(run.name, body, pictures)


def compare_page(compared: Comparison, cache: PageCache | None = None) -> str:
    """Builds a page that compares several runs, for the folder of the first one's report.

    Args:
      compared: The runs.
      cache: Cache for pictures and plots.

    Returns:
      HTML.
    """
    names = [run.name for run in compared.runs]
    pictures = Pictures(_side(sum(len(one.outputs) for one in compared.inputs)), cache)
    body = [
        element(
            "header",
            element("p", "pgtf report", class_="kicker"),
            element("h1", f"{names[0]} and {', '.join(names[1:])}"),
            element("p", element("a", f"The report of {names[0]} alone", href=run_paths.PAGE)),
        ),
        element("main", comparison(compared, pictures, Plots(cache)), id="main"),
    ]
    return _whole(" and ".join(names), body, pictures)


def _whole(title: str, body: list[Markup], pictures: Pictures) -> str:
    """Returns the HTML of a page with its footer and its images."""
    foot = [
        _foot(),
        element("noscript", element("p", "The pictures of this page are put in place by a few lines of script.")),
        pictures.script(),
        element("script", Markup(beside(__file__, "page.js"))),
    ]
    return document(f"{title} · pgtf", [*body, *foot], style=beside(__file__, "page.css"))


def longest_side(run: ReportedRun) -> int:
    """Returns the maximum side of images, which depends on their number."""
    count = 0
    for task in run.tasks:
        count += sum(len(way.inputs) * (3 if way.targets else 2) for way in task.ways)
        count += sum(len(later.outputs) for later in task.later if not (later.replay and later.replay.bit_equal))
    count += sum(len(one.outputs) for one in run.through)
    return _side(count)


def _side(count: int) -> int:
    return next((side for most, side in BOUNDS if count <= most), LEAST)


def _contents(run: ReportedRun) -> Markup:
    places = [(f"task-{task.number}", task.name) for task in run.tasks]
    places += [("matrix", "How good")]
    places += [("storage", "Stored")] if run.learned else []
    places += [("through", "One input, all tasks")] if run.through else []
    return element("nav", [element("a", text, href=f"#{place}") for place, text in places], aria_label="Contents")


def _tasks(run: ReportedRun, pictures: Pictures, drawn: Plots) -> Markup:
    to_come = f"Still to come: {', '.join(run.to_come)}." if run.to_come else None
    return joined(
        element("h2", "What each task does"),
        element("p", f"{_on(run)} Choose an input to put it into the slider."),
        [task_section(task, pictures, drawn) for task in run.tasks],
        element("p", to_come, class_="note") if to_come else None,
    )


def _on(run: ReportedRun) -> str:
    """Describes the split of the images that are shown."""
    learned_from = run.learned_from
    if len(learned_from) == len(run.tasks):
        return "On training pictures, which the tasks learned from: there are no test pictures."
    but = (
        f" But {', '.join(learned_from)}: on training pictures, as there are no test pictures." if learned_from else ""
    )
    return f"On pictures that no task learned from.{but}"


def _foot() -> Markup:
    now = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return element("footer", element("p", f"Made by pgtf {__version__}, {now}. This file needs no other."))
