// A lifted graph computes what real TensorFlow computes from the source graph: same variables, same samples, inference mode.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { expectClose, FIXTURES } from "../fixture";
import { importFile } from "./summary";

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Written by test/fixtures/graphs/make.py. */
interface Recording {
  readonly feeds: Readonly<Record<string, Values>>;
  readonly variables: Readonly<Record<string, Values>>;
  readonly expected: Readonly<Record<string, Values>>;
}

const GRAPHS = join(FIXTURES, "graphs");
const cases = readdirSync(GRAPHS)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -5));

beforeAll(() => tf.setBackend("cpu"));

const tensors = (
  all: Recording["feeds"],
  dtype: (name: string) => "int32" | "float32",
): Map<string, Tensor> =>
  new Map(
    Object.entries(all).map(([name, { shape, values }]) => [
      name,
      tf.tensor([...values], [...shape], dtype(name)),
    ]),
  );

const feedType =
  (model: Model) =>
  (name: string): "int32" | "float32" => {
    const node = model.nodes.get(name);
    return node?.op === "Placeholder" && node.attributes.dtype.startsWith("int")
      ? "int32"
      : "float32";
  };

test.each(cases)("%s", (name) => {
  const model = importFile(join(GRAPHS, `${name}.meta`));
  const recording = JSON.parse(readFileSync(join(GRAPHS, `${name}.json`), "utf8")) as Recording;
  const fetches = Object.keys(recording.expected);
  const nodes = fetches.map((fetch) => model.aliases.get(fetch) ?? fetch);
  tf.tidy(() => {
    const results = run(
      pathTo(model, nodes),
      tensors(recording.feeds, feedType(model)),
      tensors(recording.variables, () => "float32"),
      INFERENCE,
    );
    fetches.forEach((fetch, index) => {
      const { shape, values } = recording.expected[fetch];
      expect([fetch, results[index].shape]).toEqual([fetch, shape]);
      const inferred = model.shapes.get(nodes[index])!;
      expect([fetch, inferred.map((size, axis) => (size < 0 ? shape[axis] : size))]).toEqual([
        fetch,
        shape,
      ]);
      expectClose(results[index].dataSync(), values, 1e-5);
    });
  });
});
