"""The networks of works.mjs in TensorFlow ops and in Keras layers, and their initial values. Images are NHWC, sequences
[batch, time, features]; an LSTM gives its last output."""

import math
import os

import numpy as np
import tensorflow as tf


def values(layers, input_shape, rng):
    """{"layer/weights": array}: He-normal kernels, zero biases, batch norms that are no identity."""
    all_values = {}
    shape = list(input_shape)
    for layer in layers:
        kind, name = layer["type"], layer["name"]
        if kind in ("dense", "conv"):
            size = [] if kind == "dense" else [layer["kernel"]] * 2
            out = layer["units"] if kind == "dense" else layer["filters"]
            kernel = [*size, shape[-1], out]
            spread = math.sqrt(2 / np.prod(kernel[:-1]))
            all_values[f"{name}/weights"] = rng.normal(0, spread, kernel)
            all_values[f"{name}/biases"] = np.zeros(out)
        elif kind == "lstm":
            rows, units = shape[-1] + layer["units"], layer["units"]
            all_values[f"{name}/weights"] = rng.normal(0, math.sqrt(1 / rows), [rows, 4 * units])
            all_values[f"{name}/biases"] = np.zeros(4 * units)
        elif kind == "batchNorm":
            channels = shape[-1]
            all_values[f"{name}/gamma"] = rng.uniform(0.8, 1.2, channels)
            all_values[f"{name}/beta"] = rng.normal(0, 0.1, channels)
            all_values[f"{name}/mean"] = rng.normal(0, 0.1, channels)
            all_values[f"{name}/variance"] = rng.uniform(0.5, 1.5, channels)
        shape = output_shape(layer, shape)
    return {name: value.astype(np.float32) for name, value in all_values.items()}


def output_shape(layer, shape):
    kind = layer["type"]
    if kind in ("dense", "lstm"):
        return [layer["units"]]
    if kind == "conv":
        return [*(-(-size // layer["stride"]) for size in shape[:2]), layer["filters"]]
    if kind == "maxPool":
        return [*(-(-size // 2) for size in shape[:2]), shape[2]]
    return {"flatten": [math.prod(shape)], "meanPool": shape[-1:], "batchNorm": shape}[kind]


def write_values(folder, all_values):
    """One .npy each; the slash of a name becomes a dot."""
    os.makedirs(f"{folder}/values", exist_ok=True)
    for name, value in all_values.items():
        np.save(f"{folder}/values/{name.replace('/', '.')}.npy", value)


def read_values(folder):
    files = os.listdir(f"{folder}/values")
    return {f[: -len(".npy")].replace(".", "/"): np.load(f"{folder}/values/{f}") for f in files}


def outputs(x, layers, variables):
    """The output of each layer, in TensorFlow ops. `variables` as from `values`."""
    shape = [int(size) for size in x.shape[1:]]
    all_outputs = []
    for layer in layers:
        with tf.name_scope(layer["name"]):
            x = _apply(x, layer, lambda part: variables[f"{layer['name']}/{part}"], shape)
            if layer.get("relu"):
                x = tf.nn.relu(x)
        shape = output_shape(layer, shape)
        all_outputs.append(x)
    return all_outputs


def _apply(x, layer, variable, shape):
    kind = layer["type"]
    if kind == "dense":
        return tf.nn.bias_add(tf.matmul(x, variable("weights")), variable("biases"))
    if kind == "lstm":
        return _lstm(x, variable("weights"), variable("biases"))
    if kind == "conv":
        product = tf.nn.conv2d(x, variable("weights"), strides=layer["stride"], padding="SAME")
        return tf.nn.bias_add(product, variable("biases"))
    if kind == "batchNorm":
        statistics = variable("mean"), variable("variance")
        return tf.compat.v1.nn.fused_batch_norm(
            x, variable("gamma"), variable("beta"), *statistics, epsilon=1e-3, is_training=False
        )[0]
    if kind == "maxPool":
        return tf.nn.max_pool2d(x, 2, 2, "SAME")
    if kind == "meanPool":
        return tf.reduce_mean(x, [1, 2])
    return tf.reshape(x, [-1, math.prod(shape)])


def _lstm(x, kernel, bias):
    """As a program of TensorFlow 1 has it, with these variables."""
    cell = tf.compat.v1.nn.rnn_cell.BasicLSTMCell(kernel.shape[1] // 4)
    cell._kernel, cell._bias, cell.built = kernel, bias, True
    steps, _ = tf.compat.v1.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    return steps[:, -1]


def keras_model(layers, input_shape, all_values):
    """The same in Keras layers, with those values."""
    from keras import Input, Model
    from keras import layers as L

    makers = {
        "dense": lambda layer: L.Dense(layer["units"], name=layer["name"]),
        "lstm": lambda layer: L.LSTM(layer["units"], name=layer["name"]),
        "conv": lambda layer: L.Conv2D(
            layer["filters"], layer["kernel"], layer["stride"], "same", name=layer["name"]
        ),
        "batchNorm": lambda layer: L.BatchNormalization(epsilon=1e-3, name=layer["name"]),
        "maxPool": lambda layer: L.MaxPooling2D(2, padding="same", name=layer["name"]),
        "meanPool": lambda layer: L.GlobalAveragePooling2D(name=layer["name"]),
        "flatten": lambda layer: L.Flatten(name=layer["name"]),
    }
    x = inputs = Input(tuple(input_shape))
    for layer in layers:
        x = makers[layer["type"]](layer)(x)
        if layer.get("relu"):
            x = L.ReLU(name=f"{layer['name']}_relu")(x)
    model = Model(inputs, x)
    set_values(model, layers, all_values)
    return model


def set_values(model, layers, all_values):
    parts = {
        "dense": ("weights", "biases"),
        "conv": ("weights", "biases"),
        "lstm": ("weights", "biases"),
        "batchNorm": ("gamma", "beta", "mean", "variance"),
    }
    for layer in layers:
        names = [f"{layer['name']}/{part}" for part in parts.get(layer["type"], ())]
        found = [all_values[name] for name in names]
        if layer["type"] == "lstm":
            found = keras_lstm(layer["units"], *found)
        model.get_layer(layer["name"]).set_weights(found)


def keras_lstm(units, kernel, bias):
    """Keras has the candidate third, two kernels, and what TensorFlow 1 adds to the forget gate in its bias."""

    def ordered(x):
        i, c, f, o = np.split(x, 4, -1)
        return np.concatenate([i, f, c, o], -1)

    forget = np.repeat([0, 1, 0, 0], units)
    return [ordered(kernel[:-units]), ordered(kernel[-units:]), ordered(bias) + forget]
