"""The studio in a browser: a stroke changes the answer, pictures drop in, and it fits a phone."""

import base64
import os
import threading
import unittest

import numpy as np
import tensorflow as tf

from pgtf.runs.run import Run
from pgtf.studio.answers import Answers
from pgtf.studio.server import Server
from pgtf.studio.uploads import png
from tests.browser import CHROMIUM, MISSING, browser
from tests.tiny import tiny_run

TASKS = ("facades", "<script>document.title = 'broken'<∕script>")
# A sum over what is painted: another picture has another one.
PAINTED = """(() => {
  const image = document.getElementById(NAME), copy = document.createElement("canvas");
  [copy.width, copy.height] = [image.naturalWidth ?? image.width, image.naturalHeight ?? image.height];
  const pen = copy.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, copy.width, copy.height);
  return data.reduce((sum, value) => (sum * 31 + value) % 1e9, 7);
})()"""


LOADED = "document.getElementById('answer').naturalWidth > 0"


@unittest.skipUnless(CHROMIUM, MISSING)
class BrowserTest(tf.test.TestCase):
    def test_the_studio(self):
        answers = Answers(Run(tiny_run(os.path.join(self.create_tempdir().full_path, "run"), TASKS)))
        with Server(answers, name="run") as server, browser() as seen:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                self.seen = seen
                for width in (1280, 390):
                    seen.open(server.url, width, dark=width == 390)
                    seen.until(LOADED)
                    self.assertTrue(seen.fits, width)
                    self.assertEqual(seen.run("document.title"), "run · pgtf studio")
                    self.check_a_stroke()
                self.check_undo()
                self.check_another_task()
                self.check_all_tasks()
                self.check_a_dropped_picture()
                self.check_what_is_no_picture()
                self.assertEqual([error for error in seen.errors if "400" not in error], [])
                self.check_a_server_that_is_gone()
            finally:
                server.shutdown()
                thread.join()

    def painted(self, name):
        if name == "answer":
            self.seen.until(LOADED)  # It has no width while the next one is on its way.
        return self.seen.run(PAINTED.replace("NAME", f"'{name}'"))

    def after(self, action):
        """The answer once it is another one than before an action."""
        before = self.painted("answer")
        action()
        self.seen.until(f"{LOADED} && {PAINTED.replace('NAME', repr('answer'))} !== {before}")
        return self.painted("answer")

    def check_a_stroke(self):
        paper = self.painted("paper")
        self.after(lambda: self.seen.drag("#paper", (0.2, 0.3), (0.5, 0.6), (0.8, 0.3)))
        self.assertNotEqual(self.painted("paper"), paper)
        self.assertRegex(self.seen.run("document.getElementById('status').textContent"), r"^\d+\.\d\d s$")

    def check_undo(self):
        self.seen.run("document.getElementById('clear').click()")
        blank = self.painted("paper")
        self.seen.drag("#paper", (0.2, 0.3), (0.8, 0.3))
        self.assertNotEqual(self.painted("paper"), blank)
        self.after(lambda: self.seen.run("document.getElementById('undo').click()"))
        self.assertEqual(self.painted("paper"), blank)

    def check_another_task(self):
        paper = self.painted("paper")
        self.after(lambda: self.seen.run("document.querySelectorAll('input[name=task]')[1].click()"))
        self.assertEqual(self.painted("paper"), paper)  # It was drawn on.
        self.assertIn("<script>", self.seen.run("document.getElementById('answers').textContent"))

    def check_all_tasks(self):
        self.seen.run("document.getElementById('all').click()")
        self.seen.until("[...document.querySelectorAll('#compared img')].every((image) => image.naturalWidth > 0)")
        self.assertEqual(self.seen.run("document.querySelectorAll('#compared figure').length"), 2)
        self.assertEqual(self.seen.run("[...document.images].filter((image) => !image.naturalWidth).length"), 0)

    def drop(self, file):
        self.seen.run(
            f"(() => {{ const dataTransfer = new DataTransfer(); dataTransfer.items.add({file});"
            "document.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true })); })()"
        )

    def check_a_dropped_picture(self):
        content = base64.b64encode(png(np.zeros([45, 90, 3], "uint8"))).decode()
        bytes_of = f"Uint8Array.from(atob('{content}'), (letter) => letter.charCodeAt(0))"
        self.after(lambda: self.drop(f"new File([{bytes_of}], 'a.png')"))
        self.assertEqual(self.seen.run("[paper.width, paper.height]"), [16, 8])
        notice = "document.getElementById('notice').textContent"
        self.seen.until(f"{notice}.startsWith('Image scaled from 90 x 45 to 16 x 8: ')")
        self.after(lambda: self.seen.run("document.getElementById('full').click()"))
        self.assertEqual(self.seen.run("[paper.width, paper.height]"), [90, 45])
        self.seen.until("document.getElementById('notice').hidden")

    def check_what_is_no_picture(self):
        self.drop("new File(['no'], 'a.png')")
        self.seen.until("document.getElementById('error').textContent.includes('read as an image')")

    def check_a_server_that_is_gone(self):
        self.seen.call("Network.enable")
        self.seen.call(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        self.seen.run("document.querySelectorAll('input[name=task]')[0].click()")
        self.seen.until("document.getElementById('error').textContent.startsWith('The studio\\'s server does not')")
        # The row of all tasks may have failed before the answer did.
        self.seen.until("!document.getElementById('answer').hasAttribute('src')")


if __name__ == "__main__":
    tf.test.main()
