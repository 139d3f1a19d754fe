"""The studio of generated images: one latent through all domains, moved along the directions of the first one."""

import os
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from PIL import Image

from pgtf.objectives.unconditional.latents import latents
from pgtf.runs.run import Run
from pgtf.storage.ledger import Ledger
from pgtf.studio.domains import DIRECTIONS, Domains, principal_directions
from pgtf.studio.server import Server
from tests.browser import CHROMIUM, MISSING, browser
from tests.tiny import tiny_run

TASKS = "faces", "cats"
STILL = ",".join(["0"] * DIRECTIONS)


class PrincipalDirectionsTest(absltest.TestCase):
    def test_they_are_eigenvectors_of_the_covariance_of_one_standard_deviation(self):
        draw = np.random.default_rng(0)
        styles = (draw.normal(size=(500, 6)) * [1, 9, 2, 5, 7, 3]) @ draw.normal(size=(6, 6)) + 4
        found = principal_directions(styles.astype("float32"))
        values, vectors = np.linalg.eigh(np.cov(styles.T, bias=True))
        for direction, value, vector in zip(found, values[::-1], vectors.T[::-1]):
            np.testing.assert_allclose(np.linalg.norm(direction), np.sqrt(value), rtol=1e-4)
            np.testing.assert_allclose(abs(direction @ vector), np.sqrt(value), rtol=1e-4)
            self.assertGreater(direction[np.abs(direction).argmax()], 0)

    def test_few_values_have_few_directions(self):
        found = principal_directions(np.random.default_rng(0).normal(size=(50, 2)))
        self.assertEqual(found.shape, (DIRECTIONS, 2))
        self.assertFalse(found[2:].any())


class DomainsTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        settings = dict(network="stylegan2", objective="unconditional", norm="none", method="width_wise")
        cls.run_dir = tiny_run(os.path.join(temporary.name, "run"), TASKS, **settings)
        cls.domains = Domains(Run(cls.run_dir))

    def serve(self):
        server = Server(self.domains, name="run")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def test_all_move_along_the_directions_of_the_first(self):
        first, second = (Run(self.run_dir)[name].image_generator for name in TASKS)
        many = first.styles(latents(range(4096), first.length))[:, 0].astype("float64")
        spreads, axes = np.linalg.eigh(np.cov(many.T, bias=True))
        axis = axes[:, -1] * np.sqrt(spreads[-1])
        axis *= np.sign(axis[np.abs(axis).argmax()])
        styles = second.styles(latents([7], second.length), 0.5)
        expected = second.images((styles + 2 * axis).astype("float32"))[0]
        found = self.domains(1, 7, 0.5, [2, 0, 0, 0])
        self.assertLessEqual(np.abs(found.astype(int) - expected).max(), 1)
        self.assertNotAllEqual(found, self.domains(1, 7, 0.5, [0] * DIRECTIONS))
        self.assertAllEqual(self.domains(0, 7, 1, [0] * DIRECTIONS), first.seeds([7])[0])

    def test_a_task_that_is_marked_as_changed_is_no_longer_shown(self):
        still = [0] * DIRECTIONS
        before = self.domains(1, 7, 1, still)
        Ledger(changed=("cats",)).write(self.run_dir)
        with self.assertRaisesRegex(ValueError, "has changed since it was learned"):
            self.domains(1, 7, 1, still)
        self.domains.warm_up()  # Leaves it out.
        Ledger().write(self.run_dir)
        self.assertAllEqual(self.domains(1, 7, 1, still), before)

    def test_generators_that_were_used_last_stay_in_memory(self):
        still, one = [0] * DIRECTIONS, Run(self.run_dir)["faces"].image_generator.bytes
        expected = [self.domains(task, 7, 1, still) for task in (0, 1)]
        self.assertEqual(self.domains.bytes, 2 * one)
        bounded = Domains(Run(self.run_dir), most_bytes=2 * one - 1)
        bounded.warm_up()
        first = bounded._generator(0)
        self.assertEqual(bounded.bytes, one)
        for task in (1, 0, 1):
            self.assertAllEqual(bounded(task, 7, 1, still), expected[task])
            self.assertEqual(bounded.bytes, one)
        self.assertIsNot(bounded._generator(0), first)
        self.assertIs(bounded._generator(0), bounded._generator(0))

    def test_a_generator_counts_the_bytes_of_its_values(self):
        task = Run(self.run_dir)["faces"]
        values = task.networks["forward"].get_weights()
        self.assertEqual(task.image_generator.bytes, sum(value.nbytes for value in values))

    def test_the_server_sends_images_and_refuses_other_numbers(self):
        url = self.serve().url
        with urllib.request.urlopen(f"{url}generated?task=1&seed=3&truncation=0.7&amounts={STILL}") as answer:
            self.assertAllEqual(np.asarray(Image.open(answer)), self.domains(1, 3, 0.7, [0] * DIRECTIONS))
        for query, why in (
            (f"task=2&seed=3&truncation=1&amounts={STILL}", "task must be a number from 0 to 1"),
            (f"task=0&seed=-1&truncation=1&amounts={STILL}", "seed must be"),
            (f"task=0&seed=1&truncation=nan&amounts={STILL}", "truncation must be"),
            ("task=0&seed=1&truncation=1&amounts=1,2", "amounts must be 4 of the numbers"),
            ("task=0&seed=1&truncation=1&amounts=1,2,x,4", "amounts must be 4 of the numbers"),
            ("task=0&seed=1&truncation=1&amounts=1,2,3,1e9", "amounts must be 4 of the numbers"),
        ):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{url}generated?{query}")
            self.assertEqual(refused.exception.code, 400)
            self.assertIn(why, refused.exception.read().decode())
        for path in ("example?task=0&way=0&number=0", "answer?task=0&way=0"):
            with self.assertRaises(urllib.error.HTTPError) as missing:
                urllib.request.urlopen(f"{url}{path}", data=b"x" if path.startswith("answer") else None)
            self.assertEqual(missing.exception.code, 404)

    @unittest.skipUnless(CHROMIUM, MISSING)
    def test_a_slider_changes_the_images_of_all_domains(self):
        server = self.serve()
        sources = "[...document.querySelectorAll('#domains img')].map((image) => image.src)"
        done = "document.querySelectorAll('#domains figure:not(.waiting) img[src]').length === 2"
        with browser() as seen:
            for width in (1280, 390):
                seen.open(server.url, width, dark=width == 390)
                seen.until(done)
                self.assertTrue(seen.fits, width)
                before = seen.run(sources)
                seen.run(
                    "(() => { const slider = document.getElementById('direction-0'); slider.value = 3; "
                    "slider.dispatchEvent(new Event('input')); })()"
                )
                seen.until(f"{done} && {sources}.every((source) => !{before!r}.includes(source))")
            self.assertEqual(seen.errors, [])


if __name__ == "__main__":
    absltest.main()
