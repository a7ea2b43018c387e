// Graphs with new, removed, rewired and renamed nodes and variables: consistent, and read back as what was saved.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { StoredTensor } from "../../../src/engine/formats/format";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import {
  MetaGraphDefSchema,
  type MetaGraphDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import type { Model } from "../../../src/engine/graph/model";
import { importFile, readMeta } from "../import/summary";
import { node } from "../handmade";
import { op, strings as constantStrings } from "../import/source";
import { problems, strings } from "./consistent";
import {
  between,
  computed,
  FIXTURES,
  renamed,
  variable,
  variablesOf,
  without,
  written,
} from "./edits";
import { nodeNamed } from "./models";
import { DENSE_EDITS } from "./networks";
import { withEveryOp } from "./ops";

function metaFile(fixture: string): string {
  const folder = join(FIXTURES, fixture);
  return join(
    folder,
    readdirSync(folder).find((file) => file.endsWith(".meta"))!,
  );
}

/** Patches the fixture's graph, and reads the result as if a checkpoint were beside it. */
function saved(fixture: string, edit: (model: Model) => Model) {
  const meta = readMeta(metaFile(fixture));
  const before = importFile(metaFile(fixture));
  const after = edit(before);
  const source = toBinary(MetaGraphDefSchema, meta);
  const patched = patchMetaGraph(meta, before, after);
  expect(Buffer.from(source).equals(toBinary(MetaGraphDefSchema, meta))).toBe(true);
  expect(problems(patched.meta)).toEqual([]);
  const tensors = new Map(
    patched.variables.map((name): [string, StoredTensor] => {
      const { dtype, shape } = after.variables.get(name)!;
      return [name, { name, dtype, shape, bytes: 0 }];
    }),
  );
  return { ...patched, before, after, again: importGraph(written(patched.meta), tensors) };
}

const EDITS = Object.entries(DENSE_EDITS);

const FIXTURE_NAMES = [
  "b1_mini_v2",
  "b1_mini_v1",
  "b1_mini_v1_sharded",
  "b1_mini_v2_sharded",
  "b1_mini_resource",
  "b1_mini_adam",
  "b1_mini_ema",
  "b1_mini_partitioned",
  "b1_mini_partitioned_v1",
];

test.each(["b1_mini_v2", "b1_mini_resource"])(
  "%s: every op is read back as the same op",
  (fixture) => {
    const { again, after } = saved(fixture, withEveryOp);
    expect(computed(again)).toEqual(computed(after));
  },
);

describe.each(FIXTURE_NAMES)("%s", (fixture) => {
  test.each(EDITS)("%s: read back as it was saved", (_, edit) => {
    const { again, after, variables } = saved(fixture, edit);
    expect(computed(again)).toEqual(computed(after));
    const { inputs, output, labels, loss } = after.roles;
    expect(again.roles).toEqual({ inputs, output, labels, loss });
    const kept = {
      ...after,
      variables: new Map(variables.map((name) => [name, after.variables.get(name)!])),
    };
    expect(variablesOf(again)).toEqual(variablesOf(kept));
  });
});

describe("names", () => {
  test("an op under a name that the graph has already gets a number", () => {
    const { meta, again } = saved("b1_mini_v2", (model) =>
      between(model, "hidden2/Relu", { nodes: [node("save", "Tanh", ["hidden2/Relu"], {})] }),
    );
    // Nothing in the model tells that the saver's scope has an op of this name.
    const names = meta.graphDef!.node.map(({ name }) => name);
    expect(names.filter((name) => name === "save/Const")).toEqual(["save/Const"]);
    expect(again.nodes.get("save")?.op).toBe("Tanh");
    const other = saved("b1_mini_v2", (model) =>
      between(model, "hidden2/Relu", { nodes: [node("init", "Tanh", ["hidden2/Relu"], {})] }),
    );
    expect(other.again.nodes.get("init_1")?.op).toBe("Tanh");
    expect(other.meta.graphDef!.node.find(({ name }) => name === "init")?.op).toBe("NoOp");
  });

  const grown = (name: string) => (model: Model) =>
    between(model, "hidden2/Relu", {
      nodes: [node("probe", "Mul", ["hidden2/Relu", `[${name}]`], {})],
      variables: [variable(name, [10], "ones")],
    });

  test("a variable under such a name is refused", () => {
    expect(() => saved("b1_mini_v2", grown("init"))).toThrow(/an op named init already/);
  });

  test("what TensorFlow takes for no name is refused", () => {
    expect(() => saved("b1_mini_v2", grown("my scale"))).toThrow(
      /does not take the name "my scale"/,
    );
  });

  test("a variable takes the name of one that goes", () => {
    const { again, after } = saved("b1_mini_v2", (model) =>
      renamed(
        without(DENSE_EDITS.removed(model), "hidden1/Relu", "hidden1/BiasAdd"),
        "outputs",
        "hidden3",
      ),
    );
    expect(computed(again)).toEqual(computed(after));
    expect(again.variables.get("hidden3/weights")?.shape).toEqual([10, 5]);
  });
});

test("an op that Graft only knows by its type cannot be new", () => {
  const edit = (model: Model) =>
    between(model, "hidden2/Relu", {
      nodes: [node("fft", "Opaque", ["hidden2/Relu"], { type: "FFT" })],
    });
  expect(() => saved("b1_mini_v2", edit)).toThrow(/fft cannot be written .* it is a FFT/);
});

test("a saver of a part of the network stays one of that part", () => {
  const meta = readMeta(metaFile("b1_mini_v2"));
  const part = ["hidden1/weights", "hidden1/biases"];
  addSaver(meta, "save_1", part);
  const before = importFile(metaFile("b1_mini_v2"));
  const { meta: result } = patchMetaGraph(meta, before, DENSE_EDITS.inserted(before));
  expect(problems(result)).toEqual([]);
  const names = (op: string) => strings(nodeNamed(result, nodeNamed(result, op).input[1]!));
  expect(names("save/SaveV2")).toContain("new/weights");
  expect(names("save/RestoreV2")).toContain("new/weights");
  expect(names("save_1/SaveV2")).toEqual(part);
  expect(names("save_1/RestoreV2")).toEqual(part);
});

/** A saver of its own for some variables, as a program makes one to take over a part of another network. */
function addSaver(meta: MetaGraphDef, scope: string, variables: readonly string[]): void {
  const types = {
    dtypes: { value: { case: "list" as const, value: { type: variables.map(() => 1) } } },
  };
  const lists = ["SaveV2", "RestoreV2"].flatMap((kind) => [
    constantStrings(`${scope}/${kind}/tensor_names`, variables),
    constantStrings(
      `${scope}/${kind}/shape_and_slices`,
      variables.map(() => ""),
    ),
  ]);
  const inputs = (kind: string) => [
    `${scope}/Const`,
    `${scope}/${kind}/tensor_names`,
    `${scope}/${kind}/shape_and_slices`,
  ];
  const assigns = variables.map((name, place) =>
    op(`${scope}/Assign_${place}`, "Assign", [
      name,
      `${scope}/RestoreV2${place === 0 ? "" : `:${place}`}`,
    ]),
  );
  meta.graphDef!.node.push(
    constantStrings(`${scope}/Const`, ["model"]),
    ...lists,
    op(`${scope}/SaveV2`, "SaveV2", [...inputs("SaveV2"), ...variables], types),
    op(`${scope}/RestoreV2`, "RestoreV2", inputs("RestoreV2"), types),
    ...assigns,
    op(
      `${scope}/restore_all`,
      "NoOp",
      assigns.map(({ name }) => `^${name}`),
    ),
  );
}
