"""The operations of a step: how many multiply-adds they are, and which take its time."""

import collections
import glob
import math
import os
import re
import tempfile

import numpy as np
import tensorflow as tf


def multiply_adds(learner, batch):
    """How many multiply-adds a step's convolutions and matrix products are; gradients that nothing uses don't run."""
    graph = learner.traced_step.get_concrete_function(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch)).graph
    used, found = set(), [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while found:
        one = found.pop()
        if one not in used:
            used.add(one)
            found += [*(tensor.op for tensor in one.inputs), *one.control_inputs]
    return sum(map(of_operation, used))


def of_operation(operation):
    """Of one operation of a graph: TensorFlow's own count takes a transposed matrix's rows for its columns."""
    kind, made, given = operation.type, operation.outputs and operation.outputs[0].shape, operation.inputs
    if kind in ("MatMul", "BatchMatMulV2"):
        turned = operation.get_attr("transpose_a" if kind == "MatMul" else "adj_x")
        return math.prod(made) * given[0].shape[-2 if turned else -1]
    if kind in ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"):
        kernel = made if kind == "Conv2DBackpropFilter" else given[1].shape
        convolved = made if kind == "Conv2D" else given[2].shape
        return math.prod(convolved[:3]) * math.prod(kernel)
    return 0


def spent(step, most=4):
    """[[operation, share of all operations' time]] of those that take most of a step."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            step()
        (path,) = glob.glob(os.path.join(folder, "**", "*.xplane.pb"), recursive=True)
        space = xplane_pb2.XSpace()
        with open(path, "rb") as file:
            space.ParseFromString(file.read())
    total = collections.Counter()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            match = re.fullmatch(r"[^:]*:(?:_MklNative|_Mkl)?(\w+)", plane.event_metadata[event.metadata_id].name)
            if match:
                total[match[1]] += event.duration_ps
    return [[name, np.round(took / sum(total.values()), 3).item()] for name, took in total.most_common(most)]
