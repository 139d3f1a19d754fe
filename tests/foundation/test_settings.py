"""Settings are written once, as fields: their bounds are checked, and facts on disk give them back."""

import dataclasses
import json
from typing import Any

from absl.testing import absltest, parameterized

from pgtf.foundation import settings
from pgtf.foundation.settings import setting


@dataclasses.dataclass(frozen=True)
class Tea:
    """Settings of every kind, and a field that is none."""

    leaf: str = setting("oolong", "Its leaf.", choices=("oolong", "green"))
    minutes: float = setting(3.0, "How long.", above=0, most=10)
    price: float = setting(1.0, "What it costs.", least=0)
    cups: int = setting(2, "How many.", least=1)
    strength: float = setting(0.5, "How strong.", least=0, most=1)
    sugar: int = setting(0, "How sweet.", most=3)
    degrees: int = setting(80, "How hot.", above=0)
    milk: bool = setting(False, "With milk.")
    with_it: tuple[str, ...] = setting(("cake",), "What goes with it.")
    note: str = dataclasses.field(default="", init=False)

    def __post_init__(self):
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Iced(Tea):
    """Tea of which one setting is fixed."""

    degrees: int = dataclasses.field(default=4, init=False)


TABLE = {"tea": Tea, "iced": Iced}


class CheckTest(parameterized.TestCase):
    @parameterized.parameters(
        ("leaf", "black", "one of oolong, green"),
        ("minutes", 0.0, "more than 0 and at most 10"),
        ("minutes", 10.5, "more than 0 and at most 10"),
        ("minutes", float("nan"), "more than 0 and at most 10"),
        ("price", float("inf"), "finite"),
        ("cups", 0, "1 or more"),
        ("strength", -0.01, "in [0, 1]"),
        ("strength", 1.01, "in [0, 1]"),
        ("strength", float("nan"), "in [0, 1]"),
        ("sugar", 4, "at most 3"),
        ("degrees", 0, "more than 0"),
        ("degrees", -1, "more than 0"),
    )
    def test_a_value_outside_its_bounds(self, name, value, rule):
        with self.assertRaises(ValueError) as told:
            Tea(**{name: value})
        self.assertEqual(str(told.exception), f"--{name} must be {rule}. Received: {value!r}")

    @parameterized.parameters(
        ("leaf", 3, "a text"),
        ("minutes", "3", "a number"),
        ("minutes", True, "a number"),
        ("cups", 2.0, "a whole number of 64 bits"),
        ("cups", True, "a whole number of 64 bits"),
        ("cups", 10**30, "a whole number of 64 bits"),
        ("milk", 1, "true or false"),
        ("with_it", ["cake"], "a tuple of texts"),
        ("with_it", ("cake", 2), "a tuple of texts"),
        ("leaf", None, "a text"),
    )
    def test_a_value_of_another_type(self, name, value, rule):
        with self.assertRaises(ValueError) as told:
            Tea(**{name: value})
        self.assertEqual(str(told.exception), f"`{name}` must be {rule}. Received: {value!r}")

    def test_types(self):
        for kind, value in ((int, 2**63 - 1), (float, 3), (float, 0.5), (tuple[int, int], (1, 2)), (Any, object())):
            self.assertTrue(settings.is_of(kind, value), kind)
        for kind, value in ((tuple[int, int], (1,)), (tuple[int, int], (1, "2")), (dict[str, Any], []), (Tea, 1)):
            self.assertFalse(settings.is_of(kind, value), kind)

    def test_a_value_on_its_bound(self):
        Tea(minutes=0.01, cups=1, strength=0.0, sugar=3, degrees=1)
        Tea(minutes=10, strength=1.0, sugar=-7)

    def test_an_infinite_number_has_no_place_between_bounds(self):
        with self.assertRaisesRegex(ValueError, "--strength"):
            Tea(strength=float("inf"))


class FieldsTest(absltest.TestCase):
    def names(self, kind):
        return [field.name for field in settings.settings_of(kind)]

    def test_settings_are_the_fields_that_a_user_sets(self):
        all_of_them = ["leaf", "minutes", "price", "cups", "strength", "sugar", "degrees", "milk", "with_it"]
        self.assertEqual(self.names(Tea), all_of_them)
        self.assertEqual(self.names(Tea(cups=3)), all_of_them)
        self.assertEqual(self.names(Iced), [name for name in all_of_them if name != "degrees"])

    def test_as_text(self):
        for value, text in ((("a", "b"), "a,b"), ((), ""), (0.25, "0.25"), (False, "False"), ("x", "x")):
            self.assertEqual(settings.as_text(value), text)


class FactsTest(absltest.TestCase):
    def test_facts_give_back_what_they_describe(self):
        for kind, name in ((Tea, "tea"), (Iced, "iced")):
            for value in (kind(), kind(leaf="green", minutes=1.5, cups=7, milk=True, with_it=("scones", "jam"))):
                facts = json.loads(json.dumps(settings.as_facts(settings.name_in(TABLE, value), value)))
                self.assertEqual(facts["name"], name)
                self.assertEqual(settings.from_facts(TABLE, facts), value)

    def test_they_are_plain_and_complete(self):
        self.assertEqual(
            settings.as_facts("iced", Iced(cups=3)),
            {
                "name": "iced",
                "leaf": "oolong",
                "minutes": 3.0,
                "price": 1.0,
                "cups": 3,
                "strength": 0.5,
                "sugar": 0,
                "degrees": 4,
                "milk": False,
                "with_it": ("cake",),
                "note": "",
            },
        )

    def test_what_older_facts_do_not_say_has_its_default(self):
        self.assertEqual(settings.from_facts(TABLE, {"name": "tea", "cups": 5}), Tea(cups=5))

    def test_facts_that_are_not_known(self):
        for facts, rule in (
            ({"name": "coffee"}, "one of tea, iced. Received: 'coffee'"),
            ({"cups": 3}, "one of tea, iced. Received: None"),
            ({"name": "tea", "lemon": 1}, "tea has the settings cups, .*, with_it. Received: lemon"),
            ({"name": "tea", "cups": 0}, "--cups must be 1 or more. Received: 0"),
        ):
            with self.assertRaisesRegex(ValueError, rule):
                settings.from_facts(TABLE, facts)


if __name__ == "__main__":
    absltest.main()
