// What TensorFlow would refuse, found without TensorFlow: names that nothing has, lists that do not fit together.
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  SaverDefSchema,
  type MetaGraphDef,
  type NodeDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { collection } from "./models";

const nodeOf = (input: string): string => input.replace(/^\^/, "").replace(/:\d+$/, "");
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Sentences about what is wrong; none when all is well. */
export function problems(meta: MetaGraphDef): string[] {
  const nodes = new Map(meta.graphDef!.node.map((node) => [node.name, node]));
  const found: string[] = [];
  const needs = (who: string, name: string): void => {
    if (name !== "" && !nodes.has(nodeOf(name))) found.push(`${who} names ${name}`);
  };
  if (nodes.size !== meta.graphDef!.node.length) found.push("two nodes have one name");
  for (const node of nodes.values()) {
    node.input.forEach((input) => needs(node.name, input));
    for (const place of classes(node)) needs(node.name, place);
    found.push(...saverProblems(node, nodes));
  }
  for (const [name, { kind }] of Object.entries(meta.collectionDef)) {
    if (kind.case === "nodeList") kind.value.value.forEach((item) => needs(name, item));
    if (kind.case !== "bytesList") continue;
    if (name === "savers")
      for (const bytes of kind.value.value) {
        const saver = fromBinary(SaverDefSchema, bytes);
        needs(name, saver.saveTensorName);
        needs(name, saver.restoreOpName);
      }
    else if (name.endsWith("_context"))
      for (const bytes of kind.value.value)
        contextNames(bytes).forEach((item) => needs(name, item));
    else
      for (const def of collection(meta, name))
        for (const item of [
          def.variableName,
          def.initializerName,
          def.snapshotName,
          def.initialValueName,
        ])
          needs(name, item);
  }
  return found;
}

const classes = (node: NodeDef): string[] => {
  const value = node.attr["_class"]?.value;
  return value?.case === "list" ? value.value.s.map((s) => text(s).replace(/^loc:@/, "")) : [];
};

export function strings(node: NodeDef | undefined): string[] {
  const value = node?.attr["value"]?.value;
  return value?.case === "tensor" ? value.value.stringVal.map(text) : [];
}

function saverProblems(node: NodeDef, nodes: ReadonlyMap<string, NodeDef>): string[] {
  const save = node.op === "SaveV2" || node.op === "SaveSlices";
  if (!save && node.op !== "RestoreV2") return [];
  const types = node.attr[node.op === "SaveSlices" ? "T" : "dtypes"]?.value;
  const counts = [
    strings(nodes.get(node.input[1]!)).length,
    strings(nodes.get(node.input[2]!)).length,
    types?.case === "list" ? types.value.type.length : -1,
    save ? node.input.filter((input) => !input.startsWith("^")).length - 3 : outputs(node, nodes),
  ];
  return new Set(counts).size === 1 ? [] : [`${node.name}: ${counts.join(", ")} entries`];
}

/** How many outputs are read, all of them in a saver; NaN when that leaves one out. */
function outputs(node: NodeDef, nodes: ReadonlyMap<string, NodeDef>): number {
  const read = new Set(
    [...nodes.values()]
      .flatMap((user) => user.input)
      .filter((input) => nodeOf(input) === node.name)
      .map((input) => Number(/:(\d+)$/.exec(input)?.[1] ?? 0)),
  );
  return Math.max(...read) === read.size - 1 ? read.size : NaN;
}

/** All tensor names in a CondContextDef or WhileContextDef, whatever field they are in. */
function contextNames(bytes: Uint8Array): string[] {
  const names: string[] = [];
  const read = (message: Uint8Array): void => {
    const reader = new BinaryReader(message);
    while (reader.pos < reader.len) {
      const [field, wire] = reader.tag();
      if (wire !== WireType.LengthDelimited) {
        reader.skip(wire, field);
        continue;
      }
      const value = reader.bytes();
      if (/^[\w./\\-]+:\d+$/.test(text(value))) names.push(text(value));
      else if (value.some((byte) => byte < 32)) read(value);
    }
  };
  read(bytes);
  return names;
}
