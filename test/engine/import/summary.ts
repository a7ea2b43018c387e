// A model as text: what a golden file holds and a person can check against the program that made the graph.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import type { StoredTensor } from "../../../src/engine/formats/format";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import {
  MetaGraphDefSchema,
  type MetaGraphDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { refName, type Model, type Node } from "../../../src/engine/graph/model";

export const readMeta = (file: string): MetaGraphDef =>
  fromBinary(MetaGraphDefSchema, readFileSync(file));

/** What a checkpoint of every variable that the graph declares would store. */
export function declaredTensors(meta: MetaGraphDef): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const node of meta.graphDef?.node ?? []) {
    if (!/^(VariableV2|Variable|VarHandleOp)$/.test(node.op)) continue;
    const { value } = node.attr["shape"];
    const shape = value.case === "shape" ? value.value.dim.map((dim) => Number(dim.size)) : [];
    tensors.set(node.name, { name: node.name, dtype: "float32", shape, bytes: 0 });
  }
  return tensors;
}

/** What the fixture's checkpoint does store, where TensorFlow's reader listed it. */
function listedTensors(file: string): Map<string, StoredTensor> | undefined {
  const expected = join(dirname(file), "expected.json");
  if (!existsSync(expected)) return undefined;
  const { variables } = JSON.parse(readFileSync(expected, "utf8")) as {
    readonly variables?: Readonly<Record<string, Pick<StoredTensor, "dtype" | "shape">>>;
  };
  if (variables === undefined) return undefined;
  return new Map(
    Object.entries(variables).map(([name, { dtype, shape }]) => [
      name,
      { name, dtype, shape, bytes: 0 },
    ]),
  );
}

export const importFile = (file: string): Model => {
  const meta = readMeta(file);
  return importGraph(meta, listedTensors(file) ?? declaredTensors(meta));
};

const attributes = (node: Node): string => {
  const entries = Object.entries(node.attributes).filter(([key]) => key !== "dtype");
  return entries.length === 0
    ? ""
    : ` {${entries.map(([key, value]) => `${key}: ${shorten(JSON.stringify(value))}`).join(", ")}}`;
};
const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}...` : text);

export function summary({ nodes, variables, layers, roles, shapes }: Model): string {
  const lines = ["roles"];
  lines.push(`  inputs ${roles.inputs.join(", ")}`);
  for (const role of ["output", "labels", "loss"] as const)
    lines.push(`  ${role} ${roles[role] ?? "–"}`);
  if (roles.ambiguous)
    lines.push(`  ambiguous ${roles.ambiguous.role}: ${roles.ambiguous.candidates.join(", ")}`);
  lines.push("", "layers");
  for (const layer of layers)
    lines.push(
      `  ${layer.name}: ${layer.kind} [${layer.variables.join(", ")}] → ${layer.output ?? "–"}`,
    );
  lines.push("", "variables");
  for (const { name, shape, role, of, trainable } of variables.values())
    lines.push(
      `  ${name} [${shape.join(", ")}] ${role}${of ? ` of ${of}` : ""}${trainable.length > 0 ? "" : ", not trained"}`,
    );
  lines.push("", "nodes");
  for (const node of nodes.values())
    lines.push(
      `  ${node.name} = ${node.op}(${node.inputs.map(refName).join(", ")})${attributes(node)} : [${shapes.get(node.name)?.join(", ")}]`,
    );
  return `${lines.join("\n")}\n`;
}
