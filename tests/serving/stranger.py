"""A program that has no pgtf: asks SavedModels as a server does. Run by test_export.py, never imported.

python -I stranger.py QUESTIONS.npz ANSWERS.npz MODEL...
"""

import sys


class Barrier:
    """Makes importing these fail, installed or not."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pgtf", "tensorflow_addons", "tensorflow_gan"):
            raise ImportError(f"{name} isn't here")


sys.meta_path.insert(0, Barrier())
try:
    import pgtf  # noqa: F401
except ImportError:
    pass
else:
    sys.exit("pgtf can be imported")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1
questions = np.load(sys.argv[1], allow_pickle=True)
answers = {}
for model in sys.argv[3:]:
    loaded = tf.saved_model.load(model)
    with open(loaded.description.asset_path.numpy(), encoding="utf-8") as file:
        answers[f"{model}|description"] = file.read()
    for question in questions:
        signature, argument, _ = question.split("|")
        result = loaded.signatures[signature](**{argument: tf.constant(questions[question])})
        answers[f"{model}|{question}|loaded"] = result[argument].numpy()
    with v1.Session(graph=tf.Graph()) as session:
        signatures = v1.saved_model.load(session, ["serve"], model).signature_def
        for question in questions:
            signature, argument, _ = question.split("|")
            fed = {signatures[signature].inputs[argument].name: questions[question]}
            wanted = signatures[signature].outputs[argument].name
            answers[f"{model}|{question}|session"] = session.run(wanted, fed)
np.savez(sys.argv[2], **answers)
