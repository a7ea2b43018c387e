"""samples/graves-lstm: digits read row by row. Writes the mirrored ones that the sample learns from, and, to the folder
that is named, the ones that GravesLstm.java trains on: X.npy [1400, 8 features, 8 steps] and y.npy."""

import os
import sys

import numpy as np
from sklearn.datasets import load_digits

SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "graves-lstm")
TRAINED_ON = 1400


def main(folder):
    bunch = load_digits()
    order = np.random.RandomState(0).permutation(len(bunch.target))
    labels = bunch.target[order].astype(np.int64)
    # A step is a row of the image, its features are the columns; Deeplearning4j has the steps last.
    images = np.ascontiguousarray((bunch.images[order] / 16).astype(np.float32).transpose(0, 2, 1))
    mirrored = np.ascontiguousarray(images[:, ::-1])

    os.makedirs(folder, exist_ok=True)
    np.save(os.path.join(folder, "X.npy"), images[:TRAINED_ON])
    np.save(os.path.join(folder, "y.npy"), labels[:TRAINED_ON])
    learn, test = slice(TRAINED_ON - 400, TRAINED_ON), slice(TRAINED_ON, TRAINED_ON + 100)
    for name, rows in (("mirrored", learn), ("mirrored_test", test)):
        np.save(os.path.join(SAMPLE, f"{name}_X.npy"), mirrored[rows])
        np.save(os.path.join(SAMPLE, f"{name}_y.npy"), labels[rows])


if __name__ == "__main__":
    main(sys.argv[1])
