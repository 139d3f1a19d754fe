"""Operations of a training step: the number of multiply-adds, and the most expensive operations."""

import collections
import glob
import math
import os
import re
import tempfile

import numpy as np
import tensorflow as tf


def multiply_adds(learner, batch):
    """Counts the multiply-adds of a step's convolutions and matrix products. Leaves out unused gradients."""
    graph = learner.traced_step.get_concrete_function(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch)).graph
    used, found = set(), [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while found:
        one = found.pop()
        if one not in used:
            used.add(one)
            found += [*(tensor.op for tensor in one.inputs), *one.control_inputs]
    return sum(map(of_operation, used))


def of_operation(operation):
    """Counts the multiply-adds of one operation. TensorFlow's own count is wrong for transposed matrices."""
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
    """Profiles a step. Returns [[operation, share of all operations' time]] of the most expensive operations."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            step()
        (path,) = glob.glob(os.path.join(folder, "**", "*.xplane.pb"), recursive=True)
        space = xplane_pb2.XSpace()
        with open(path, "rb") as file:
            space.ParseFromString(file.read())
    total: collections.Counter[str] = collections.Counter()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            match = re.fullmatch(r"[^:]*:(?:_MklNative|_Mkl)?(\w+)", plane.event_metadata[event.metadata_id].name)
            if match:
                total[match[1]] += event.duration_ps
    return [[name, np.round(took / sum(total.values()), 3).item()] for name, took in total.most_common(most)]
