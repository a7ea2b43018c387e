"""Recurrent ops in TensorFlow: `inputs` are a sequence and what the attribute `takes` lists.

Where TensorFlow's own cells and its dynamic_rnn can do what is asked, they do it, and the steps that are written out here
must agree with them.
"""

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1

ACTIVATIONS = {
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "hardSigmoid": lambda x: tf.clip_by_value(0.2 * x + 0.5, 0, 1),
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "leakyRelu": lambda x: tf.nn.leaky_relu(x, 0.01),
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
    "softplus": tf.math.softplus,
    "softsign": tf.nn.softsign,
    "identity": tf.identity,
}


def lstm(inputs, a, case):
    x, given = inputs[0], dict(zip(a["takes"], inputs[1:]))
    steps = lstm_steps(x, given, a)
    is_tf1 = "joinedKernel" in given and a["gates"] == ["i", "c", "f", "o"]
    return own(x, given, a, lstm_cell(given, a), steps) if is_tf1 else steps


def gru(inputs, a, case):
    x, given = inputs[0], dict(zip(a["takes"], inputs[1:]))
    steps = gru_steps(x, given, a)
    is_tf1 = "gateBias" in given and a["gates"] == ["r", "u"]
    return own(x, given, a, gru_cell(given, a), steps) if is_tf1 else steps


def reverse(inputs, a, case):
    x, *lengths = inputs
    if not lengths:
        return tf.reverse(x, [a["axis"]])
    return tf.reverse_sequence(x, lengths[0], seq_axis=a["axis"], batch_axis=a["batchAxis"])


def last_step(inputs, a, case):
    x, *mask = inputs
    if a["timeMajor"]:
        x = tf.transpose(x, [1, 0, 2])
    if not mask:
        return x[:, -1]
    last = [np.flatnonzero(row)[-1] for row in mask[0].numpy()]
    return tf.gather(x, last, batch_dims=1)


def lstm_cell(given, a):
    """TensorFlow's cell with the numbers that are given; None where it has no such."""
    kernel = given["joinedKernel"]
    units = kernel.shape[1] // 4
    projection = given.get("projection")
    peepholes = [given.get("peephole" + gate) for gate in ("Input", "Forget", "Output")]
    if a["gateActivation"] != "sigmoid" or len({p is None for p in peepholes}) > 1:
        return None
    cell = tf1.nn.rnn_cell.LSTMCell(
        units,
        use_peepholes=peepholes[0] is not None,
        cell_clip=a["cellClip"],
        num_proj=None if projection is None else projection.shape[1],
        proj_clip=a["projectionClip"],
        forget_bias=a["forgetBias"],
        activation=ACTIVATIONS[a["activation"]],
    )
    out = units if projection is None else projection.shape[1]
    cell.build(tf.TensorShape([None, kernel.shape[0] - out]))
    cell._kernel, cell._bias = kernel, given["bias"]
    cell._w_i_diag, cell._w_f_diag, cell._w_o_diag = peepholes
    cell._proj_kernel = projection
    return cell


def gru_cell(given, a):
    kernel = given["candidateKernel"]
    units = kernel.shape[1]
    if a["gateActivation"] != "sigmoid":
        return None
    cell = tf1.nn.rnn_cell.GRUCell(units, activation=ACTIVATIONS[a["activation"]])
    cell.build(tf.TensorShape([None, kernel.shape[0] - units]))
    cell._gate_kernel, cell._gate_bias = given["gateKernel"], given["gateBias"]
    cell._candidate_kernel, cell._candidate_bias = kernel, given["candidateBias"]
    return cell


def own(x, given, a, cell, steps):
    """What dynamic_rnn makes of a cell; `steps` where it cannot."""
    if cell is None or "initialH" in given or "initialC" in given:
        return steps
    lengths = None
    if "mask" in given:
        mask = given["mask"].numpy()
        lengths = mask.sum(1).astype(int)
        if a["masked"] != "hold" or any(row[:length].min() == 0 for row, length in zip(mask, lengths)):
            return steps
    value, _ = tf1.nn.dynamic_rnn(
        cell, x, sequence_length=lengths, dtype=tf.float32, time_major=a["timeMajor"]
    )
    np.testing.assert_allclose(value, steps, rtol=1e-5, atol=1e-6)
    return value


