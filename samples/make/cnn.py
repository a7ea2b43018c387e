"""samples/cnn: the convolutional network of the MNIST tutorials, narrow, trained on digits; mirrored digits to retrain it on.

Written twice: once as it should be, once with the first layer's bias added twice, as a program that people copied has it.
"""

import numpy as np
import tensorflow.compat.v1 as tf
from common import digits, one_thread, save_arrays, save_network, share_of_hits, sparse_loss, train

SAMPLE = "cnn"
CHANNELS = [8, 16]
UNITS = 96
N_OLD, N_TEST = 900, 297


def biases(size):
    return tf.get_variable("b", initializer=tf.constant(0.1, shape=[size]))


def convolution(x, channels, double_bias=False):
    before = x.shape.as_list()[-1]
    stddev = np.sqrt(2.0 / (5 * 5 * before))
    W = tf.get_variable(
        "W", [5, 5, before, channels], initializer=tf.truncated_normal_initializer(stddev=stddev)
    )
    b = biases(channels)
    z = tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME")
    if double_bias:
        z += b
    h = tf.nn.relu(z + b)
    return tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def product(x, units):
    before = x.shape.as_list()[-1]
    stddev = np.sqrt(2.0 / before)
    W = tf.get_variable(
        "W", [before, units], initializer=tf.truncated_normal_initializer(stddev=stddev)
    )
    return tf.matmul(x, W) + biases(units)


def train_network(name, images, labels, mirrored, mirrored_labels, double_bias):
    with tf.Graph().as_default(), one_thread() as session:
        tf.set_random_seed(42)
        x = tf.placeholder(tf.float32, [None, 784], name="x")
        y = tf.placeholder(tf.int64, [None], name="y")
        keep_prob = tf.placeholder(tf.float32, [], name="keep_prob")
        x_image = tf.reshape(x, [-1, 28, 28, 1])
        with tf.variable_scope("conv1"):
            h_pool1 = convolution(x_image, CHANNELS[0], double_bias)
        with tf.variable_scope("conv2"):
            h_pool2 = convolution(h_pool1, CHANNELS[1])
        h_pool2_flat = tf.reshape(h_pool2, [-1, 7 * 7 * CHANNELS[1]])
        with tf.variable_scope("fc1"):
            h_fc1 = tf.nn.relu(product(h_pool2_flat, UNITS))
        h_fc1_drop = tf.nn.dropout(h_fc1, keep_prob=keep_prob)
        with tf.variable_scope("fc2"):
            logits = product(h_fc1_drop, 10)
        loss = sparse_loss(y, logits)
        accuracy = share_of_hits(y, logits)
        optimizer = tf.train.MomentumOptimizer(0.02, 0.9, name="MomentumOptimizer")
        optimizer_step = optimizer.minimize(loss)

        session.run(tf.global_variables_initializer())
        train(session, optimizer_step, [x, y], [images, labels], 8, 50, {keep_prob: 0.5})
        for what, a, b in (("digits", images, labels), ("mirrored", mirrored, mirrored_labels)):
            print(f"{name}, {what}: accuracy {accuracy.eval({x: a, y: b, keep_prob: 1.0}):.4f}")
        save_network(session, SAMPLE, name)


def main():
    images, labels = digits(28, 28)
    mirrored = images[:, :, ::-1]
    flat = lambda some: some.reshape(len(some), 784)
    old, new = slice(0, N_OLD), slice(N_OLD, None)
    X_new = flat(mirrored[new]).astype(np.float16)
    y_new = labels[new]
    for name, double_bias in (("mnist_cnn_double_bias.ckpt", True), ("mnist_cnn.ckpt", False)):
        train_network(name, flat(images[old]), labels[old], X_new, y_new, double_bias)
    save_arrays(
        SAMPLE,
        mirrored_X=X_new[:-N_TEST],
        mirrored_y=y_new[:-N_TEST],
        mirrored_test_X=X_new[-N_TEST:],
        mirrored_test_y=y_new[-N_TEST:],
    )


if __name__ == "__main__":
    main()
