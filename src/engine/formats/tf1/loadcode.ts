// Python lines that load a checkpoint with TensorFlow's own V1 API.
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Model } from "../../graph/model";
import { metaPath, prefixOfShard, shardCount } from "./prefix";

export const loadCode = (path: string, model: Model): { language: string; code: string } => ({
  language: "python",
  code: (existsSync(metaPath(path)) ? withGraph(path, model) : withoutGraph(path, model)).join(
    "\n",
  ),
});

const HEAD = ["import tensorflow.compat.v1 as tf", ""];

function withGraph(path: string, model: Model): string[] {
  const tensors = [...model.roles.inputs, ...(model.roles.output ? [model.roles.output] : [])];
  return [
    ...HEAD,
    "tf.disable_eager_execution()",
    `saver = tf.train.import_meta_graph(${python(metaPath(path))}, clear_devices=True)`,
    "graph = tf.get_default_graph()",
    ...tensors.map((node) => {
      const name = model.nodes.get(node)?.origin.at(-1) ?? node;
      return `${identifier(name)} = graph.get_tensor_by_name(${python(`${name}:0`)})`;
    }),
    "",
    "with tf.Session() as sess:",
    `    saver.restore(sess, ${python(restorePath(path))})`,
    "",
  ];
}

function withoutGraph(path: string, model: Model): string[] {
  const variables = [...model.variables.values()];
  return [
    ...HEAD,
    "tf.disable_eager_execution()",
    "# Build the network here. Its variables need these names and shapes:",
    ...variables.map(({ name, shape, dtype }) => `#   ${name}  [${shape.join(", ")}]  ${dtype}`),
    "saver = tf.train.Saver()",
    "",
    "with tf.Session() as sess:",
    `    saver.restore(sess, ${python(restorePath(path))})`,
    "",
  ];
}

/** Sharded V1 checkpoints are restored by a pattern. */
function restorePath(path: string): string {
  if (existsSync(path) || existsSync(`${path}.index`)) return path;
  const shard = existsSync(dirname(path))
    ? readdirSync(dirname(path)).find((name) => prefixOfShard(name) === basename(path))
    : undefined;
  return shard ? `${path}-?????-of-${String(shardCount(shard)).padStart(5, "0")}` : path;
}

/** JSON's escapes are Python's too. */
const python = (text: string): string => JSON.stringify(text);

const identifier = (name: string): string => {
  const plain = name.replace(/\W/g, "_");
  return /^\d/.test(plain) ? `_${plain}` : plain;
};
