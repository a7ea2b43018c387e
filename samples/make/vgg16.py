"""samples/vgg16: VGG16 with all of its layers and names, a sixteenth as wide, trained on drawn shapes; drawn flowers to
retrain it on.
"""

import numpy as np
import tensorflow.compat.v1 as tf
from common import one_thread, save_arrays, save_labels, save_network, share_of_hits, sparse_loss, train
from drawings import FLOWERS, SHAPES, SIZE, draw, flower, shape

SAMPLE = "vgg16"
# VGG16: 64, 128, 256, 512 and 512 channels, then 4096 units twice.
BLOCKS = [(2, 4), (2, 8), (3, 16), (3, 32), (3, 32)]
UNITS = 256
MEAN_RGB = [123.68, 116.779, 103.939]


def he_normal():
    return tf.variance_scaling_initializer(scale=2.0, mode="fan_in")


def convolution(x, channels, name):
    with tf.variable_scope(name):
        kernel = tf.get_variable(
            "kernel", [3, 3, x.shape.as_list()[-1], channels], initializer=he_normal()
        )
        bias = tf.get_variable("bias", [channels], initializer=tf.zeros_initializer())
        x = tf.nn.conv2d(x, kernel, strides=[1, 1, 1, 1], padding="SAME", name="Conv2D")
        return tf.nn.relu(tf.nn.bias_add(x, bias, name="BiasAdd"))


def product(x, units, name):
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [x.shape.as_list()[-1], units], initializer=he_normal())
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(x, kernel, name="MatMul"), bias, name="BiasAdd")


def vgg16(images, classes):
    with tf.name_scope("preprocess"):
        x = images - tf.constant(MEAN_RGB, shape=[1, 1, 1, 3], name="mean")
        x = x / 64.0
    for number, (convolutions, channels) in enumerate(BLOCKS, start=1):
        for conv in range(1, convolutions + 1):
            x = convolution(x, channels, f"block{number}_conv{conv}")
        x = tf.nn.max_pool(
            x, [1, 2, 2, 1], [1, 2, 2, 1], padding="VALID", name=f"block{number}_pool"
        )
    x = tf.reshape(x, [-1, np.prod(x.shape.as_list()[1:])], name="flatten")
    x = tf.nn.relu(product(x, UNITS, "fc1"), name="fc1/Relu")
    x = tf.nn.relu(product(x, UNITS, "fc2"), name="fc2/Relu")
    return product(x, classes, "predictions")


def train_on_shapes():
    images, labels = draw(shape, SHAPES, 2000, seed=1)
    held_out, held_out_labels = draw(shape, SHAPES, 300, seed=2)
    tf.set_random_seed(42)
    input_1 = tf.placeholder(tf.float32, [None, SIZE, SIZE, 3], name="input_1")
    y = tf.placeholder(tf.int64, [None], name="labels")
    logits = vgg16(input_1, len(SHAPES))
    tf.nn.softmax(logits, name="predictions/Softmax")
    loss = sparse_loss(y, logits)
    accuracy = share_of_hits(y, logits)
    rate = tf.placeholder_with_default(0.001, [], name="learning_rate")
    step = tf.train.AdamOptimizer(rate).minimize(loss)

    with one_thread() as session:
        session.run(tf.global_variables_initializer())
        for epochs, at in ((20, 1e-3), (10, 2e-4)):
            train(session, step, [input_1, y], [images, labels], epochs, 50, {rate: at})
            result = accuracy.eval({input_1: held_out, y: held_out_labels})
            print(f"shapes: accuracy {result:.4f} on {len(held_out)} held out")
        save_network(session, SAMPLE, "vgg16.ckpt")


def write_flowers():
    flowers, kinds = draw(flower, FLOWERS, 260, seed=3)
    names = np.array(list(FLOWERS))[kinds]
    save_arrays(SAMPLE, flowers=flowers[:200], flowers_test=flowers[200:])
    save_labels(SAMPLE, "flowers_labels", names[:200])
    save_labels(SAMPLE, "flowers_test_labels", names[200:])


if __name__ == "__main__":
    train_on_shapes()
    write_flowers()
