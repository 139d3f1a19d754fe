"""Layer rules: the parsed text of --layers, GROUP:KIND or GROUP:KIND:PRECISION, separated by commas.

    outer4:free:int8,inner:low_rank(8):int8,norms:free:float16

A kernel follows the first rule whose group contains it. A kind is a method, applied to the kernels of one group.
"""

import dataclasses
import fnmatch
import re
from collections.abc import Sequence

from pgtf.foundation import settings
from pgtf.foundation.settings import refuse
from pgtf.layers.kernel_site import KernelSite
from pgtf.methods.base import Method
from pgtf.methods.delta import Delta
from pgtf.methods.frozen import Frozen
from pgtf.methods.full import Full
from pgtf.methods.lora import Lora
from pgtf.methods.low_rank import LowRank
from pgtf.methods.mask import Mask
from pgtf.methods.modulated import Modulated
from pgtf.methods.piggyback import Piggyback
from pgtf.recipes.precisions import CHOICES, FLOATS

# {kind: (method, settings given in parentheses, whether its kernels can have a precision of their own)}
KINDS: dict[str, tuple[type[Method], tuple[str, ...], bool]] = {
    "free": (Full, (), True),
    "piggyback": (Piggyback, ("unconstrained_ratio",), True),
    "low_rank": (LowRank, ("rank",), True),
    "lora": (Lora, ("rank",), True),
    "modulated": (Modulated, (), True),
    "mask": (Mask, ("mask",), False),
    "delta": (Delta, ("delta_bits", "round_from"), False),
    "frozen": (Frozen, (), False),
}
VECTORS = ("norms", "biases")
OUTER_LEVELS = 4  # Of a group `outer` without a number: those of flags/outer.cfg.
FORM = "GROUP:KIND or GROUP:KIND:PRECISION, separated by commas"
GROUPS = "outer, outer1, outer2, …, inner, head, norms, biases, or a layer's name with * for any letters"


@dataclasses.dataclass(frozen=True)
class LayerRule:
    """The method and the precision of one group of kernels or vectors.

    Args:
      group: Its name; see GROUPS.
      method: Makes its kernels.
      precision: Precision in which it is stored. Default: that of the run.
    """

    group: str
    method: Method
    precision: str = ""

    def fits(self, site: KernelSite) -> bool:
        """Returns whether a kernel belongs to the group."""
        if self.is_pattern:
            return self.names(site.path)
        if site.task_specific or self.group == "head":
            return site.task_specific and self.group == "head"
        outer = re.fullmatch(r"outer(\d*)", self.group)
        if outer:
            return 1 <= site.level <= int(outer[1] or OUTER_LEVELS)
        return self.group == "inner"

    @property
    def is_pattern(self) -> bool:
        """Whether the group is given by the names of its layers."""
        return not re.fullmatch(r"outer\d*|inner|head|norms|biases", self.group)

    def names(self, path: str) -> bool:
        """Returns whether the group's pattern fits the name of the layer at a path."""
        return fnmatch.fnmatchcase(path.split("/", 1)[1], self.group)


def parsed(text: str) -> tuple[LayerRule, ...]:
    """Parses the text of --layers. Raises ValueError if it is malformed."""
    rules = tuple(_rule(one, text) for one in re.split(r",(?![^(]*\))", text))
    groups = [rule.group for rule in rules]
    if len(set(groups)) < len(groups):
        refuse("layers", "one rule for each group", text)
    return rules


def _rule(one: str, text: str) -> LayerRule:
    """Parses one rule of a text."""
    match = re.fullmatch(r"([\w*?\[\]-]+):(\w+)(?:\(([^()]*)\))?(?::(\w+))?", one)
    if not match:
        refuse("layers", FORM, text)
    group, kind, arguments, precision = match[1], match[2], match[3], match[4] or ""
    if kind not in KINDS:
        refuse("layers", f"of the kinds {', '.join(KINDS)}", one)
    method, names, has_precision = KINDS[kind]
    if precision and (not has_precision or precision not in CHOICES):
        refuse("layers", f"without a precision after {kind}" if not has_precision else _one_of(CHOICES), one)
    if group in (*VECTORS, "head") and (kind != "free" or (group in VECTORS and precision not in ("", *FLOATS))):
        refuse("layers", f"{group}:free, with {_one_of(FLOATS if group in VECTORS else CHOICES)}", one)
    return LayerRule(group, _method(method, names, arguments, one), precision)


def _method(kind: type[Method], names: Sequence[str], arguments: str, one: str) -> Method:
    """Builds the method of a rule. arguments: The text in parentheses, such as "4" in low_rank(4)."""
    given = [argument.strip() for argument in arguments.split(",")] if arguments else []
    if len(given) > len(names):
        refuse("layers", f"with {len(names) or 'no'} values in parentheses ({', '.join(names)})", one)
    types = {field.name: field.type for field in settings.settings_of(kind)}
    return kind(**{name: settings.from_text(types[name], name, value) for name, value in zip(names, given)})


def _one_of(precisions: Sequence[str]) -> str:
    return f"a precision of {', '.join(precisions)}"
