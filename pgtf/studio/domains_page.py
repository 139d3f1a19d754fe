"""The studio's page for generated images."""

from collections.abc import Sequence

from pgtf.report.document import beside
from pgtf.report.markup import Markup, data, element
from pgtf.studio.domains import DIRECTIONS
from pgtf.studio.page import framed

SCRIPT = beside(__file__, "domains.js")
MOST = 3  # Standard deviations that a slider moves a style.


def page(name: str, tasks: Sequence[str]) -> str:
    """Returns the HTML of the studio of a run that generates images."""
    sliders = [_slider(f"direction-{number}", f"Direction {number + 1}", -MOST, MOST) for number in range(DIRECTIONS)]
    about = (
        "Each domain makes an image from the same latent. The sliders move its style along the directions in which the "
        "first domain's images differ most. Everything runs on this machine."
    )
    seed = element("input", type="number", id="seed", min=0, max=999999999, value=0)
    buttons = [
        element("button", "Another seed", type="button", id="another"),
        element("button", "Reset the sliders", type="button", id="reset"),
    ]
    main = [
        element("p", id="error", role="alert", class_="wrong", hidden=True),
        element("p", id="status", role="status"),
        element("div", [_domain(task) for task in tasks], id="domains", class_="compared"),
        element(
            "div",
            element("label", "Seed", seed, class_="width"),
            _slider("truncation", "Variety (truncation ψ)", 0, 1, 0.7),
            sliders,
            element("div", buttons, class_="row"),
            class_="tools card",
        ),
    ]
    return framed(name, about, main, data("tasks", list(tasks)), SCRIPT)


def _slider(name: str, title: str, least: float, most: float, value: float = 0) -> Markup:
    return element(
        "label",
        title,
        element("input", type="range", id=name, min=least, max=most, step=0.05, value=value),
        class_="width",
    )


def _domain(task: str) -> Markup:
    button = element("button", "Save", type="button", aria_label=f"Save the image of {task}")
    return element(
        "figure",
        element("figcaption", element("span", task), button),
        element("img", alt=f"Image of {task}", class_="pixels"),
    )
