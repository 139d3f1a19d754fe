"""Test-wide set-up."""

from absl import flags

# tf.test.TestCase asks absl for a temporary folder, and pytest parses no absl flags.
flags.FLAGS.mark_as_parsed()
