"""Names can be seen as they are, and no text of a stranger's moves the cursor."""

from absl.testing import absltest, parameterized

from pgtf.foundation import task_names

UNSEEN = (
    "\n",
    "\r",
    "\0",
    "\t",
    "\x1b[31m",
    "\x7f",
    "\x9b1m",
    "\u200b",
    "\u200d",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ud800",
    "\ufeff",
)


class NamesTest(parameterized.TestCase):
    @parameterized.parameters(*UNSEEN)
    def test_what_cannot_be_seen_is_in_no_name_and_is_escaped(self, unseen):
        self.assertFalse(task_names.is_name(f"ma{unseen}ps"))
        shown = task_names.escaped(f"ma{unseen}ps")
        self.assertStartsWith(shown, "ma\\")
        self.assertTrue(shown.isprintable())

    @parameterized.parameters("maps", "maps#7", "straße", "日本 地図", "é", "e\u0301", "🗺")
    def test_what_can_be_seen_stays(self, name):
        self.assertTrue(task_names.is_name(name))
        self.assertEqual(task_names.escaped(name), name)

    def test_line_breaks_stay_where_they_are_meant(self):
        self.assertEqual(task_names.escaped("a\nb\x1bc", but="\n"), "a\nb\\x1bc")


if __name__ == "__main__":
    absltest.main()
