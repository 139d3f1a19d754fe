"""Text of --layers: what it means, and what is refused."""

from absl.testing import absltest, parameterized

from pgtf.layers.kernel_site import KernelSite
from pgtf.methods import Frozen, Full, LowRank, Mask, Piggyback
from pgtf.methods.layer_rules import LayerRule, parsed


class ParsedTest(parameterized.TestCase):
    def test_rules_in_order(self):
        text = "outer2:free:int8,down3:mask(ternary),inner:low_rank(8):float16,norms:free:float16"
        self.assertEqual(
            parsed(text),
            (
                LayerRule("outer2", Full(), "int8"),
                LayerRule("down3", Mask("ternary")),
                LayerRule("inner", LowRank(8), "float16"),
                LayerRule("norms", Full(), "float16"),
            ),
        )
        self.assertEqual(
            [rule.method for rule in parsed("outer:piggyback(0.5),inner:frozen")], [Piggyback(0.5), Frozen()]
        )

    @parameterized.parameters(
        ("", "GROUP:KIND"),
        ("inner", "GROUP:KIND"),
        ("inner:free,", "GROUP:KIND"),
        ("inner:free:int8:int8", "GROUP:KIND"),
        ("inner:packnet", "of the kinds free, .*Received: 'inner:packnet'"),
        ("inner:free:int5", "a precision of float32, float16, int8, int4, int3, int2. Received"),
        ("inner:mask:int8", "without a precision after mask"),
        ("inner:low_rank(0)", "--rank must be 1 or more. Received: 0"),
        ("inner:low_rank(a)", "--rank must be a whole number. Received: 'a'"),
        ("inner:low_rank(2,3)", r"with 1 values in parentheses \(rank\)"),
        ("inner:frozen(2)", "with no values in parentheses"),
        ("norms:frozen", "norms:free, with a precision of float32, float16"),
        ("biases:free:int8", "biases:free, with a precision of float32, float16"),
        ("head:low_rank(2)", "head:free, with a precision of float32"),
        ("inner:free,inner:frozen", "one rule for each group"),
    )
    def test_malformed_text_is_refused(self, text, rule):
        with self.assertRaisesRegex(ValueError, rule):
            parsed(text)


class FitsTest(parameterized.TestCase):
    @parameterized.parameters(
        ("outer", {"one", "four"}),
        ("outer1", {"one"}),
        ("outer0", set()),
        ("inner", {"one", "four", "five", "none"}),
        ("f*", {"four", "five"}),
        ("head", {"output"}),
        ("out*", {"output"}),
        ("norms", set()),
    )
    def test_kernels_of_a_group(self, group, expected):
        levels = {"one": 1, "four": 4, "five": 5, "none": 0, "output": 1}
        found = set()
        for name, level in levels.items():
            site = KernelSite(f"forward/{name}", None, 0, level=level, task_specific=name == "output")
            found |= {name} if LayerRule(group, Full()).fits(site) else set()
        self.assertEqual(found, expected)


if __name__ == "__main__":
    absltest.main()
