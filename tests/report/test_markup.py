"""Markup: what is shown can't break it."""

import json
from html.parser import HTMLParser

from absl.testing import absltest

from pgtf.report.markup import Markup, breakable, data, element, joined

BAD = """</script><script>alert('x')</script> "quoted" & <b>"""


class Seen(HTMLParser):
    """Parser that records the elements, their attributes and the texts of HTML."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


class MarkupTest(absltest.TestCase):
    def test_elements_attributes_and_children(self):
        found = element(
            "p", "a ", element("b", 1), [element("br"), None], class_="x", aria_label='"', hidden=True, id=None
        )
        self.assertEqual(found, '<p class="x" aria-label="&quot;" hidden>a <b>1</b><br></p>')
        self.assertIsInstance(found, Markup)

    def test_texts_stay_texts(self):
        seen = Seen(element("td", BAD, title=BAD))
        self.assertEqual(seen.elements, [("td", {"title": BAD})])
        self.assertEqual("".join(seen.texts), BAD)

    def test_names_break_after_their_number(self):
        found = [breakable(text) for text in ("edges2handbags", "a_b", "maps", "<2b>", Markup("<i>2b</i>"))]
        self.assertEqual(found, ["edges2<wbr>handbags", "a_<wbr>b", "maps", "&lt;2b&gt;", "<i>2b</i>"])

    def test_markup_is_not_escaped_again(self):
        self.assertEqual(joined(Markup("<i>"), "<i>"), "<i>&lt;i&gt;")

    def test_data_end_their_element_nowhere_before(self):
        seen = Seen(data("it", {BAD: [BAD, "é"]}))
        self.assertEqual(seen.elements, [("script", {"type": "application/json", "id": "it"})])
        self.assertEqual(json.loads("".join(seen.texts)), {BAD: [BAD, "é"]})


if __name__ == "__main__":
    absltest.main()
