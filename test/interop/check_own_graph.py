"""The owner's own program: builds its graph as ever and restores what kept its shape from a checkpoint.

The program is samples/digits/make_digits.py, imported and not repeated here.
"""

import argparse
import importlib.util
import os

import numpy as np

from oracle import live, report, session, stored, tf

DIGITS = os.path.join(os.path.dirname(__file__), "..", "..", "samples", "digits", "make_digits.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prefix", help="the checkpoint, as Saver.restore takes it")
    parser.add_argument("inputs", help="X.npy")
    parser.add_argument("--classes", type=int, default=5, help="outputs that the program is built with")
    parser.add_argument("--program", default=DIGITS)
    args = parser.parse_args()

    net = load_program(args.program).build(n_outputs=args.classes)
    saved = stored(args.prefix)
    shapes = {name: variable["shape"] for name, variable in saved.items()}
    own = tf.trainable_variables()
    kept = [v for v in own if shapes.get(v.op.name) == v.shape.as_list()]
    with session() as sess:
        sess.run(net["init"])
        tf.train.Saver(kept).restore(sess, args.prefix)
        restored = live(sess, kept)
        report(
            {
                "restored": sorted(restored),
                "left": sorted(v.op.name for v in own if v not in kept),
                "identical": all(restored[name] == saved[name] for name in restored),
                "logits": sess.run(net["logits"], {net["X"]: np.load(args.inputs)}).tolist(),
            }
        )


def load_program(path):
    spec = importlib.util.spec_from_file_location("program", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


if __name__ == "__main__":
    main()
