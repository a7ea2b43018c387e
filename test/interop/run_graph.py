"""Restores a checkpoint with its own graph, feeds it what a JSON file says and prints what the fetched tensors are.

The file: {"feeds": {op: {dtype, shape, values}}, "fetches": [op], "updates": [variable]}; the last are variables whose
values after the ops in update_ops are wanted too.
"""

import argparse
import json

import numpy as np

from oracle import report, session, tf


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prefix")
    parser.add_argument("request")
    args = parser.parse_args()
    with open(args.request) as file:
        request = json.load(file)
    saver = tf.train.import_meta_graph(args.prefix + ".meta")
    feeds = {f"{name}:0": array(**feed) for name, feed in request["feeds"].items()}
    with session() as sess:
        saver.restore(sess, args.prefix)
        fetched = sess.run([f"{name}:0" for name in request["fetches"]], feeds)
        moved = moved_by(sess, request.get("updates", []), feeds)
    report(
        {
            "fetched": {
                name: {"shape": list(np.shape(value)), "values": np.asarray(value, "f8").ravel().tolist()}
                for name, value in zip(request["fetches"], fetched)
            },
            "moved": moved,
        }
    )


def array(dtype, shape, values):
    return np.array(values, dtype).reshape(shape)


def moved_by(sess, variables, feeds):
    """The values of variables after the ops that run with training."""
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    if not variables:
        return {}
    sess.run(updates, feeds)
    named = {v.op.name: v for v in tf.global_variables()}
    return {name: np.asarray(sess.run(named[name]), "f8").ravel().tolist() for name in variables}


if __name__ == "__main__":
    main()
