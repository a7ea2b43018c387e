"""The limit: only the five matrix products of a step of a head with one hidden layer, in an ONNX Loop over as many steps.

Two forward (X·W1, H·W2), three backward (Hᵀ·G, G·W2ᵀ, Xᵀ·D): no bias, no activation, no loss, no update, no batch to
fetch. The gradients are carried from step to step so that no product is unused. One thread or all: the faster counts.
"""

import functools
import os

from serve import serve, timed

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

THREADS = (1, int(os.environ["OMP_NUM_THREADS"]))


def body(batch, width, hidden, classes):
    gemm = lambda a, b, c, **transposed: helper.make_node("Gemm", [a, b], [c], **transposed)
    tensor = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
    gradients = [("dW1", [width, hidden]), ("dW2", [hidden, classes])]
    return helper.make_graph(
        [
            helper.make_node("Identity", ["more"], ["more_out"]),
            gemm("X", "W1", "H"),
            gemm("H", "W2", "G"),
            gemm("H", "G", "dW2_out", transA=1),
            gemm("G", "W2", "D", transB=1),
            gemm("X", "D", "dW1_out", transA=1),
        ],
        "step",
        [
            tensor("step", TensorProto.INT64, []),
            tensor("more", TensorProto.BOOL, []),
            *(tensor(f"{name}_in", TensorProto.FLOAT, shape) for name, shape in gradients),
        ],
        [
            tensor("more_out", TensorProto.BOOL, []),
            *(tensor(f"{name}_out", TensorProto.FLOAT, shape) for name, shape in gradients),
        ],
    )


@functools.cache
def session(batch, width, hidden, classes, threads):
    tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    inputs = {
        "X": [batch, width],
        "W1": [width, hidden],
        "W2": [hidden, classes],
        "dW1": [width, hidden],
        "dW2": [hidden, classes],
    }
    loop = helper.make_node(
        "Loop",
        ["steps", "", "dW1", "dW2"],
        ["dW1_last", "dW2_last"],
        body=body(batch, width, hidden, classes),
    )
    graph = helper.make_graph(
        [loop],
        "products",
        [
            helper.make_tensor_value_info("steps", TensorProto.INT64, []),
            *(tensor(name, shape) for name, shape in inputs.items()),
        ],
        [tensor("dW1_last", inputs["dW1"]), tensor("dW2_last", inputs["dW2"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    rng = np.random.default_rng(1)
    feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in inputs.items()}
    return onnxruntime.InferenceSession(model.SerializeToString(), options), feeds


def measure(work):
    [width], [hidden, output] = work["input"], work["layers"]
    shapes = work["batch"], width, hidden["units"], output["units"]
    steps = np.array(-(-work["samples"] // work["batch"]) * work["epochs"], np.int64)
    fastest = min(seconds_of(*session(*shapes, threads), steps) for threads in THREADS)
    return {"seconds": fastest / work["epochs"], "check": None}


def seconds_of(products, feeds, steps):
    return timed(lambda: products.run(None, {"steps": steps, **feeds}))[0]


if __name__ == "__main__":
    serve(f"ONNX Runtime {onnxruntime.__version__}", measure)
