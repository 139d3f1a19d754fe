"""Settings: fields of frozen dataclasses, each also a flag on the command line and a fact on disk."""

import csv
import dataclasses
import functools
import io
import math
import typing
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, Optional


def setting(
    default: Any,
    help: str,
    *,
    choices: Collection[str] = (),
    least: Optional[float] = None,
    above: Optional[float] = None,
    most: Optional[float] = None,
    may_change: bool = False,
    repeated: bool = False,
    replaced_by: str = "",
    formerly: str = "",
) -> Any:
    """Returns a dataclass field that is also a flag.

    Args:
      default: Its default value.
      help: Its text in `--help`.
      choices: The allowed values. Default: all.
      least, above, most: Bounds of a number: value >= least, value > above, value <= most.
      may_change: Whether a run can continue with another value.
      repeated: Whether the flag of a list is repeated, once per item, so that items may contain commas.
      replaced_by: The flag that replaces this one, which old runs still need.
      formerly: The earlier name of this flag, which stays accepted; slices record the setting under it.
    """
    rules = dict(choices=choices, least=least, above=above, most=most, may_change=may_change, repeated=repeated)
    metadata = dict(help=help, replaced_by=replaced_by, formerly=formerly, **rules)
    return dataclasses.field(default=default, metadata=metadata)


def settings_of(kind: Any) -> tuple[dataclasses.Field, ...]:
    """Returns the fields that a user sets, of a settings class or an instance; a subclass may fix some fields."""
    return tuple(field for field in dataclasses.fields(kind) if field.init and "help" in field.metadata)


def changeable(settings: Any) -> dict[str, Any]:
    """Returns {name: value} of the settings that may differ between the tasks of a run."""
    return {
        field.name: getattr(settings, field.name) for field in settings_of(settings) if field.metadata["may_change"]
    }


def agree(one: Any, other: Any) -> bool:
    """Returns whether two settings objects are equal in all settings that may not change."""
    return type(one) is type(other) and dataclasses.replace(one, **changeable(other)) == other


def check(settings: Any) -> None:
    """Raises ValueError if a value has the wrong type or lies outside its bounds."""
    check_types(settings)
    for field in settings_of(settings):
        value, rules = getattr(settings, field.name), field.metadata
        if rules["choices"] and value not in rules["choices"]:
            refuse(field.name, f"one of {', '.join(rules['choices'])}", value)
        if isinstance(value, (int, float)):
            _check_number(field.name, value, rules["least"], rules["above"], rules["most"])
            if abs(value) == math.inf:
                refuse(field.name, "finite", value)


def _check_number(
    name: str, value: float, least: Optional[float], above: Optional[float], most: Optional[float]
) -> None:
    fits = (
        (least is None or value >= least) and (above is None or value > above) and (most is None or value <= most)
    )  # NaN fits no bound.
    if fits:
        return
    if least is not None and most is not None:
        refuse(name, f"in [{least:g}, {most:g}]", value)
    low = f"more than {above:g}" if above is not None else f"{least:g} or more" if least is not None else ""
    refuse(name, " and ".join(filter(None, [low, f"at most {most:g}" if most is not None else ""])), value)


def check_types(owner: Any) -> None:
    """Raises ValueError if a value of a dataclass does not match its field's type: untrusted JSON can hold anything."""
    kinds: dict[str, Any] = _types(type(owner))  # type: ignore[arg-type]  # A class is hashable.
    for name, kind in kinds.items():
        if not is_of(kind, getattr(owner, name)):
            expected = _EXPECTED.get(kind) or f"of type {getattr(kind, '__name__', kind)}"
            raise ValueError(f"`{name}` must be {expected}. Received: {getattr(owner, name)!r}")


def is_of(kind: Any, value: Any) -> bool:
    """Returns whether a value matches an annotation: a class or tuple[…]. An int also matches float."""
    origin: Any = typing.get_origin(kind) or kind
    parts = typing.get_args(kind)
    if origin in (int, float):  # bool is a subclass of int. Other programs read at most 64 bits.
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
        return whole or (origin is float and isinstance(value, float))
    if origin is Any or not isinstance(origin, type):  # Unions are not checked.
        return True
    if origin is tuple and parts and isinstance(value, tuple):
        kinds = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return len(kinds) == len(value) and all(map(is_of, kinds, value))
    return isinstance(value, origin)


_EXPECTED = {
    bool: "true or false",
    int: "a whole number of 64 bits",
    float: "a number",
    str: "a text",
    tuple[str, ...]: "a tuple of texts",
    tuple[int, int]: "a pair of whole numbers",
}


@functools.cache
def _types(owner: Any) -> dict[str, Any]:
    """Returns {field: type} of a dataclass."""
    hints = typing.get_type_hints(owner)
    return {field.name: hints[field.name] for field in dataclasses.fields(owner)}


def refuse(name: str, rule: str, received: Any) -> NoReturn:
    """Raises ValueError with the message: --NAME must be RULE."""
    raise ValueError(f"--{name} must be {rule}. Received: {received!r}")


def as_text(value: Any) -> str:
    """Formats a setting's value for a flagfile. A list becomes CSV: its items are quoted if they contain commas."""
    if not isinstance(value, tuple):
        return str(value)
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(value)
    return text.getvalue()


def from_text(kind: Any, name: str, text: str) -> Any:
    """Parses the text of a flag. Returns a value of type `kind`: bool, int, float or str."""
    kind = getattr(kind, "__name__", str(kind))
    try:
        if kind == "bool":
            return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        return {"int": int, "float": float, "str": str}[kind](text)
    except (KeyError, ValueError):
        refuse(name, {"bool": "true or false", "int": "a whole number"}.get(kind, f"a {kind}"), text)


def as_facts(name: str, settings: Any) -> dict[str, Any]:
    """Returns settings as plain data: the name of their class in its table, and their fields."""
    return {"name": name, **dataclasses.asdict(settings)}


def from_facts(table: Mapping[str, Any], facts: dict[str, Any]) -> Any:
    """Returns the settings object that `as_facts` described. Fields without a help text are facts, not flags."""
    if facts.get("name") not in table:
        raise ValueError(f"`name` must be one of {', '.join(table)}. Received: {facts.get('name')!r}")
    kind = table[facts["name"]]
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(facts) - known - {"name"})
    if unknown:
        raise ValueError(f"{facts['name']} has the settings {', '.join(sorted(known))}. Received: {', '.join(unknown)}")
    given = {field.name: facts[field.name] for field in dataclasses.fields(kind) if field.init and field.name in facts}
    # JSON has no tuples.
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def name_in(table: Mapping[str, Any], settings: Any) -> str:
    """Returns the name of a settings object's class in a table."""
    return next(name for name, kind in table.items() if kind is type(settings))
