"""Feature extractors from SavedModels and TF-Hub."""

import os
from typing import Optional

import tensorflow as tf

from pgtf.metrics.extractors import Extractor
from pgtf.metrics.hashes import folder_sha256

SIGNATURE = "serving_default"


def named(text: str) -> Extractor:
    """Loads the extractor that a flag names: HANDLE, or HANDLE#OUTPUT if the network has several outputs."""
    if "#" in text and not os.path.isdir(text):
        handle, _, output = text.rpartition("#")
        return load(handle, output)
    return load(text)


def load(handle: str, output: Optional[str] = None, *, size=None, value_range=(-1.0, 1.0), batch_size=25) -> Extractor:
    """Loads an extractor from a SavedModel's folder or a TF-Hub handle.

    Args:
      handle: A folder or a URL.
      output: Name of the output, if the network has several. Spatial outputs [n, h, w, d] are averaged over h and w.
      size: (height, width) of the network's input. Default: the size in its signature, or else that of the images.
      value_range: Values of black and white in the network's input.
      batch_size: Number of images in a batch.

    Raises:
      ValueError: If there is no network, or if it does not take images or does not return features.
    """
    folder = _folder(handle)
    network = _network(folder)
    size = tuple(size) if size else _signed_size(network)
    try:
        features = tf.function(lambda images: _features(_outputs(network, images), output), autograph=False)
        features = features.get_concrete_function(tf.TensorSpec([None, *(size or (None, None)), 3], tf.float32))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The network is no extractor. It must take float32 images [n, height, width, 3] for any n and "
            f"return features [n, d] or [n, height, width, d]. Received: {handle} ({error})"
        ) from error
    name = os.path.basename(os.path.normpath(folder)) if folder == handle else handle
    dimensions = features.structured_outputs.shape[-1]
    return Extractor(
        name=f"{name}:{output}" if output else name,
        sha256=folder_sha256(folder),
        network=features,
        dimensions=dimensions,
        # Only distances of Inception's features are called FID.
        space=f"{'ID' if 'inception' in name.lower() else 'D'}-{dimensions}",
        size=size,
        inside=_resizing(features.graph.as_graph_def()),
        value_range=tuple(value_range),
        batch_size=batch_size,
    )


def _folder(handle):
    if os.path.isdir(handle):
        return handle
    if "://" not in handle:
        raise ValueError(
            f"The extractor's folder does not exist. Name a SavedModel's folder or a TF-Hub handle. Received: {handle}"
        )
    try:
        import tensorflow_hub as hub  # A requirement of the older environment only, see setup.cfg.
    except ImportError as error:
        raise ValueError(
            f"A TF-Hub handle needs tensorflow-hub: pip install tensorflow-hub tf-keras. Received: {handle}"
        ) from error
    try:
        return hub.resolve(handle)
    except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(f"No network can be loaded from the TF-Hub handle. Received: {handle} ({error})") from error


def _network(folder):
    try:
        network = tf.saved_model.load(folder)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise ValueError(f"The extractor's folder is not a SavedModel. Received: {folder} ({error})") from error
    if SIGNATURE not in network.signatures and not callable(network):
        raise ValueError(
            f"The extractor's SavedModel must have the signature {SIGNATURE}, or be callable. "
            f"Received: {folder} with {', '.join(network.signatures) or 'no signature'}"
        )
    return network


def _signed_size(network):
    """Returns (height, width) of the network's signature; None if it takes any size."""
    if SIGNATURE not in network.signatures:
        return None
    shapes = [spec.shape for spec in network.signatures[SIGNATURE].structured_input_signature[1].values()]
    size = tuple(shapes[0][1:3]) if shapes and shapes[0].rank == 4 else (None, None)
    return size if all(size) else None


def _outputs(network, images):
    """Applies a network. Returns {name: output}."""
    if SIGNATURE in network.signatures:
        signature = network.signatures[SIGNATURE]
        inputs = signature.structured_input_signature[1]
        fits = [spec.is_compatible_with(images) and spec.shape[0] is None for spec in inputs.values()]
        if fits != [True]:
            raise ValueError(f"its signature takes {inputs}")
        return signature(**dict.fromkeys(inputs, images))
    outputs = network(images)
    return outputs if isinstance(outputs, dict) else {"output": outputs}


def _features(outputs, output):
    """Returns float32 [n, d] of the named output, or of the only one."""
    if len(outputs) > 1 if output is None else output not in outputs:
        raise ValueError(f"its output must be one of {', '.join(sorted(outputs))}, not {output}")
    features = outputs[output] if output else next(iter(outputs.values()))
    if features.shape.rank not in (2, 4) or not features.dtype.is_floating or features.shape[-1] is None:
        raise ValueError(f"its output is {features.dtype.name} {features.shape}")
    return tf.cast(tf.reduce_mean(features, axis=[1, 2]) if features.shape.rank == 4 else features, tf.float32)


def _resizing(graph):
    """Describes the resizing of the input inside a graph."""
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    found = set()
    for node in nodes:
        if node.op.startswith("Resize"):
            centers = "half-pixel centers" if node.attr["half_pixel_centers"].b else "no half-pixel centers"
            found.add(f"{node.op} inside the network, {centers}, without antialias")
        elif node.op == "ScaleAndTranslate":
            how = "with" if node.attr["antialias"].b else "without"
            found.add(f"{node.op} inside the network, {node.attr['kernel_type'].s.decode()}, {how} antialias")
    return "; ".join(sorted(found))
