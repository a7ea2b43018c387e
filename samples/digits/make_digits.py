"""Makes everything in this folder: a network trained on the digits 0-4, and the digits 5-9 to retrain it on.

TensorFlow 1 code, as people wrote it in 2017. What TensorFlow 2 no longer has, tf.contrib's fully_connected,
is written out below with the same scopes, variables and op names.

    pip install tensorflow-cpu scikit-learn
    python make_digits.py
"""

import csv
import os

import numpy as np
import tensorflow.compat.v1 as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

tf.disable_v2_behavior()

HERE = os.path.dirname(os.path.abspath(__file__))
N_INPUTS = 8 * 8
N_HIDDEN = [300, 100, 50]
LEARNING_RATE = 0.05
N_EPOCHS = 60
BATCH_SIZE = 50
N_TEST = 200


def fully_connected(inputs, n_outputs, scope, activation_fn=tf.nn.relu):
    """tf.contrib.layers.fully_connected: <scope>/weights, /biases, /MatMul, /BiasAdd, /Relu."""
    with tf.variable_scope(scope):
        n_inputs = inputs.shape.as_list()[-1]
        weights = tf.get_variable(
            "weights", [n_inputs, n_outputs], initializer=tf.glorot_uniform_initializer()
        )
        biases = tf.get_variable("biases", [n_outputs], initializer=tf.zeros_initializer())
        outputs = tf.nn.bias_add(tf.matmul(inputs, weights, name="MatMul"), biases, name="BiasAdd")
        return activation_fn(outputs, name="Relu") if activation_fn else outputs


def build(n_outputs=5):
    """Adds the network to the default graph; returns what a program feeds and fetches."""
    X = tf.placeholder(tf.float32, shape=(None, N_INPUTS), name="X")
    y = tf.placeholder(tf.int64, shape=(None), name="y")

    hidden1 = fully_connected(X, N_HIDDEN[0], scope="hidden1")
    hidden2 = fully_connected(hidden1, N_HIDDEN[1], scope="hidden2")
    hidden3 = fully_connected(hidden2, N_HIDDEN[2], scope="hidden3")
    logits = fully_connected(hidden3, n_outputs, activation_fn=None, scope="outputs")

    with tf.name_scope("loss"):
        xentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        loss = tf.reduce_mean(xentropy, name="loss")
    with tf.name_scope("train"):
        optimizer = tf.train.GradientDescentOptimizer(learning_rate=LEARNING_RATE)
        training_op = optimizer.minimize(loss)
    with tf.name_scope("eval"):
        correct = tf.nn.in_top_k(logits, y, 1)
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name="accuracy")

    init = tf.global_variables_initializer()
    return {
        "X": X,
        "y": y,
        "logits": logits,
        "loss": loss,
        "training_op": training_op,
        "accuracy": accuracy,
        "init": init,
    }


def digits(wanted):
    """X and y to train on, X and y held out; every digit has the same share of both."""
    bunch = load_digits()
    mine = np.isin(bunch.target, wanted)
    X = (bunch.data[mine] / 16).astype(np.float32)
    y = bunch.target[mine].astype(np.int64)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=N_TEST, stratify=y, random_state=42
    )
    return X_train, y_train, X_test, y_test


def train_0_to_4():
    X_train, y_train, X_test, y_test = digits([0, 1, 2, 3, 4])
    with tf.Graph().as_default():
        tf.set_random_seed(42)
        net = build(n_outputs=5)
        # Relative, so that the `checkpoint` file is right wherever this folder is copied to.
        saver = tf.train.Saver(save_relative_paths=True)
        shuffle = np.random.RandomState(42)
        one_thread = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        with tf.Session(config=one_thread) as sess:
            sess.run(net["init"])
            for _ in range(N_EPOCHS):
                order = shuffle.permutation(len(X_train))
                for start in range(0, len(order), BATCH_SIZE):
                    batch = order[start : start + BATCH_SIZE]
                    feed = {net["X"]: X_train[batch], net["y"]: y_train[batch]}
                    sess.run(net["training_op"], feed_dict=feed)
            on_train = net["accuracy"].eval({net["X"]: X_train, net["y"]: y_train})
            on_test = net["accuracy"].eval({net["X"]: X_test, net["y"]: y_test})
            saver.save(sess, os.path.join(HERE, "digits_0_to_4.ckpt"))
    print(f"digits 0-4: accuracy {on_train:.4f} on the {len(X_train)} it was trained on")
    print(f"            accuracy {on_test:.4f} on {len(X_test)} held out")


def write_5_to_9():
    X_train, y_train, X_test, y_test = digits([5, 6, 7, 8, 9])
    arrays = {"X": X_train, "y": y_train, "test_X": X_test, "test_y": y_test}
    for name, array in arrays.items():
        np.save(os.path.join(HERE, f"digits_5_to_9_{name}.npy"), array)

    # The same samples in the same order as the .npy files. Sixteenths: exact in seven characters.
    with open(os.path.join(HERE, "digits_5_to_9.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f"pixel_{i}" for i in range(N_INPUTS)] + ["label"])
        for pixels, label in zip(X_train, y_train):
            writer.writerow([f"{pixel:g}" for pixel in pixels] + [label])
    print(f"digits 5-9: {len(X_train)} to train on, {len(X_test)} held out")


if __name__ == "__main__":
    train_0_to_4()
    write_5_to_9()
