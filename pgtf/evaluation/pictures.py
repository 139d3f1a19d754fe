"""What a task does, as pictures to look at."""

import numpy as np

from pgtf.data.images import to_float, to_uint8


def pictures(networks, probes):
    """{name: uint8 [h, w, 3]} of a task's probes through its networks, a row for each probe."""
    a = [to_float(image) for image in probes.inputs["forward"]]
    to_b = _through(networks["forward"], a)
    if "backward" not in networks:
        targets = [to_float(image) for image in probes.targets["forward"]]
        return {"input-output-target": _grid(zip(a, to_b, targets))}
    b = [to_float(image) for image in probes.inputs["backward"]]
    to_a = _through(networks["backward"], b)
    return {
        "A-B-A": _grid(zip(a, to_b, _through(networks["backward"], to_b))),
        "B-A-B": _grid(zip(b, to_a, _through(networks["forward"], to_a))),
        "A-identity-B-identity": _grid(zip(a, _through(networks["backward"], a), b, _through(networks["forward"], b))),
    }


def switched(forwards, probes):
    """One picture: the same inputs, a row each, through the forward networks of several tasks, a column each."""
    images = [to_float(image) for image in probes.inputs["forward"]]
    return _grid(zip(images, *(_through(network, images) for network in forwards)))


def _through(network, images):
    return [np.asarray(network(image[None], training=False))[0] for image in images]


def _grid(rows):
    return to_uint8(np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0))
