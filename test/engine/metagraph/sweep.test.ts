// Every graph among the fixtures, with an op put behind each of its nodes, and with everything renamed: consistent, and
// read back as what was saved.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StoredTensor } from "../../../src/engine/formats/format";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import type { MetaGraphDef } from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import type { OpName } from "../../../src/engine/graph/catalogue";
import type { Model, Node } from "../../../src/engine/graph/model";
import { node } from "../handmade";
import { importFile, readMeta } from "../import/summary";
import { problems } from "./consistent";
import { altered, between, computed, FIXTURES, movedTo, without, written } from "./edits";

const FILES = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" }).filter((file) =>
  /^(b1_mini_v2|b1_mini_adam|b1_mini_partitioned|b1_mini_resource|b2|b8|graphs|batchnorm_training).*\.meta$/.test(
    file,
  ),
);

/** What is read back of the edited graph. */
function again(meta: MetaGraphDef, before: Model, after: Model): Model {
  const patched = patchMetaGraph(meta, before, after);
  expect(problems(patched.meta)).toEqual([]);
  const tensors = new Map(
    patched.variables.map((name): [string, StoredTensor] => {
      const { dtype, shape } = after.variables.get(name)!;
      return [name, { name, dtype, shape, bytes: 0 }];
    }),
  );
  return importGraph(written(patched.meta), tensors);
}

const NO_FLOATS = /^(Placeholder|Const|Opaque|Equal|Greater|GreaterEqual|Less|ArgMax|InTopK)$/;
/** Part of an op only. */
const isPart = ({ name }: Node): boolean => /:[a-z]/.test(name);
const isProbed = (each: Node): boolean =>
  !NO_FLOATS.test(each.op) &&
  !isPart(each) &&
  !(each.op === "Cast" && each.attributes.to !== "float32");

const isRemovable = (model: Model, { op, name, inputs: [input] }: Node): boolean =>
  /^(Relu|Elu|Tanh|Sigmoid|Softmax|Dropout|BatchNorm|BiasAdd)$/.test(op) &&
  input !== undefined &&
  "node" in input &&
  model.shapes.get(input.node)?.join() === model.shapes.get(name)?.join();

const tanh = (model: Model, { name }: Node) => altered(model, name, "Tanh", {});
const REPLACED: { readonly [Op in OpName]?: (model: Model, each: Node) => Model } = {
  Relu: tanh,
  Elu: tanh,
  Sigmoid: tanh,
  Dropout: (model, { name }) => altered(model, name, "Dropout", { rate: 0.125 }),
  BatchNorm: (model, each) =>
    each.op === "BatchNorm"
      ? altered(model, each.name, "BatchNorm", { ...each.attributes, epsilon: 0.25, momentum: 0.5 })
      : model,
};

describe.each(FILES)("%s", (file) => {
  const path = join(FIXTURES, file);
  const before = importFile(path);

  test("an op behind each of its nodes", () => {
    const meta = readMeta(path);
    const wrong: string[] = [];
    for (const each of [...before.nodes.values()].filter(isProbed)) {
      const after = between(before, each.name, {
        nodes: [node("probe", "Sigmoid", [each.name], {})],
      });
      try {
        expect(computed(again(meta, before, after))).toEqual(computed(after));
      } catch (error) {
        wrong.push(`${each.name}: ${(error as Error).message}`);
      }
    }
    if (wrong.length > 0) throw new Error(wrong.join(" ;; "));
  });

  test("without each of the ops that keep a shape", () => {
    const meta = readMeta(path);
    const wrong: string[] = [];
    for (const each of [...before.nodes.values()].filter((one) => isRemovable(before, one))) {
      const [input] = each.inputs as readonly [{ readonly node: string }];
      const after = without(before, each.name, input.node);
      try {
        expect(computed(again(meta, before, after))).toEqual(computed(after));
      } catch (error) {
        wrong.push(`${each.name}: ${(error as Error).message}`);
      }
    }
    if (wrong.length > 0) throw new Error(wrong.join(" ;; "));
  });

  test("another op in the place of each activation, dropout and batch norm", () => {
    const meta = readMeta(path);
    const wrong: string[] = [];
    for (const each of before.nodes.values()) {
      const other = REPLACED[each.op];
      if (other === undefined) continue;
      const after = other(before, each);
      try {
        expect(computed(again(meta, before, after))).toEqual(computed(after));
      } catch (error) {
        wrong.push(`${each.name}: ${(error as Error).message}`);
      }
    }
    if (wrong.length > 0) throw new Error(wrong.join(" ;; "));
  });

  test("under other names", () => {
    const after = movedTo(before, "scope");
    const read = again(readMeta(path), before, after);
    expect(computed(read)).toEqual(computed(after));
    expect(read.roles).toEqual(after.roles);
    expect([...read.variables.keys()].sort()).toEqual([...after.variables.keys()].sort());
  });
});
