"""Runs the lines of "Copy Code to Load" exactly as they are, then the one that is a comment; asks the session for the logits."""

import argparse
import os

import numpy as np

from oracle import find_tensor, live, parse_feeds, report, session, tf


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("code", help="a file with the lines")
    parser.add_argument("inputs", help="X.npy")
    parser.add_argument("--input", default="X:0")
    parser.add_argument("--logits", default="outputs/BiasAdd:0", help="tensor, or collection:NAME")
    parser.add_argument("--feed", action="append", default=[], help="keep_prob:0=1")
    parser.add_argument("--cwd", help="where the lines run; relative paths in them count from here")
    args = parser.parse_args()

    with open(args.code) as file:
        code = file.read()
    feed = {args.input: np.load(args.inputs), **parse_feeds(args.feed)}
    if args.cwd:
        os.chdir(args.cwd)

    opened = keep_sessions()
    names = {"__name__": "__main__"}
    exec(compile(code, args.code, "exec"), names)
    assert opened, "the lines made no session"
    sess = opened[-1]
    [line] = [line for line in code.splitlines() if line.strip().startswith("# values = ")]
    names["samples"] = feed[args.input]
    exec(line.strip().removeprefix("# "), names)
    with sess.graph.as_default():
        report(
            {
                "names": sorted(name for name in names if not name.startswith("__")),
                "live": live(sess, tf.global_variables()),
                "ran": names["values"].tolist(),
                "logits": sess.run(find_tensor(sess.graph, args.logits), feed).tolist(),
            }
        )


def keep_sessions():
    """The sessions that get opened, open for good: the lines may use `with tf.Session() as sess:`."""
    opened = []
    start = tf.Session.__init__

    def init(sess, *args, **kwargs):
        start(sess, *args, **kwargs)
        opened.append(sess)

    tf.Session.__init__ = init
    tf.Session.close = lambda sess: None
    return opened


if __name__ == "__main__":
    main()
