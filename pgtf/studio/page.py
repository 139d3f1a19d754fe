"""The studio's page."""

from collections.abc import Sequence

from pgtf.report.document import beside, document, look
from pgtf.report.markup import Markup, data, element
from pgtf.studio.answers import Offered

SCRIPT = beside(__file__, "studio.js")
_OWN_STYLE = beside(__file__, "studio.css")
STYLE = look() + _OWN_STYLE  # The exact text in the page; its hash is in the Content-Security-Policy.


def page(name: str, tasks: Sequence[Offered]) -> str:
    """Returns the HTML of a run's studio."""
    about = (
        "Draw, or drop an image on the page: the selected task translates it as you draw. Everything runs on this "
        "machine. No image is stored."
    )
    main = [
        _choice("task", "Task", [task.name for task in tasks]),
        element("div", _paper(), _answer(), class_="pair"),
        element("p", id="error", role="alert", class_="wrong", hidden=True),
        element("p", id="notice", role="status", hidden=True),
        _tools(),
        element("section", element("h2", "Start from a test image"), element("div", id="examples", class_="row")),
        _all_tasks(),
    ]
    return framed(name, about, main, data("offered", [_plain(task) for task in tasks]), SCRIPT)


def framed(name: str, about: str, main: Sequence[Markup], facts: Markup, script: str) -> str:
    """Returns the HTML of a page of the studio.

    Args:
      name: Name of the run.
      about: One paragraph about the page.
      main: Its elements.
      facts: Data that its script reads.
      script: Its script.
    """
    body = [
        element("header", element("p", "pgtf studio", class_="kicker"), element("h1", name), element("p", about)),
        element("main", main),
        element("noscript", element("p", "This page needs JavaScript.")),
        facts,
        element("script", Markup(script)),
    ]
    return document(f"{name} · pgtf studio", body, _OWN_STYLE)


def _plain(task: Offered) -> dict:
    height, width = task.size
    ways = [{"title": way.title, "examples": len(way.examples), "colours": way.colours} for way in task.ways]
    return {"name": task.name, "height": height, "width": width, "ways": ways}


def _choice(name: str, title: str, options: Sequence[str]) -> Markup:
    """Returns radio buttons that look like chips. The first is selected."""
    chips = [
        element(
            "label",
            element("input", type="radio", name=name, value=number, checked=number == 0),
            element("span", option),
        )
        for number, option in enumerate(options)
    ]
    return element("fieldset", element("legend", title), chips, id=f"{name}s", class_="chips")


def _paper() -> Markup:
    label = "Canvas to draw on with a mouse, a pen or a finger. Test images below can be selected with the keyboard."
    return element(
        "figure",
        element("figcaption", element("b", "Input")),
        element("canvas", id="paper", role="img", aria_label=label),
        class_="sheet",
    )


def _answer() -> Markup:
    return element(
        "figure",
        element("figcaption", element("b", id="answers"), element("small", id="status", role="status")),
        element("img", id="answer", alt="The task's output for your input"),
        class_="sheet",
    )


def _tools() -> Markup:
    return element(
        "div",
        _choice("way", "Direction", []),
        _choice("tool", "Tool", ["Pencil", "Rectangle", "Eraser"]),
        element("fieldset", element("legend", "Colour"), element("div", id="colours"), class_="chips"),
        element("label", "Width", element("input", type="range", id="width", min=1, max=40, value=4), class_="width"),
        element("label", element("input", type="checkbox", id="full"), " Open images at full size", class_="full"),
        element(
            "div",
            element("button", "Undo", type="button", id="undo"),
            element("button", "Clear", type="button", id="clear"),
            element("button", "Open image …", type="button", id="open"),
            element(
                "input",
                type="file",
                id="file",
                accept="image/*",
                class_="unseen",
                aria_label="Image file to open",
                tabindex=-1,
            ),
            element("button", "Save output", type="button", id="save"),
            element("button", "Save input", type="button", id="save-paper"),
            class_="row",
        ),
        class_="tools card",
    )


def _all_tasks() -> Markup:
    return element(
        "section",
        element("h2", "All tasks"),
        element("p", "The output of each task for the current input. A network takes a moment when it is first used."),
        element("button", "Show all tasks", type="button", id="all", aria_pressed="false"),
        element("div", id="compared", class_="compared"),
    )
