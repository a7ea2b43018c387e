"""The value of an op, and the gradient of sum(op(x)·w), by TensorFlow.

The argument is a JSON file: a list of {"name", "op", "attributes", "inputs": [{"shape", "dtype", "values", "moves"}],
"weights", "uniform", "training"}. Prints {name: {"value", "gradients"}}, in C order, a gradient for each input that
moves.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The cells of TensorFlow 1 are Keras 2's.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf

import tf_recurrent as recurrent


def elementwise(function):
    return lambda inputs, a, case: function(*inputs)


def channels_last(compute):
    """TensorFlow computes channels first on GPUs only."""

    def run(inputs, a, case):
        x, *others = inputs
        if a["dataFormat"] == "NHWC":
            return compute(x, *others, a)
        return tf.transpose(compute(tf.transpose(x, [0, 2, 3, 1]), *others, a), [0, 3, 1, 2])

    return run


def dilated(convolve):
    """A dilated convolution has no gradient on CPUs: it is one without dilation, between two rearrangements."""

    def run(x, kernel, a):
        if a["dilations"] == [1, 1]:
            return convolve(x, kernel, a["strides"], a["padding"])
        return tf.nn.with_space_to_batch(
            x,
            a["dilations"],
            a["padding"],
            lambda blocks, _, padding: convolve(blocks, kernel, [1, 1], padding),
            filter_shape=kernel.shape[:2],
        )

    return run


def conv2d(x, kernel, strides, padding):
    return tf.nn.conv2d(x, kernel, strides, padding)


def conv2d_transpose(x, kernel, a):
    shape = [x.shape[0], *a["outputSize"], kernel.shape[2]]
    return tf.nn.conv2d_transpose(x, kernel, shape, a["strides"], a["padding"])


def depthwise(x, kernel, strides, padding):
    return tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], padding)


def batch_norm(inputs, a, case):
    x, gamma, beta, mean, variance = inputs
    axis = 1 if a["dataFormat"] == "NCHW" else len(x.shape) - 1
    shape = [-1 if i == axis else 1 for i in range(len(x.shape))]
    if case["training"]:
        mean, variance = tf.nn.moments(x, [i for i in range(len(x.shape)) if i != axis])
    mean, variance, beta, gamma = (tf.reshape(each, shape) for each in (mean, variance, beta, gamma))
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, a["epsilon"])


def dropout(inputs, a, case):
    [x] = inputs
    if not case["training"]:
        return tf.identity(x)
    uniform = tf.reshape(tf.constant(case["uniform"], tf.float32), x.shape)
    # As tf.nn.dropout, whose own numbers cannot be chosen.
    return tf.where(uniform >= a["rate"], x * (1 / (1 - a["rate"])), tf.zeros_like(x))


def reduce(function):
    return lambda inputs, a, case: function(inputs[0], a["axes"], keepdims=a["keepDims"])


def strided_slice(inputs, a, case):
    [x] = inputs
    return x[tuple(slice(*each) for each in zip(a["begin"], a["end"], a["strides"]))]


OPS = {
    "MatMul": lambda i, a, c: tf.matmul(*i, transpose_a=a["transposeA"], transpose_b=a["transposeB"]),
    "BiasAdd": lambda i, a, c: tf.nn.bias_add(*i, data_format="NC..." if a["dataFormat"] == "NCHW" else "N...C"),
    "Conv2D": channels_last(dilated(conv2d)),
    "DepthwiseConv2D": channels_last(dilated(depthwise)),
    "Conv2DTranspose": channels_last(conv2d_transpose),
    "MaxPool": channels_last(lambda x, a: tf.nn.max_pool2d(x, a["window"], a["strides"], a["padding"])),
    "AvgPool": channels_last(lambda x, a: tf.nn.avg_pool2d(x, a["window"], a["strides"], a["padding"])),
    "BatchNorm": batch_norm,
    "Dropout": dropout,
    "Add": lambda i, a, c: sum(i[1:], i[0]),
    "Sub": elementwise(tf.subtract),
    "Mul": elementwise(tf.multiply),
    "Div": elementwise(tf.divide),
    "Maximum": elementwise(tf.maximum),
    "Minimum": elementwise(tf.minimum),
    "Pow": elementwise(tf.pow),
    "SquaredDifference": elementwise(tf.math.squared_difference),
    "Relu": elementwise(tf.nn.relu),
    "Relu6": elementwise(tf.nn.relu6),
    "Elu": elementwise(tf.nn.elu),
    "Selu": elementwise(tf.nn.selu),
    "LeakyRelu": lambda i, a, c: tf.raw_ops.LeakyRelu(features=i[0], alpha=a["alpha"]),
    "Sigmoid": elementwise(tf.sigmoid),
    "Tanh": elementwise(tf.tanh),
    "Softplus": elementwise(tf.math.softplus),
    "Softmax": elementwise(tf.nn.softmax),
    "LogSoftmax": elementwise(tf.nn.log_softmax),
    "Exp": elementwise(tf.exp),
    "Log": elementwise(tf.math.log),
    "Log1p": elementwise(tf.math.log1p),
    "Neg": elementwise(tf.negative),
    "Abs": elementwise(tf.abs),
    "Square": elementwise(tf.square),
    "Sqrt": elementwise(tf.sqrt),
    "Rsqrt": elementwise(tf.math.rsqrt),
    "Floor": elementwise(tf.floor),
    "Identity": elementwise(tf.identity),
    "StopGradient": elementwise(tf.stop_gradient),
    "Cast": lambda i, a, c: tf.cast(i[0], a["to"]),
    "Reshape": lambda i, a, c: tf.reshape(i[0], a["shape"]),
    "Transpose": lambda i, a, c: tf.transpose(i[0], a["permutation"]),
    "Concat": lambda i, a, c: tf.concat(i, a["axis"]),
    "Slice": strided_slice,
    "Tile": lambda i, a, c: tf.tile(i[0], a["multiples"]),
    "Squeeze": lambda i, a, c: tf.squeeze(i[0], a["axes"]),
    "ExpandDims": lambda i, a, c: tf.expand_dims(i[0], a["axis"]),
    "Pad": lambda i, a, c: tf.pad(i[0], np.reshape(a["paddings"], [-1, 2])),
    "Gather": lambda i, a, c: tf.gather(*i, axis=a["axis"]),
    "LSTM": recurrent.lstm,
    "GRU": recurrent.gru,
    "Reverse": recurrent.reverse,
    "LastStep": recurrent.last_step,
    "Mean": reduce(tf.reduce_mean),
    "Sum": reduce(tf.reduce_sum),
    "Max": reduce(tf.reduce_max),
    "Min": reduce(tf.reduce_min),
    "Select": lambda i, a, c: (tf.raw_ops.Select if a["rows"] else tf.raw_ops.SelectV2)(
        **dict(zip(("condition", "x", "y") if a["rows"] else ("condition", "t", "e"), i))
    ),
    "SparseSoftmaxCrossEntropy": lambda i, a, c: tf.nn.sparse_softmax_cross_entropy_with_logits(i[1], i[0]),
    "SoftmaxCrossEntropy": lambda i, a, c: tf.nn.softmax_cross_entropy_with_logits(i[1], i[0]),
    "SigmoidCrossEntropy": lambda i, a, c: tf.nn.sigmoid_cross_entropy_with_logits(i[1], i[0]),
    "L2Loss": elementwise(tf.nn.l2_loss),
}


def compute(case):
    inputs = [
        tf.reshape(tf.cast(tf.constant(i["values"]), i["dtype"]), i["shape"]) for i in case["inputs"]
    ]
    moving = [tensor for tensor, i in zip(inputs, case["inputs"]) if i["moves"]]
    with tf.GradientTape() as tape:
        tape.watch(moving)
        value = OPS[case["op"]](inputs, case["attributes"], case)
        count = int(tf.size(value))
        weights = tf.reshape(tf.constant(case["weights"][:count], tf.float32), value.shape)
        loss = tf.reduce_sum(value * weights)
    gradients = tape.gradient(loss, moving, unconnected_gradients="zero")
    return {"value": numbers(value), "gradients": [numbers(each) for each in gradients]}


def numbers(tensor):
    # Nine digits tell every float32.
    return [float(f"{number:.9g}") for number in tf.reshape(tf.convert_to_tensor(tensor), [-1]).numpy()]


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    results = {}
    for case in cases:
        try:
            results[case["name"]] = compute(case)
        except Exception as error:
            raise RuntimeError(case["name"]) from error
    print(json.dumps(results))


if __name__ == "__main__":
    main()
