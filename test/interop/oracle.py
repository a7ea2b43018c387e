"""What the oracles share: TensorFlow 1 without its chatter, hashes as the fixtures write them, JSON on stdout."""

import hashlib
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)


def session():
    """One thread, so that the same run gives the same bits."""
    config = tf.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, allow_soft_placement=True
    )
    return tf.Session(config=config)


def sha256(value):
    """Of the little-endian bytes in C order; of strings, of each item's u32 length and bytes."""
    value = np.asarray(value)
    if value.dtype == object:
        items = [item if isinstance(item, bytes) else str(item).encode() for item in value.flat]
        data = b"".join(len(item).to_bytes(4, "little") + item for item in items)
    else:
        data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes()
    return hashlib.sha256(data).hexdigest()


def describe(values):
    """{name: {shape, sha256}} of {name: array}."""
    return {
        name: {"shape": list(np.shape(value)), "sha256": sha256(value)}
        for name, value in sorted(values.items())
    }


def stored(prefix):
    """Every variable of a checkpoint, as TensorFlow's own reader sees it."""
    reader = tf.train.load_checkpoint(prefix)
    return describe({name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()})


def live(sess, variables):
    """Every variable of a session, by the name that a checkpoint uses."""
    return describe(dict(zip([v.op.name for v in variables], sess.run(variables))))


def parse_feeds(feeds):
    """["keep_prob:0=1", "is_training:0=false"] as {tensor name: value}."""
    pairs = (feed.split("=", 1) for feed in feeds)
    return {name: json.loads(value) for name, value in pairs}


def find_tensor(graph, name):
    """A tensor by its name, or the first one of `collection:NAME`."""
    if name.startswith("collection:"):
        return graph.get_collection(name.removeprefix("collection:"))[0]
    return graph.get_tensor_by_name(name)


def report(result):
    print(json.dumps(result))
