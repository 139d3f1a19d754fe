"""Bytes and plain data, changed at random."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

NUMBERS = (0, 1, -1, 2, 3, 4, 7, 16, 255, 2**15, 2**16 - 1, 2**20, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64)
TEXTS = (
    *(
        "",
        " ",
        ".",
        "..",
        "/",
        "/etc",
        "../../x",
        "a/b",
        "a,b",
        'a"b',
        "a'b",
        "a\nb",
        "\0",
        "\t",
        "%s",
        "{}",
        "--",
        "~",
    ),
    *(
        "0",
        "1",
        "-1",
        "nan",
        "inf",
        "1e999",
        "true",
        "None",
        "a" * 300,
        "ä" * 130,
        "é",
        "日本",
        "\u202e",
        "\ud800",
        "🎨",
    ),
)
ODD = (
    *(*NUMBERS, 10**30, 10**400, 0.5, -0.0, 1.5, 1e-300, 1e308, float("nan"), float("inf"), -float("inf")),
    *(*TEXTS, None, True, False, [], {}, [[]], [0], [1, 2], ["a"], [None], {"": 0}, {"a": {}}),
)


def some(draw: np.random.Generator, values: Any) -> Any:
    """One of some values, as it is; copied where it could be changed."""
    return copy.deepcopy(values[int(draw.integers(len(values)))])


def changed_bytes(draw: np.random.Generator, content: bytes, other: bytes = b"\0") -> bytes:
    """Bytes with one to four changes, often near their beginning; other: what may be spliced in."""
    data = bytearray(content)
    for _ in range(int(draw.integers(1, 5))):
        if data:
            first = 0 if draw.random() < 0.5 else int(draw.integers(len(data)))
            at = min(len(data) - 1, first + int(draw.integers(min(len(data), 512))))
            some(draw, BYTE_CHANGES)(draw, data, at, other or b"\0")
    return bytes(data)


def _flip(draw, data, at, other):
    del other
    for _ in range(int(draw.integers(1, 9))):
        data[min(len(data) - 1, at + int(draw.integers(4)))] ^= 1 << int(draw.integers(8))


def _overwrite(draw, data, at, other):
    del other
    count = min(len(data) - at, int(draw.integers(1, 9)))
    data[at : at + count] = draw.bytes(count)


def _number(draw, data, at, other):
    del other
    size, order = some(draw, (1, 2, 4, 8)), some(draw, ("little", "big"))
    number = some(draw, NUMBERS) % 256**size
    data[at : at + size] = number.to_bytes(size, order)[: len(data) - at]


def _cut(draw, data, at, other):
    del draw, other
    del data[at:]


def _remove(draw, data, at, other):
    del other
    del data[at : at + int(draw.integers(1, 65))]


def _repeat(draw, data, at, other):
    del other
    data[at:at] = data[at : at + int(draw.integers(1, 65))] * int(draw.integers(1, 9))


def _splice(draw, data, at, other):
    first, count = int(draw.integers(len(other))), int(draw.integers(1, 257))
    data[at : at + int(draw.integers(2)) * count] = other[first : first + count]


BYTE_CHANGES = (_flip, _overwrite, _number, _cut, _remove, _repeat, _splice)


def changed_tree(draw: np.random.Generator, tree: Any) -> Any:
    """Plain data, as JSON has it, with one to three changes."""
    tree = copy.deepcopy(tree)
    for _ in range(some(draw, (1, 1, 2, 3))):
        if isinstance(tree, (dict, list)) and tree:
            owner, key = _place(draw, tree)
            some(draw, TREE_CHANGES)(draw, tree, owner, key)
    return tree


def _place(draw, tree):
    """(container, key) of an entry, found by going down: so that a long list is not most of the places."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        key = keys[int(draw.integers(len(keys)))]
        below = tree[key]
        if not isinstance(below, (dict, list)) or not below or draw.random() < 0.25:
            return tree, key
        tree = below


def _odd(draw, tree, owner, key):
    del tree
    owner[key] = some(draw, ODD)


def _gone(draw, tree, owner, key):
    del draw, tree
    del owner[key]


def _from_elsewhere(draw, tree, owner, key):
    there, name = _place(draw, tree)
    owner[key] = copy.deepcopy(there[name])


def _near(draw, tree, owner, key):
    """Another value of the same type, or nearly."""
    del tree
    value = owner[key]
    if isinstance(value, (int, float)):
        owner[key] = some(draw, (value + 1, value - 1, -value, 2 * value, 1000 * value, repr(value), [value]))
    elif isinstance(value, str):
        owner[key] = some(draw, (value.upper(), value[:-1], value + some(draw, TEXTS), [value], list(value)))
    elif isinstance(value, list):
        owner[key] = some(draw, (value[:-1], value[::-1], 2 * value, [value], [*value, some(draw, ODD)]))
    elif isinstance(value, dict):
        owner[key] = some(draw, (list(value), list(value.items()), {"": value}, {**value, some(draw, TEXTS): 0}))


def _everywhere(draw, tree, owner, key):
    """The same value wherever it stands, so that what belongs together still fits."""
    old, new = owner[key], some(draw, ODD)
    stack = [tree]
    while stack:
        container = stack.pop()
        for name in list(container) if isinstance(container, dict) else range(len(container)):
            value = container[name]
            if type(value) is type(old) and value == old:
                container[name] = copy.deepcopy(new)
            elif isinstance(value, (dict, list)):
                stack.append(value)


def _renamed(draw, tree, owner, key):
    del tree
    if isinstance(owner, dict):
        owner[some(draw, (*TEXTS, f"{key}x", key[:-1]))] = owner.pop(key)


def _deep(draw, tree, owner, key):
    del tree
    for _ in range(some(draw, (1, 3, 50, 300))):
        owner[key] = [owner[key]]


TREE_CHANGES = (_odd, _odd, _odd, _gone, _from_elsewhere, _near, _near, _everywhere, _everywhere, _renamed, _deep)
