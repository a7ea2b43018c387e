"""Takes steps with TensorFlow 1's and Keras' own optimizers, from given values along given gradients.

The argument is a JSON file: {"start": values, "gradients": one list per step, "optimizers": [{NAME: {...}}, …]}, with
the optimizers as a recipe writes them and every parameter said. Prints one {"steps", "slots"} per optimizer: the
values after each step, and the slots at the end.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1


def tf1_optimizer(name, p):
    """(the optimizer, its slots' names in our order)."""
    rate = p["learningRate"]
    if name == "sgd":
        return v1.train.GradientDescentOptimizer(rate), []
    if name in ("momentum", "nesterov"):
        return v1.train.MomentumOptimizer(rate, p["momentum"], use_nesterov=name == "nesterov"), ["momentum"]
    if name == "adagrad":
        return v1.train.AdagradOptimizer(rate, p["initialAccumulatorValue"]), ["accumulator"]
    if name == "rmsprop":
        optimizer = v1.train.RMSPropOptimizer(rate, p["rho"], p["momentum"], p["epsilon"], centered=p["centered"])
        kept = ["mg"] * p["centered"] + ["momentum"] * (p["momentum"] > 0)
        return optimizer, ["rms", *kept]
    if name in ("adam", "adamw"):
        return v1.train.AdamOptimizer(rate, p["beta1"], p["beta2"], p["epsilon"]), ["m", "v"]
    raise ValueError(name)


def tf1(name, p, start, gradients):
    with tf.Graph().as_default(), v1.Session() as session:
        variable = v1.Variable(np.float32(start), use_resource=False)
        gradient = v1.placeholder(tf.float32, variable.shape)
        optimizer, slots = tf1_optimizer(name, p)
        # As tf.contrib.opt.extend_with_decoupled_weight_decay: the decay first, then the step.
        decay = [variable.assign_sub(p["weightDecay"] * variable)] if name == "adamw" else []
        with tf.control_dependencies(decay):
            step = optimizer.apply_gradients([(gradient, variable)])
        session.run(v1.global_variables_initializer())
        steps = []
        for each in gradients:
            session.run(step, {gradient: np.float32(each)})
            steps.append(session.run(variable))
        return steps, session.run([optimizer.get_slot(variable, slot) for slot in slots])


def keras_optimizer(name, p):
    """(the optimizer, the names of its slots in our order)."""
    rate = p["learningRate"]
    if name == "adagrad":
        return keras.optimizers.Adagrad(rate, p["initialAccumulatorValue"], p["epsilon"]), ["accumulator"]
    if name == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate, p["rho"], p["momentum"], p["epsilon"], p["centered"])
        return optimizer, ["velocity"] + ["average_gradient"] * p["centered"] + ["momentum"] * (p["momentum"] > 0)
    slots = ["momentum", "velocity"]
    if name == "adam":
        return keras.optimizers.Adam(rate, p["beta1"], p["beta2"], p["epsilon"]), slots
    if name == "adamw":
        return keras.optimizers.AdamW(rate, p["weightDecay"], p["beta1"], p["beta2"], p["epsilon"]), slots
    raise ValueError(name)


def keras_steps(name, p, start, gradients):
    variable = keras.Variable(np.float32(start))
    optimizer, slots = keras_optimizer(name, p)
    steps = []
    for each in gradients:
        optimizer.apply_gradients([(tf.constant(each, tf.float32), variable)])
        steps.append(variable.numpy())
    found = {slot: v for slot in slots for v in optimizer.variables if v.path.endswith("_" + slot)}
    return steps, [found[slot].numpy() for slot in slots]


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    results = []
    for optimizer in request["optimizers"]:
        [(name, p)] = optimizer.items()
        take = keras_steps if p.get("formula") == "keras" else tf1
        steps, slots = take(name, p, request["start"], request["gradients"])
        results.append({"steps": [s.tolist() for s in steps], "slots": [s.tolist() for s in slots]})
    print(json.dumps(results))


if __name__ == "__main__":
    main()
