"""TensorFlow 1: a session loop over the checkpoint's own graph."""

import functools

from serve import EpochClock, read_work, serve

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_v2_behavior()


@functools.cache
def open_graph(folder):
    """(session, saver, graph, train op)"""
    work = read_work(folder)
    graph = tf1.Graph()
    with graph.as_default():
        saver = tf1.train.import_meta_graph(f"{folder}/model.ckpt.meta")
        frozen = work["frozenLayers"]
        trained = [v for v in tf1.trainable_variables() if v.op.name.split("/")[0] not in frozen]
        loss = graph.get_tensor_by_name("loss/loss:0")
        optimizer = tf1.train.GradientDescentOptimizer(work["learningRate"])
        train = optimizer.minimize(loss, var_list=trained)
    return tf1.Session(graph=graph), saver, graph, train


def train_epochs(session, graph, train, feed, X, y, order, batch, clock):
    """Trains one epoch for each row of `order`; the loss of the last, averaged over its samples."""
    loss = graph.get_tensor_by_name("loss/loss:0")
    labels = graph.get_tensor_by_name("y:0")
    for epoch, permutation in enumerate(order):
        last = epoch == len(order) - 1
        total = 0.0
        for start in range(0, len(permutation), batch):
            rows = permutation[start : start + batch]
            feeds = {feed: X[rows], labels: y[rows]}
            if last:
                total += session.run([loss, train], feeds)[0] * len(rows)
            else:
                session.run(train, feeds)
        clock.end()
    return float(total / len(y))


def data(work):
    return (np.load(f"{work['folder']}/{name}.npy") for name in ("X", "y", "order"))


def measure_training(work):
    session, saver, graph, train = open_graph(work["folder"])
    X, y, order = data(work)
    saver.restore(session, f"{work['folder']}/model.ckpt")
    clock = EpochClock()
    feed = graph.get_tensor_by_name("X:0")
    loss = train_epochs(session, graph, train, feed, X, y, order, work["batch"], clock)
    return {"seconds": clock.seconds, "check": loss}


def do_job(work):
    """Bottlenecks computed once, trained on, saved: how a careful program does it."""
    session, saver, graph, train = open_graph(work["folder"])
    X, y, order = data(work)
    saver.restore(session, f"{work['folder']}/model.ckpt")
    bottleneck = graph.get_tensor_by_name(f"{work['frozenLayers'][-1]}/Relu:0")
    chunks = [session.run(bottleneck, {"X:0": X[at : at + 1000]}) for at in range(0, len(X), 1000)]
    features = np.concatenate(chunks)
    batch = work["batch"]
    loss = train_epochs(session, graph, train, bottleneck, features, y, order, batch, EpochClock())
    saver.save(session, f"{work['folder']}/result/tf1.ckpt")
    return {"check": loss}


KINDS = {"train": measure_training, "job": do_job}

if __name__ == "__main__":
    serve(f"TensorFlow {tf.__version__}", lambda work: KINDS[work["kind"]](work))
