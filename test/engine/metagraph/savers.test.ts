// Savers of other kinds than the fixtures': of slots only, sharded, one Restore op per variable.
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import {
  MetaGraphDefSchema,
  SaverDefSchema,
  VariableDefSchema,
  type AttrValue,
  type MetaGraphDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { problems, strings } from "./consistent";
import { freeze, modelOf, nodeNamed, nodeNames } from "./models";

type Value = AttrValue["value"];
type NodeInit = { name: string; op: string; input?: string[]; attr?: Record<string, AttrValue> };

const FLOAT = 1;
const attribute = (value: Value) => ({ value }) as AttrValue;
const node = (
  name: string,
  op: string,
  input: string[] = [],
  attr: Record<string, AttrValue> = {},
): NodeInit => ({
  name,
  op,
  input,
  attr,
});
const names = (name: string, values: string[]) =>
  node(name, "Const", [], {
    value: attribute({
      case: "tensor",
      value: {
        dtype: 7,
        tensorShape: { dim: [{ size: BigInt(values.length) }] },
        stringVal: values.map((value) => new TextEncoder().encode(value)),
      },
    } as Value),
  });
const types = (count: number) =>
  attribute({ case: "list", value: { type: new Array(count).fill(FLOAT) } } as Value);

const variable = (name: string) => [
  node(name, "VariableV2", [], {
    dtype: attribute({ case: "type", value: FLOAT }),
    shape: attribute({ case: "shape", value: { dim: [{ size: 2n }] } } as Value),
  }),
  node(`${name}/zeros`, "Const"),
  node(`${name}/Assign`, "Assign", [name, `${name}/zeros`]),
];

/** SaveV2 and one RestoreV2 per variable, as TensorFlow wrote them before 1.6. */
const saver = (scope: string, file: string, variables: string[]) => [
  names(`${scope}/names`, variables),
  names(
    `${scope}/slices`,
    variables.map(() => ""),
  ),
  node(`${scope}/SaveV2`, "SaveV2", [file, `${scope}/names`, `${scope}/slices`, ...variables], {
    dtypes: types(variables.length),
  }),
  node(`${scope}/control_dependency`, "Identity", [file, `^${scope}/SaveV2`]),
  ...variables.flatMap((name, i) => [
    names(`${scope}/names_${i}`, [name]),
    names(`${scope}/slices_${i}`, [""]),
    node(
      `${scope}/RestoreV2_${i}`,
      "RestoreV2",
      ["file", `${scope}/names_${i}`, `${scope}/slices_${i}`],
      {
        dtypes: types(1),
      },
    ),
    node(`${scope}/Assign_${i}`, "Assign", [name, `${scope}/RestoreV2_${i}`]),
  ]),
  node(
    `${scope}/restore_all`,
    "NoOp",
    variables.map((_, i) => `^${scope}/Assign_${i}`),
  ),
];

function metaOf(...more: NodeInit[]): MetaGraphDef {
  const saverDef = (scope: string) =>
    create(SaverDefSchema, {
      saveTensorName: `${scope}/control_dependency:0`,
      restoreOpName: `${scope}/restore_all`,
    });
  const defs = ["w", "b"].map((name) =>
    toBinary(
      VariableDefSchema,
      create(VariableDefSchema, {
        variableName: `${name}:0`,
        initializerName: `${name}/Assign`,
        initialValueName: `${name}/zeros:0`,
      }),
    ),
  );
  const list = (value: Uint8Array[]) => ({
    kind: { case: "bytesList" as const, value: { value } },
  });
  return create(MetaGraphDefSchema, {
    saverDef: saverDef("save"),
    graphDef: {
      node: [
        ...["w", "b", "w/Momentum"].flatMap(variable),
        node("file", "Const"),
        node("grad", "Const"),
        node("Momentum/rate", "Const"),
        node("Momentum/update_w/ApplyMomentum", "ApplyMomentum", [
          "w",
          "w/Momentum",
          "Momentum/rate",
          "grad",
          "Momentum/rate",
        ]),
        node("Momentum", "NoOp", ["^Momentum/update_w/ApplyMomentum"]),
        ...saver("save", "file", ["w", "w/Momentum", "b"]),
        ...more,
      ],
    },
    collectionDef: {
      variables: list(defs),
      trainable_variables: list(defs),
      savers: list(["save", "save_1"].map((scope) => toBinary(SaverDefSchema, saverDef(scope)))),
    },
  });
}

const patched = (meta: MetaGraphDef): MetaGraphDef => {
  const before = modelOf(meta);
  const { meta: result } = patchMetaGraph(meta, before, freeze(before, /^w$/));
  expect(problems(result)).toEqual([]);
  return result;
};

test("one Restore op per variable: the slot's goes with its names", () => {
  const result = patched(metaOf(...saver("save_1", "file", ["b"])));
  expect(nodeNames(result).filter((name) => name.endsWith("_1"))).toEqual([]);
  expect(strings(nodeNamed(result, "save/names"))).toEqual(["w", "b"]);
  expect(nodeNamed(result, "save/restore_all").input).toEqual(["^save/Assign_0", "^save/Assign_2"]);
});

test("a saver of slots only goes, the others stay", () => {
  const result = patched(metaOf(...saver("save_1", "file", ["w/Momentum"])));
  expect(nodeNames(result).filter((name) => name.startsWith("save_1/"))).toEqual([
    "save_1/restore_all",
  ]);
  const savers = result.collectionDef["savers"]?.kind;
  expect(savers?.case === "bytesList" && savers.value.value.length).toBe(1);
  expect(result.saverDef).toBeDefined();
});

const shard = (i: number) => node(`shard_${i}`, "ShardedFilename", ["file", "file", "file"]);
const merge = (shards: string[]) => [
  node("pack", "Pack", [...shards, "^save_1/control_dependency"], {
    N: attribute({ case: "i", value: BigInt(shards.length) }),
  }),
  node("merge", "MergeV2Checkpoints", ["pack", "file"]),
  node("merged", "Identity", ["file", "^merge"]),
];

test("an empty shard is not merged", () => {
  const result = patched(
    metaOf(
      shard(0),
      shard(1),
      ...saver("save_1", "shard_0", ["w/Momentum"]),
      ...saver("save_2", "shard_1", ["b"]),
      ...merge(["shard_0", "shard_1"]),
    ),
  );
  expect(nodeNamed(result, "pack").input).toEqual(["shard_1"]);
  expect(nodeNamed(result, "pack").attr["N"]?.value).toEqual({ case: "i", value: 1n });
});

test("a sharded saver without any tensor goes", () => {
  const result = patched(
    metaOf(shard(0), ...saver("save_1", "shard_0", ["w/Momentum"]), ...merge(["shard_0"])),
  );
  expect(nodeNames(result).filter((name) => /^(pack|merge)/.test(name))).toEqual([]);
});

test("an empty shard of a V1 checkpoint is refused, because its file names count shards", () => {
  const spec = node("spec", "ShardedFilespec", [
    "file",
    "file",
    "^save_1/control_dependency",
    "^save_2/control_dependency",
  ]);
  const meta = metaOf(
    shard(0),
    shard(1),
    ...saver("save_1", "shard_0", ["w/Momentum"]),
    ...saver("save_2", "shard_1", ["b"]),
    spec,
  );
  expect(() => patched(meta)).toThrow(/holds nothing but optimizer slots/);
});

test("a saver whose names are computed is refused", () => {
  const meta = metaOf(...saver("save_1", "file", ["b"]));
  nodeNamed(meta, "save/names").op = "StringJoin";
  expect(() => patched(meta)).toThrow(/save\/SaveV2 computes the names/);
});
