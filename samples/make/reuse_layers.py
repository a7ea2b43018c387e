"""samples/reuse-layers: 500 → 300 → 100 → 50 → 5, trained on the digits 0-4; the digits 5-9 to retrain it on."""

import numpy as np
import tensorflow.compat.v1 as tf
from common import dense, digits, one_thread, save_arrays, save_network, share_of_hits, sparse_loss, train

SAMPLE = "reuse-layers"
HEIGHT, WIDTH = 25, 20
N_TEST = 200


def main():
    images, labels = digits(HEIGHT, WIDTH)
    samples = images.reshape(len(images), HEIGHT * WIDTH)

    old = labels <= 4
    tf.set_random_seed(42)
    X = tf.placeholder(tf.float32, shape=(None, 500), name="X")
    y = tf.placeholder(tf.int64, shape=(None), name="y")
    hidden1 = dense(X, 300, "hidden1", tf.nn.relu)
    hidden2 = dense(hidden1, 100, "hidden2", tf.nn.relu)
    hidden3 = dense(hidden2, 50, "hidden3", tf.nn.relu)
    logits = dense(hidden3, 5, "output")
    loss = sparse_loss(y, logits)
    accuracy = share_of_hits(y, logits)
    optimizer = tf.train.GradientDescentOptimizer(learning_rate=0.01)
    training_op = optimizer.minimize(loss)
    init = tf.global_variables_initializer()

    with one_thread() as session:
        session.run(init)
        train(session, training_op, [X, y], [samples[old], labels[old]], epochs=40, batch=20)
        print(f"digits 0-4: accuracy {accuracy.eval({X: samples[old], y: labels[old]}):.4f}")
        save_network(session, SAMPLE, "original_model.ckpt")

    X_new, y_new = samples[~old].astype(np.float16), labels[~old]
    save_arrays(
        SAMPLE,
        X_train=X_new[:-N_TEST],
        y_train=y_new[:-N_TEST],
        X_test=X_new[-N_TEST:],
        y_test=y_new[-N_TEST:],
    )


if __name__ == "__main__":
    main()
