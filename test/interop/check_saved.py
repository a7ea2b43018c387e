"""Loads a checkpoint the way its owner does, and does with it what its owner would.

import_meta_graph, restore, run, save again, go on training with a new `minimize`, start afresh with the graph's own init op.
"""

import argparse
import os
import tempfile

import numpy as np

from oracle import describe, find_tensor, live, parse_feeds, report, session, sha256, stored, tf


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prefix", help="the checkpoint, as Saver.restore takes it")
    parser.add_argument("inputs", help="X.npy")
    parser.add_argument("--input", default="X:0", help="the placeholder of the inputs")
    parser.add_argument("--logits", default="outputs/BiasAdd:0", help="tensor, or collection:NAME")
    parser.add_argument("--feed", action="append", default=[], help="keep_prob:0=1")
    parser.add_argument("--labels", help="y.npy of class indices; without it nothing is trained")
    parser.add_argument("--label-input", default="y:0")
    parser.add_argument("--loss", help="tensor; without it the program adds a cross-entropy of its own")
    parser.add_argument("--init", default="init", help="the graph's own init op")
    parser.add_argument("--source", help="the checkpoint that this one was made from")
    return parser.parse_args(argv)


def judge(args):
    """What TensorFlow finds, in a default graph that is empty."""
    directory = os.path.dirname(os.path.abspath(args.prefix))
    saver = tf.train.import_meta_graph(args.prefix + ".meta")
    graph = tf.get_default_graph()
    feed = {args.input: np.load(args.inputs), **parse_feeds(args.feed)}
    result = {
        "latest": tf.train.latest_checkpoint(directory),
        "stored": stored(args.prefix),
        "trainable": [v.op.name for v in tf.trainable_variables()],
        "collections": {key: len(graph.get_collection(key)) for key in graph.get_all_collection_keys()},
    }
    with session() as sess:
        saver.restore(sess, result["latest"] or args.prefix)
        result["live"] = live(sess, tf.global_variables())
        result["logits"] = sess.run(find_tensor(graph, args.logits), feed).tolist()
        result["savedAgain"] = save_again(saver, sess)
        result["init"] = initialize(saver, args)
        if args.labels:
            placeholder, loss = loss_of(graph, args)
            labels = np.load(args.labels).astype(placeholder.dtype.as_numpy_dtype)
            result["step"] = train_one_step(sess, loss, {**feed, placeholder: labels})
    if args.source:
        result["source"] = stored(args.source)
        result["kept"] = kept(args.source, args.prefix)
    return result


def loss_of(graph, args):
    """The placeholder of the labels and the loss: the graph's, or what a program puts behind a network without."""
    if args.loss:
        return find_tensor(graph, args.label_input), find_tensor(graph, args.loss)
    labels = tf.placeholder(tf.int64, [None])
    logits = find_tensor(graph, args.logits)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return labels, tf.reduce_mean(losses)


def kept(source, prefix):
    """Variables whose numbers in the source are all there, bit for bit: the same array, or the corner of a grown one."""
    before, after = tf.train.load_checkpoint(source), tf.train.load_checkpoint(prefix)

    def is_kept(name):
        old, new = np.asarray(before.get_tensor(name)), np.asarray(after.get_tensor(name))
        if old.ndim != new.ndim:
            return False
        corner = new[tuple(slice(size) for size in old.shape)]
        return corner.shape == old.shape and sha256(corner) == sha256(old)

    names = before.get_variable_to_shape_map().keys() & after.get_variable_to_shape_map().keys()
    return sorted(filter(is_kept, names))


def save_again(saver, sess):
    """What the graph's own save op writes."""
    with tempfile.TemporaryDirectory() as directory:
        return stored(saver.save(sess, os.path.join(directory, "again.ckpt")))


def initialize(saver, args):
    """The init op in a session of its own: what the variables are when nothing was restored."""
    with session() as sess:
        sess.run(args.init)
        values = dict(zip([v.op.name for v in tf.global_variables()], sess.run(tf.global_variables())))
        numbers = [value for value in values.values() if value.dtype.kind == "f"]
        return {
            "variables": describe(values),
            "finite": all(bool(np.isfinite(value).all()) for value in numbers),
        }


def train_one_step(sess, loss, feed):
    """A new `minimize` over the trainable variables, as a program that goes on training writes it."""
    variables = tf.global_variables()
    trainable = {v.op.name for v in tf.trainable_variables()}
    minimize = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    before = {v.op.name: sha256(sess.run(v)) for v in variables}
    loss_before = float(sess.run(loss, feed))
    sess.run(minimize, feed)
    changed = {v.op.name for v in variables if sha256(sess.run(v)) != before[v.op.name]}
    return {
        "lossBefore": loss_before,
        "lossAfter": float(sess.run(loss, feed)),
        "moved": sorted(trainable & changed),
        "stuck": sorted(trainable - changed),
        "frozen": sorted(before.keys() - trainable - changed),
        "disturbed": sorted(changed - trainable),
    }


if __name__ == "__main__":
    report(judge(arguments()))
