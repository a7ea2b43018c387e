"""samples/add-unit: a regression 1 → 10 → 1, trained on benign tumours; all of them to train one more unit on."""

import numpy as np
import tensorflow.compat.v1 as tf
from common import SEED, one_thread, save_arrays, save_network, train
from sklearn.datasets import load_breast_cancer

SAMPLE = "add-unit"


def main():
    bunch = load_breast_cancer()
    names = list(bunch.feature_names)
    # Near 1, as the initial weights expect them.
    radius = (bunch.data[:, [names.index("mean radius")]] / 10).astype(np.float32)
    area = (bunch.data[:, [names.index("mean area")]] / 1000).astype(np.float32)
    benign = bunch.target == 1
    order = np.random.RandomState(SEED).permutation(len(radius))

    random = np.random.RandomState(SEED)
    x = tf.placeholder(tf.float32, [None, 1], name="x")
    target = tf.placeholder(tf.float32, [None, 1], name="target")
    w = tf.Variable(random.normal(size=(1, 10)).astype("float32"), name="w")
    # One number for all ten units.
    b = tf.Variable(np.zeros((1)).astype("float32"), name="b")
    hidden = tf.nn.relu(tf.matmul(x, w) + b, name="hidden")
    w_proj = tf.Variable(random.normal(size=(10, 1)).astype("float32"), name="w_proj")
    y = tf.matmul(hidden, w_proj, name="y")
    cost = tf.reduce_mean(tf.square(y - target), name="cost")
    train_step = tf.train.GradientDescentOptimizer(0.01).minimize(cost)

    with one_thread() as session:
        session.run(tf.global_variables_initializer())
        train(session, train_step, [x, target], [radius[benign], area[benign]], epochs=300, batch=20)
        for what, rows in (("benign", benign), ("malignant", ~benign)):
            print(f"{what}: mean squared error {cost.eval({x: radius[rows], target: area[rows]}):.5f}")
        save_network(session, SAMPLE, "area.ckpt")
    save_arrays(SAMPLE, radius=radius[order], area=area[order])


if __name__ == "__main__":
    main()
