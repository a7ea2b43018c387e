// Python lines that load a checkpoint with TensorFlow's own V1 API.
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Model } from "../../graph/model";
import { ownGraph, readMetaGraph } from "./meta";
import { nodeOf } from "./patch/graph";
import { metaPath, prefixOfShard, shardCount } from "./prefix";
import type { GraphDef, NodeDef } from "./proto/tensorflow_pb";

export async function loadCode(
  path: string,
  model: Model,
): Promise<{ language: string; code: string }> {
  const file = await ownGraph(path);
  const graph = file === undefined ? undefined : (await readMetaGraph(file)).graphDef;
  const lines = graph === undefined ? withoutGraph(path, model) : withGraph(path, model, graph);
  return { language: "python", code: lines.join("\n") };
}

const HEAD = ["import tensorflow.compat.v1 as tf", ""];

function withGraph(path: string, model: Model, graph: GraphDef): string[] {
  const { inputs, output } = model.roles;
  const names = [...inputs, ...(output === undefined ? [] : [output])].map((node) =>
    sourceName(model, node),
  );
  return [
    ...HEAD,
    "tf.disable_eager_execution()",
    `saver = tf.train.import_meta_graph(${python(metaPath(path))}, clear_devices=True)`,
    "graph = tf.get_default_graph()",
    ...names.map(
      (name) => `${identifier(name)} = graph.get_tensor_by_name(${python(`${name}:0`)})`,
    ),
    "",
    "with tf.Session() as sess:",
    `    saver.restore(sess, ${python(restorePath(path))})`,
    ...(output === undefined ? [] : runLines(model, graph, sourceName(model, output))),
    "",
  ];
}

/** How to compute the output for samples: every placeholder that it depends on needs a value. */
function runLines(model: Model, graph: GraphDef, output: string): string[] {
  const inputs = new Map(model.roles.inputs.map((node) => [sourceName(model, node), node]));
  const samples = (name: string) => (inputs.size > 1 ? `${identifier(name)}_samples` : "samples");
  const feeds = placeholdersOf(graph, output).flatMap((node) => {
    if (inputs.has(node.name)) return [`${identifier(node.name)}: ${samples(node.name)}`];
    const value = valueWhenPredicting(model, node);
    return value === undefined ? [] : [`${python(`${node.name}:0`)}: ${value}`];
  });
  const shapes = [...inputs].map(([name, node]) => {
    const sizes = model.shapes.get(node)?.map((size) => (size < 0 ? "?" : size)) ?? [];
    return `${samples(name)}: an array of shape [${sizes.join(", ")}]`;
  });
  return [
    `    # To run it (${shapes.join("; ")}):`,
    `    # values = sess.run(${identifier(output)}, {${feeds.join(", ")}})`,
  ];
}

/** Placeholders that `name` depends on, in the graph's order: dropped and folded ones too, TensorFlow asks for them. */
function placeholdersOf({ node: nodes }: GraphDef, name: string): NodeDef[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const seen = new Set<string>([name]);
  for (const each of seen)
    for (const input of byName.get(each)?.input ?? []) seen.add(nodeOf(input));
  return nodes.filter((node) => seen.has(node.name) && node.op.startsWith("Placeholder"));
}

const DT_BOOL = 10;

/** What a placeholder is fed to predict; undefined where its default will do. */
function valueWhenPredicting(model: Model, { name, op, attr }: NodeDef): string | undefined {
  for (const node of model.nodes.values()) {
    if (node.op !== "Dropout") continue;
    const { attributes } = node;
    if ("rateFrom" in attributes && sourceName(model, attributes.rateFrom) === name) return "0.0";
    if (
      "keepProbabilityFrom" in attributes &&
      sourceName(model, attributes.keepProbabilityFrom) === name
    )
      return "1.0";
  }
  const dtype = attr["dtype"]?.value;
  // A mode: is_training.
  if (dtype?.case === "type" && Number(dtype.value) === DT_BOOL) return "False";
  return op === "PlaceholderWithDefault" ? undefined : "...";
}

const sourceName = (model: Model, node: string): string =>
  model.nodes.get(node)?.origin.at(-1) ?? node;

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