def steps_of(x, given, a):
    """Tensors [batch, features], and conditions [batch, 1], per step."""
    xs = tf.unstack(x, axis=0 if a["timeMajor"] else 1)
    mask = given.get("mask")
    masks = [None] * len(xs) if mask is None else [m[:, None] > 0 for m in tf.unstack(mask, axis=1)]
    return zip(xs, masks)


def zeros(x, a, width):
    return tf.zeros([x.shape[1 if a["timeMajor"] else 0], width])


def masked(mask, new, old, a):
    """The state after a step."""
    if mask is None:
        return new
    return tf.where(mask, new, old if a["masked"] == "hold" else tf.zeros_like(new))


def output(mask, h):
    return h if mask is None else tf.where(mask, h, tf.zeros_like(h))


def clipped(x, bound):
    return x if bound is None else tf.clip_by_value(x, -bound, bound)


def lstm_steps(x, given, a):
    features = x.shape[2]
    joined = given.get("joinedKernel")
    kernel = given["kernel"] if joined is None else joined[:features]
    behind = given["recurrentKernel"] if joined is None else joined[features:]
    units = kernel.shape[1] // 4
    recurrent = behind[:, : 4 * units]
    peepholes = {
        gate: given[name]
        for gate, name in (("i", "peepholeInput"), ("f", "peepholeForget"), ("o", "peepholeOutput"))
        if name in given
    }
    for place, gate in enumerate(a["peepholeColumns"]):
        peepholes[gate] = behind[:, 4 * units + place]
    act, gate_act = ACTIVATIONS[a["activation"]], ACTIVATIONS[a["gateActivation"]]
    # One initial state may stand for all samples.
    h = zeros(x, a, recurrent.shape[0]) + given.get("initialH", 0.0)
    c = zeros(x, a, units) + given.get("initialC", 0.0)
    outputs = []
    for step, mask in steps_of(x, given, a):
        sums = step @ kernel + h @ recurrent + given.get("bias", 0.0)
        z = dict(zip(a["gates"], tf.split(sums, 4, 1)))
        i = gate_act(z["i"] + c * peepholes.get("i", 0.0))
        f = gate_act(z["f"] + a["forgetBias"] + c * peepholes.get("f", 0.0))
        cell = clipped(f * c + i * act(z["c"]), a["cellClip"])
        o = gate_act(z["o"] + cell * peepholes.get("o", 0.0))
        state = o * act(cell)
        if "projection" in given:
            state = clipped(state @ given["projection"], a["projectionClip"])
        outputs.append(output(mask, state))
        h, c = masked(mask, state, h, a), masked(mask, cell, c, a)
    return tf.stack(outputs, 0 if a["timeMajor"] else 1)


def gru_steps(x, given, a):
    units = given["candidateKernel"].shape[1]
    act, gate_act = ACTIVATIONS[a["activation"]], ACTIVATIONS[a["gateActivation"]]
    h = zeros(x, a, units) + given.get("initialH", 0.0)
    outputs = []
    for step, mask in steps_of(x, given, a):
        sums = tf.concat([step, h], 1) @ given["gateKernel"] + given.get("gateBias", 0.0)
        gates = dict(zip(a["gates"], tf.split(gate_act(sums), 2, 1)))
        inner = tf.concat([step, gates["r"] * h], 1) @ given["candidateKernel"]
        candidate = act(inner + given.get("candidateBias", 0.0))
        state = gates["u"] * h + (1 - gates["u"]) * candidate
        outputs.append(output(mask, state))
        h = masked(mask, state, h, a)
    return tf.stack(outputs, 0 if a["timeMajor"] else 1)
