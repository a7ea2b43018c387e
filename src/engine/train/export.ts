// Writes the bottlenecks of a recipe's first phase for other programs: an .npz with an array for each cut tensor (by its
// name), "labels", "classes" and "validation", the places of the samples that are kept out of training; of padded sequences
// "mask", the steps that are there, and "labelsMask", those whose labels count.
import * as path from "node:path";
import { Readable } from "node:stream";
import { ZipFile } from "yazl";
import { GraftError } from "../../protocol/errors";
import { sampleKeys } from "../cache/keys";
import type { DataArray } from "../data/array";
import { encodeNpy, npyStart } from "../data/npy";
import { replaceFile } from "../files/replace";
import { cut } from "../graph/cut";
import { elements } from "../graph/model";
import { ancestors, usedVariables } from "../graph/order";
import { parseRecipe } from "../recipe/parse";
import { chooseExecutor, type BackendChoice } from "./backend";
import { featurize, type Bottlenecks } from "./featurize";
import { load, startingValues } from "./live";
import { prepare, type Prepared } from "./prepare";
import { streamed } from "./source";
import { gradientNodes } from "./train";

/** Bytes of rows that are read at once. */
const PART_BYTES = 16 * 2 ** 20;

export interface ExportRequest {
  readonly output: string;
  readonly backend: BackendChoice;
  /** Folder of the bottleneck store. */
  readonly store: string;
}

export interface Exported {
  readonly output: string;
  readonly arrays: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: string;
  }[];
  /** Samples that were not in the store. */
  readonly computed: number;
}

/** Computes what the store lacks. Throws `nothing-to-export` where nothing lies below the cut. */
export async function exportBottlenecks(
  recipe: { readonly path: string; readonly text: string },
  { output, backend: choice, store }: ExportRequest,
): Promise<Exported> {
  const parsed = parseRecipe(recipe.path, recipe.text);
  const prepared = await prepare(parsed);
  const { checkpoint, phases, data, inputs, scalars } = prepared;
  try {
    const [model] = phases;
    const { bottlenecks } = cut(model, [model.roles.loss!, model.roles.output!]);
    if (bottlenecks.length === 0)
      throw new GraftError(
        "nothing-to-export",
        `${path.basename(recipe.path)} freezes nothing that its inputs go through, so there are no bottlenecks. Freeze a layer first.`,
      );
    // As training chooses it: the bottlenecks are those that training uses.
    const trained = new Set(phases.flatMap((phase) => [...gradientNodes(phase)]));
    const executor = await chooseExecutor(choice, model, { trained, note: () => undefined });
    const used = usedVariables(model, ancestors(model, bottlenecks));
    const live = load(used, await startingValues(used, checkpoint.read, parsed.recipe.seed));
    let computed = 0;
    const rows = await featurize({
      model,
      bottlenecks,
      inputs,
      samples: data.samples,
      keys: sampleKeys(inputs, data.samples),
      live,
      executor,
      scalars,
      store,
      origin: { recipe: recipe.path, checkpoint: checkpoint.path },
      progress: () => undefined,
      computed: (samples) => void (computed += samples),
      warn: () => undefined,
      stopRequested: () => false,
    });
    try {
      const arrays = await writeNpz(path.resolve(output), rows!, prepared);
      return { output: path.resolve(output), arrays, computed };
    } finally {
      await rows!.close();
    }
  } finally {
    await checkpoint.close();
  }
}

/** Complete or not at all. */
async function writeNpz(
  file: string,
  rows: Bottlenecks,
  { data, split }: Prepared,
): Promise<Exported["arrays"]> {
  const small: Record<string, DataArray> = {
    labels: {
      dtype: data.labels instanceof Float32Array ? "float32" : "int32",
      shape: labelsShape(data),
      data: data.labels,
    },
    classes: { dtype: "string", shape: [data.classes.length], data: data.classes },
    validation: { dtype: "int32", shape: [split.validation.length], data: split.validation },
    ...(data.mask && { mask: stepsThere(data.mask, data.samples) }),
    ...(data.labelsMask && { labelsMask: stepsThere(data.labelsMask, data.samples) }),
  };
  const zip = new ZipFile();
  const options = { compress: false, forceDosTimestamp: true };
  for (const [index, { node, shape }] of rows.tensors.entries()) {
    const start = npyStart("<f4", [data.samples, ...shape]);
    const size = start.length + data.samples * elements(shape) * 4;
    zip.addReadStreamLazy(`${node}.npy`, { ...options, size }, (give) =>
      give(null, Readable.from(tensorParts(start, rows, index, data.samples))),
    );
  }
  for (const [name, array] of Object.entries(small))
    zip.addBuffer(Buffer.concat(encodeNpy(array)), `${name}.npy`, options);
  const output = zip.outputStream as Readable;
  zip.on("error", (error: unknown) => void output.destroy(error as Error));
  // It is thrown to whoever reads, who may not have begun.
  output.on("error", () => undefined);
  zip.end();
  await replaceFile(file, output).catch((cause: unknown) => {
    if (cause instanceof GraftError) throw cause;
    throw new GraftError("write-failed", `${file} was not written: ${(cause as Error).message}.`, {
      cause,
    });
  });
  return [
    ...rows.tensors.map(({ node, shape }) => ({
      name: node,
      shape: [data.samples, ...shape],
      dtype: "float32",
    })),
    ...Object.entries(small).map(([name, { shape, dtype }]) => ({ name, shape, dtype })),
  ];
}

/** [samples, steps] of 1 and 0. */
const stepsThere = (mask: Uint8Array, samples: number): DataArray => ({
  dtype: "float32",
  shape: [samples, mask.length / samples],
  data: Float32Array.from(mask),
});

/** [samples], [samples, steps], or either with the numbers of a row. */
function labelsShape({ labels, samples, labelsPerSample }: Prepared["data"]): number[] {
  const width = labels.length / samples / labelsPerSample;
  return [samples, labelsPerSample, width].filter((size, axis) => axis === 0 || size !== 1);
}

/** A .npy file of one tensor of all samples, part by part. */
async function* tensorParts(
  start: Uint8Array,
  rows: Bottlenecks,
  tensor: number,
  samples: number,
): AsyncGenerator<Uint8Array> {
  yield start;
  const source = streamed(rows, []);
  const at = Math.max(1, Math.floor(PART_BYTES / (rows.width * 4)));
  for (let first = 0; first < samples; first += at) {
    const length = Math.min(at, samples - first);
    const { arrays } = await source.window(Int32Array.from({ length }, (_, row) => first + row));
    // A copy: the window is valid until the next one only.
    yield new Uint8Array(arrays[tensor].data.slice().buffer);
  }
}
