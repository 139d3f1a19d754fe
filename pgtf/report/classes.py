"""Shows a classifier in a report: its confusions and its most confident mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from pgtf.report.content import Answers
from pgtf.report.markup import Markup, element, joined
from pgtf.report.pictures import Pictures
from pgtf.report.tables import table

MATRIX = 12  # Most classes whose confusions are shown as a matrix; of more, the most frequent ones are listed.


def answers_of(path: str, labels: Sequence[str]) -> Answers | None:
    """Reads the answers that the last evaluation stored; None if there are none, or if they have other classes."""
    try:
        with open(path, "rb") as file:
            arrays = load(file.read())
        confusions = [(int(true), int(taken), int(count)) for true, taken, count in arrays["confusions"]]
        images = arrays.get("images", np.zeros([0, 1, 1, 3], "uint8"))
        pairs = list(zip(map(int, arrays.get("labels", ())), map(int, arrays.get("answers", ()))))
        places = [place for true, taken, _ in confusions for place in (true, taken)] + [
            one for two in pairs for one in two
        ]
        if not all(0 <= place < len(labels) for place in places) or (images.dtype, images.shape[-1]) != (np.uint8, 3):
            return None
        mistakes = [
            (image, labels[true], labels[taken]) for image, (true, taken) in zip(images, pairs) if image.ndim == 3
        ]
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, IndexError):
        return None
    return Answers(tuple(labels), confusions, mistakes)


def answers_block(name: str, answers: Answers, pictures: Pictures) -> Markup:
    """Builds the confusions and the images of mistakes of one task."""
    shown = _matrix(name, answers) if len(answers.labels) <= MATRIX else _list(name, answers)
    wrong = [
        [pictures.image(picture, f"{name}: {true}, taken for {taken}"), true, taken]
        for picture, true, taken in answers.mistakes
    ]
    return joined(
        element("h4", "Answers for test images"),
        shown,
        element("h4", "The surest mistakes") if wrong else None,
        table(f"Mistakes of {name}", ["image", "class", "taken for"], wrong, "strip") if wrong else None,
    )


def _matrix(name: str, answers: Answers) -> Markup:
    """Builds the confusion matrix: a row for each class, a column for each predicted class."""
    counts = {(true, taken): count for true, taken, count in answers.confusions}
    places = range(len(answers.labels))
    rows = [[answers.labels[true], *(str(counts.get((true, taken), "")) for taken in places)] for true in places]
    return table(f"Confusion matrix of {name}", ["taken for", *answers.labels], rows, "numbers", named=True)


def _list(name: str, answers: Answers) -> Markup:
    """Lists the most frequent confusions."""
    wrong = sorted((row for row in answers.confusions if row[0] != row[1]), key=lambda row: -row[2])[:MATRIX]
    total = sum(count for *_, count in answers.confusions)
    rows = [[answers.labels[true], answers.labels[taken], str(count)] for true, taken, count in wrong]
    return joined(
        element("p", f"The most frequent confusions among {total:,} images of {len(answers.labels):,} classes."),
        table(f"Confusions of {name}", ["class", "taken for", "images"], rows, "numbers") if rows else None,
    )
