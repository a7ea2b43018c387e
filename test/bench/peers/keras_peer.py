"""Keras: `fit` and `predict`, as its documentation uses them."""

import functools
import os

os.environ["KERAS_BACKEND"] = "tensorflow"

from serve import EpochClock, read_work, serve, timed

import keras
import numpy as np
import tensorflow as tf

import networks


@functools.cache
def full_model(folder):
    """The whole network, as the checkpoint has it."""
    work = read_work(folder)
    return networks.keras_model(work["layers"], work["input"], networks.read_values(folder))


@functools.cache
def prefix_model(folder):
    """Its frozen layers."""
    work = read_work(folder)
    last = work["layers"][work["frozen"] - 1]
    model = full_model(folder)
    output = f"{last['name']}_relu" if last.get("relu") else last["name"]
    return keras.Model(model.input, model.get_layer(output).output)


@functools.cache
def trained_model(folder):
    """All of it, to be trained."""
    return compiled(full_model(folder), read_work(folder))


def compiled(model, work):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(work["learningRate"]), loss)
    return model


class Timer(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.clock = EpochClock()

    def on_epoch_end(self, epoch, logs=None):
        self.clock.end()


def data(work):
    return (np.load(f"{work['folder']}/{name}.npy") for name in ("X", "y"))


def measure_training(work):
    model = trained_model(work["folder"])
    networks.set_values(model, work["layers"], networks.read_values(work["folder"]))
    X, y = data(work)
    timer = Timer()
    epochs = work["epochs"] + 2
    history = model.fit(X, y, batch_size=work["batch"], epochs=epochs, verbose=0, callbacks=[timer])
    return {"seconds": timer.clock.seconds, "check": history.history["loss"][-1]}


def measure_features(work):
    prefix = prefix_model(work["folder"])
    X, _ = data(work)
    seconds, features = timed(lambda: prefix.predict(X, batch_size=work["batch"], verbose=0))
    return {"seconds": seconds, "check": float(np.abs(features).mean())}


def do_job(work):
    """Bottlenecks by `predict`, `fit` on them, the whole model saved."""
    X, y = data(work)
    model = full_model(work["folder"])
    features = prefix_model(work["folder"]).predict(X, batch_size=1000, verbose=0)
    inputs = x = keras.Input(features.shape[1:])
    for layer in work["layers"][work["frozen"] :]:
        x = model.get_layer(layer["name"])(x)
        if layer.get("relu"):
            x = keras.layers.ReLU()(x)
    head = compiled(keras.Model(inputs, x), work)
    history = head.fit(features, y, batch_size=work["batch"], epochs=work["epochs"], verbose=0)
    model.save(f"{work['folder']}/result/keras.keras")
    return {"check": history.history["loss"][-1]}


KINDS = {"train": measure_training, "featurize": measure_features, "job": do_job}


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    serve(f"Keras {keras.__version__}, TensorFlow {tf.__version__}", lambda work: KINDS[work["kind"]](work))
