"""The studio's page."""

from collections.abc import Sequence

from pgtf.report.document import beside, document, look
from pgtf.report.markup import Markup, data, element
from pgtf.studio.answers import Offered

SCRIPT = beside(__file__, "studio.js")
_OWN_STYLE = beside(__file__, "studio.css")
STYLE = look() + _OWN_STYLE  # As it stands in the page.


def page(name: str, tasks: Sequence[Offered]) -> str:
    """HTML of a run's studio."""
    body = [
        element(
            "header",
            element("p", "pgtf studio", class_="kicker"),
            element("h1", name),
            element(
                "p",
                "Draw, or drop a picture: the chosen task answers as you draw. All of it happens on this machine, and "
                "nothing is kept.",
            ),
        ),
        element(
            "main",
            _choice("task", "Task", [task.name for task in tasks]),
            element("div", _paper(), _answer(), class_="pair"),
            element("p", id="error", role="alert", class_="wrong", hidden=True),
            element("p", id="notice", role="status", hidden=True),
            _tools(),
            element("section", element("h2", "Start from a test picture"), element("div", id="examples", class_="row")),
            _all_tasks(),
        ),
        element("noscript", element("p", "This page draws with script.")),
        data("offered", [_plain(task) for task in tasks]),
        element("script", Markup(SCRIPT)),
    ]
    return document(f"{name} · pgtf studio", body, _OWN_STYLE)


def _plain(task: Offered) -> dict:
    height, width = task.size
    ways = [{"title": way.title, "examples": len(way.examples), "colours": way.colours} for way in task.ways]
    return {"name": task.name, "height": height, "width": width, "ways": ways}


def _choice(name: str, title: str, options: Sequence[str]) -> Markup:
    """Radio buttons that look like chips; the first is chosen."""
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
    label = "What you draw on, with a mouse, a pen or a finger; test pictures below can be chosen with the keyboard"
    return element(
        "figure",
        element("figcaption", element("b", "Your picture")),
        element("canvas", id="paper", role="img", aria_label=label),
        class_="sheet",
    )


def _answer() -> Markup:
    return element(
        "figure",
        element("figcaption", element("b", id="answers"), element("small", id="status", role="status")),
        element("img", id="answer", alt="What the task makes of your picture"),
        class_="sheet",
    )


def _tools() -> Markup:
    return element(
        "div",
        _choice("way", "Way", []),
        _choice("tool", "Tool", ["Pencil", "Rectangle", "Eraser"]),
        element("fieldset", element("legend", "Colour"), element("div", id="colours"), class_="chips"),
        element("label", "Width", element("input", type="range", id="width", min=1, max=40, value=4), class_="width"),
        element("label", element("input", type="checkbox", id="full"), " Opened pictures at full size", class_="full"),
        element(
            "div",
            element("button", "Undo", type="button", id="undo"),
            element("button", "Clear", type="button", id="clear"),
            element("button", "Open a picture …", type="button", id="open"),
            element(
                "input",
                type="file",
                id="file",
                accept="image/*",
                class_="unseen",
                aria_label="A picture to open",
                tabindex=-1,
            ),
            element("button", "Save the answer", type="button", id="save"),
            element("button", "Save your picture", type="button", id="save-paper"),
            class_="row",
        ),
        class_="tools card",
    )


def _all_tasks() -> Markup:
    return element(
        "section",
        element("h2", "All tasks"),
        element(
            "p", "What each task makes of your picture as it is now. Networks that were not asked before take a moment."
        ),
        element("button", "Show all tasks", type="button", id="all", aria_pressed="false"),
        element("div", id="compared", class_="compared"),
    )
