"""A report in a browser: nothing fails, every picture is there, the slider moves, and it fits a phone."""

import dataclasses
import os
import pathlib
import unittest

from absl.testing import absltest

from pgtf.report.content import Comparison
from pgtf.report.page import compare_page, page
from pgtf.storage.probes import Replay
from tests.browser import CHROMIUM, MISSING, browser
from tests.report.made_runs import run

NAMES = ("facades", "<script>document.title = 'broken'<∕script>", 'it\'s "quoted" & <b>')

# Words of cells and headings that stand on more than one line.
BROKEN_WORDS = """[...document.querySelectorAll("th, td, dt, dd, h1, h2, h3, h4")].flatMap((cell) => {
  const found = [], texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/[a-zA-Z0-9]+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size > 1) found.push(word[0]);
    }
  }
  return found;
})"""
# Plots and tables that are wider than what holds them, where that does not scroll.
CUT_OFF = """[...document.querySelectorAll("svg.plot, table")].filter((one) => {
  const box = one.closest(".scroll"), right = one.getBoundingClientRect().right;
  if (!box) return right > innerWidth;
  const scrolls = getComputedStyle(box).overflowX === "auto" && box.getBoundingClientRect().right <= innerWidth;
  return !scrolls || right - box.getBoundingClientRect().left > box.scrollWidth + 1;
}).map((one) => one.outerHTML.slice(0, 80))"""


@unittest.skipUnless(CHROMIUM, MISSING)
class BrowserTest(absltest.TestCase):
    def test_a_report(self):
        path = os.path.join(self.create_tempdir().full_path, "index.html")
        told = dataclasses.replace(run(NAMES, side=16), name=NAMES[1])
        with open(path, "w", encoding="utf-8") as file:
            file.write(page(told))
        with browser() as seen:
            for width in (1280, 390):
                seen.open(pathlib.Path(path).as_uri(), width, dark=width == 390)
                self.check_whole(seen, width)
            self.check_slider(seen)
            self.check_choice(seen)
            self.assertEqual(seen.errors, [])

    def check_whole(self, seen, width):
        seen.until("[...document.images].every((image) => image.complete)")
        self.assertEqual(seen.run("[...document.images].filter((image) => !image.naturalWidth).length"), 0)
        self.assertGreater(seen.run("document.images.length"), 30)
        self.assertEqual(seen.run("document.title"), f"{NAMES[1]} · pgtf")
        self.assertTrue(seen.fits, width)
        self.assertEqual(seen.run("document.querySelectorAll('script').length"), 2)

    def test_on_a_phone_words_stay_whole_and_wide_things_scroll_in_their_own_box(self):
        names = ("facades", "edges2handbags", "photo2monet", "labels2street", "winter2summer")
        told = run(names, replay=Replay(0.5, False), side=64)
        pages = page(told), compare_page(Comparison((told, dataclasses.replace(told, name="piggyback-quarter"))))
        with browser() as seen:
            for number, content in enumerate(pages):
                path = os.path.join(self.create_tempdir().full_path, f"{number}.html")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(content)
                seen.open(pathlib.Path(path).as_uri(), 390)
                seen.run("document.querySelectorAll('details').forEach((one) => one.open = true)")
                self.assertTrue(seen.fits)
                self.assertEqual(seen.run(BROKEN_WORDS), [])
                self.assertEqual(seen.run(CUT_OFF), [])
            self.assertEqual(seen.errors, [])

    def test_three_tasks_fit_a_phone_without_scrolling(self):
        told = run(("facades", "maps", "edges2handbags"), side=64)
        path = os.path.join(self.create_tempdir().full_path, "index.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page(told))
        with browser() as seen:
            seen.open(pathlib.Path(path).as_uri(), 390)
            wide = "[...document.querySelectorAll('#through .scroll, #storage .scroll, #matrix .scroll.plots')]"
            self.assertGreater(seen.run(f"{wide}.length"), 2)
            self.assertEqual(seen.run(f"{wide}.filter((one) => one.scrollWidth > one.clientWidth + 8).length"), 0)

    def check_slider(self, seen):
        seen.run("document.querySelector('.stage input').focus()")
        for _ in range(3):
            seen.press("ArrowRight")
        self.assertAlmostEqual(self.border(seen), 53, places=2)
        seen.drag(".stage input", (0.53, 0.5), (0.4, 0.5), (0.25, 0.5))
        self.assertBetween(self.border(seen), 20, 30)

    def border(self, seen):
        """Returns the painted border between input and output, in percent of the picture's width."""
        return seen.run(
            "(([stage, border]) => 100 * (border.x + border.width / 2 - stage.x) / stage.width)"
            "(['.stage', '.stage .border'].map((name) => document.querySelector(name).getBoundingClientRect()))"
        )

    def check_choice(self, seen):
        shown = "[...document.querySelectorAll('.stage')[0].querySelectorAll('img')].map((image) => image.src)"
        before = seen.run(shown)
        seen.run("document.querySelectorAll('.pick')[1].click()")
        row = "[1, 0].map((place) => document.querySelectorAll('.grid')[0].rows[2].querySelectorAll('img')[place].src)"
        self.assertEqual(seen.run(shown), seen.run(row))
        self.assertNotEqual(seen.run(shown), before)
        pressed = "[...document.querySelectorAll('.pick')].map((pick) => pick.ariaPressed).slice(0, 2)"
        self.assertEqual(seen.run(pressed), ["false", "true"])


if __name__ == "__main__":
    absltest.main()
