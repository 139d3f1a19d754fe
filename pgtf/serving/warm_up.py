"""Warm-up requests for TensorFlow Serving: before a model is available, the server answers these.

The file assets.extra/tf_serving_warmup_requests holds PredictionLog messages (tensorflow_serving/apis) as TFRecords.
They are encoded here by hand, because tensorflow-serving-api is no requirement of pgtf:

    PredictionLog   6: PredictLog        PredictLog       1: PredictRequest
    PredictRequest  1: ModelSpec         2: map of inputs, {1: name, 2: TensorProto}
    ModelSpec       1: name              3: signature's name
"""

import os
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

PATH = os.path.join("assets.extra", "tf_serving_warmup_requests")


def write_warm_up(path: str, model: str, requests: Iterable[tuple[str, Mapping[str, np.ndarray]]]) -> None:
    """Writes the warm-up requests of a SavedModel.

    Args:
      path: The SavedModel.
      model: Name under which it is served.
      requests: (signature's name, {input: array}).
    """
    os.makedirs(os.path.dirname(os.path.join(path, PATH)), exist_ok=True)
    with tf.io.TFRecordWriter(os.path.join(path, PATH)) as writer:
        for signature, inputs in requests:
            spec = _field(1, model.encode()) + _field(3, signature.encode())
            entries = (
                _field(1, name.encode()) + _field(2, tf.make_tensor_proto(array).SerializeToString())
                for name, array in inputs.items()
            )
            request = _field(1, spec) + b"".join(_field(2, entry) for entry in entries)
            writer.write(_field(6, _field(1, request)))


def _field(number: int, content: bytes) -> bytes:
    """Encodes a field of protobuf that has a length: a string, bytes or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    more, last = divmod(number, 128)
    return bytes([last]) if not more else bytes([last | 128]) + _varint(more)
