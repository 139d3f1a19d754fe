"""Warm-up requests: messages of TensorFlow Serving, read back field by field."""

import os

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from pgtf.serving.warm_up import PATH, write_warm_up


def read_message(content):
    """Reads a protobuf message all of whose fields have a length: {number: [bytes, …]}."""
    found, place = {}, 0

    def number():
        nonlocal place
        value, shift = 0, 0
        while True:
            byte = content[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(content):
        key, length = number(), number()
        assert key & 7 == 2
        found.setdefault(key >> 3, []).append(content[place : place + length])
        place += length
    return found


class WarmUpTest(tf.test.TestCase):
    def test_requests_have_the_fields_of_tensorflow_serving(self):
        folder, images = self.create_tempdir().full_path, np.arange(600, dtype="uint16").reshape(1, 10, 20, 3)
        given = {"images": images, "task": np.array("maps", object)}
        write_warm_up(folder, "combined", [("serving_default", given)])
        (record,) = tf.data.TFRecordDataset(os.path.join(folder, PATH))
        (request,) = map(read_message, read_message(read_message(record.numpy())[6][0])[1])
        self.assertEqual(read_message(request[1][0]), {1: [b"combined"], 3: [b"serving_default"]})
        entries = {entry[1][0]: entry[2][0] for entry in map(read_message, request[2])}
        inputs = {name: tf.make_ndarray(TensorProto.FromString(value)) for name, value in entries.items()}
        self.assertAllEqual(inputs[b"images"], images)
        self.assertEqual(inputs[b"task"], b"maps")


if __name__ == "__main__":
    tf.test.main()
