"""Takes a .meta the way its owner would, and says in JSON what TensorFlow makes of it.

import_meta_graph, the graph's own init op, global_variables_initializer, restore, run, a new minimize, save again.
Values are random ones of the shapes that the graph says, unless a checkpoint is given.
"""

import argparse
import json
import os
import tempfile

import numpy as np

from oracle import parse_feeds, report, session, tf


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("meta", help="the .meta file")
    parser.add_argument("--prefix", help="restore this checkpoint instead of random values")
    parser.add_argument("--init", default="init", help="the graph's own init op; empty: there is none")
    parser.add_argument("--logits", default="outputs/BiasAdd:0")
    parser.add_argument("--loss", default="loss:0", help="empty: nothing is trained")
    parser.add_argument("--random", action="append", default=[], help="X:0=8,50: normal numbers")
    parser.add_argument("--labels", action="append", default=[], help="y:0=8,3: 8 indices of 3 classes")
    parser.add_argument("--feed", action="append", default=[], help="keep_prob:0=1")
    args = parser.parse_args()
    feeds = {**random_feeds(args.random), **label_feeds(args.labels), **parse_feeds(args.feed)}
    report(check(args.meta, args.logits, args.loss, feeds, args.init, args.prefix))


def check(meta, logits, loss, feeds, init="init", prefix=None):
    tf.reset_default_graph()
    saver = tf.train.import_meta_graph(meta)
    result = {
        "trainable": [v.op.name for v in tf.trainable_variables()],
        "flagged": sorted(v.op.name for v in tf.global_variables() if v.trainable),
        "shapes": {name: list(np.shape(value)) for name, value in random_values().items()},
        "collections": sorted(tf.get_default_graph().get_all_collection_keys()),
        "nodes": len(tf.get_default_graph().as_graph_def().node),
    }
    with session() as sess:
        if init:
            sess.run(init)
            result["ownInit"] = spread(sess)
        sess.run(tf.global_variables_initializer())
        result["initializer"] = spread(sess)
        with tempfile.TemporaryDirectory() as folder:
            values = random_values()
            if prefix is None:
                prefix = os.path.join(folder, "random.ckpt")
                write(prefix, values)
                saver.restore(sess, prefix)
                result["restored"] = live(sess, values)
            else:
                saver.restore(sess, prefix)
            result["savedAgain"] = save_again(saver, sess, folder)
        result["logits"] = sess.run(logits, feeds).tolist()
        if loss:
            result["loss"] = float(sess.run(loss, feeds))
            result["steps"] = {
                "sgd": step(sess, tf.train.GradientDescentOptimizer(0.01), loss, feeds),
                "adam": step(sess, tf.train.AdamOptimizer(0.001, name=unused("Adam")), loss, feeds),
            }
    return result


def full_name(variable):
    info = variable._get_save_slice_info()
    return info.full_name if info else variable.op.name


def random_values():
    """A value for each variable, by the name in a checkpoint; of partitioned ones, for the whole."""
    values = {}
    for v in tf.global_variables():
        info = v._get_save_slice_info()
        shape = info.full_shape if info else v.shape.as_list()
        seed = sum(full_name(v).encode())
        values[full_name(v)] = (
            (0.1 * np.abs(np.random.RandomState(seed).randn(*shape))).astype(v.dtype.base_dtype.as_numpy_dtype)
        )
    return values


def write(prefix, values):
    """With TensorFlow's own op, not with the saver that is being checked."""
    with tf.Graph().as_default(), tf.Session() as sess:
        names = sorted(values)
        sess.run(
            tf.raw_ops.SaveV2(
                prefix=prefix,
                tensor_names=names,
                shape_and_slices=[""] * len(names),
                tensors=[tf.constant(values[name]) for name in names],
            )
        )


def live(sess, values):
    """Whether every variable, part by part, holds what was written."""
    for v in tf.global_variables():
        info = v._get_save_slice_info()
        whole = values[full_name(v)]
        box = tuple(slice(o, o + s) for o, s in zip(info.var_offset, info.var_shape)) if info else ...
        if not np.array_equal(sess.run(v), whole[box]):
            return f"{v.op.name} differs"
    return True


def spread(sess):
    """Standard deviation of each trainable variable's value, to tell random from constant ones."""
    return {v.op.name: float(np.std(sess.run(v))) for v in tf.trainable_variables()}


def save_again(saver, sess, folder):
    saver.restore(sess, saver.save(sess, os.path.join(folder, "again.ckpt")))
    return sorted(file for file in os.listdir(folder) if file.startswith("again"))


def step(sess, optimizer, loss, feeds):
    """One step of a new minimize: what it changed, and the loss before and after."""
    graph = tf.get_default_graph()
    before_names = {v.op.name for v in tf.global_variables()}
    op = optimizer.minimize(graph.get_tensor_by_name(loss), var_list=tf.trainable_variables())
    sess.run(tf.variables_initializer([v for v in tf.global_variables() if v.op.name not in before_names]))
    old = [v for v in tf.global_variables() if v.op.name in before_names]
    values = sess.run(old)
    losses = [float(sess.run(loss, feeds))]
    sess.run(op, feeds)
    losses.append(float(sess.run(loss, feeds)))
    changed = [v.op.name for v, a, b in zip(old, values, sess.run(old)) if not np.array_equal(a, b)]
    return {"changed": sorted(changed), "losses": losses}


def unused(name):
    """An optimizer's name gives its slots theirs; those of the graph's own optimizer may still be there."""
    slots = [v for v in tf.global_variables() if f"/{name}" in v.op.name]
    return f"New{name}" if slots else name


def random_feeds(specs):
    return {
        name: np.random.RandomState(1).randn(*sizes).astype("f4") for name, sizes in parse_sizes(specs)
    }


def label_feeds(specs):
    return {
        name: np.random.RandomState(2).randint(0, classes, count)
        for name, (count, classes) in parse_sizes(specs)
    }


def parse_sizes(specs):
    pairs = (spec.split("=", 1) for spec in specs)
    return [(name, json.loads(f"[{sizes}]")) for name, sizes in pairs]


if __name__ == "__main__":
    main()
