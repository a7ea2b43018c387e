// What the edits do to the function that the network computes, before any training: its logits on real inputs.
import type { VerifyCheck } from "../../protocol/verify";
import { sameShape, type Model } from "../graph/model";
import { ancestors, usedVariables } from "../graph/order";
import { isVague } from "../graph/shapes";
import { pathTo } from "../ops/run";
import { editedModel } from "../recipe/apply";
import type { OpenRecipe } from "../recipe/parse";
import { editOf } from "../recipe/schema";
import type { RecipeSource } from "../recipe/source";
import type { EditKind, FunctionEffect } from "../surgery/edit";
import { EDITS } from "../surgery/table";
import type { Executor } from "../train/executor";
import { forwardBatch } from "../train/forwardBatch";
import { load, startingValues } from "../train/live";
import { fitted, type Samples } from "../train/prepare";
import { batches } from "../train/samples";
import { apart, difference, TOLERANCE_TEXT } from "./tolerance";

/** More real inputs than these say nothing new. */
const MOST_SAMPLES = 1000;

export interface DriftRequest {
  readonly open: OpenRecipe;
  readonly checkpoint: RecipeSource;
  readonly executor: Executor;
  readonly samples: Samples;
}

/** Compares the network before and after every edit that touches what a forward pass reads. */
export async function checkFunction(request: DriftRequest): Promise<VerifyCheck> {
  const { open, checkpoint, samples } = request;
  const { edits } = open.recipe;
  const source = await checkpoint.model();
  const upTo = (count: number) =>
    fitted(
      editedModel(source, { ...open.recipe, edits: edits.slice(0, count) }, checkpoint.others),
      samples,
    );
  const { validation, training } = samples.split;
  const indices = (validation.length > 0 ? validation : training).subarray(0, MOST_SAMPLES);
  const original = await logits(request, upTo(0), indices);
  let before = original;
  const details: string[] = [];
  const meant: string[] = [];
  let failed = 0;
  for (const [index, edit] of edits.entries()) {
    const { kind, spec } = editOf(edit);
    const expected = (EDITS[kind] as unknown as EditKind<unknown>).effect(spec);
    if (expected === "same") continue;
    const after = await logits(request, upTo(index + 1), indices);
    const name = `edit ${index + 1} (${kind})`;
    const moved = compare(before, after, expected);
    before = after;
    if (expected === "changed") {
      meant.push(name);
      details.push(`${name} is meant to change the function: ${moved.text}`);
      continue;
    }
    const what = expected === "extended" ? "the old outputs" : "the function";
    if (moved.verdict === "other") failed++;
    details.push(
      {
        equal: `${name} keeps ${what}: ${moved.text}`,
        other: `${name} should keep ${what}, and does not: ${moved.text}; equal is up to ${TOLERANCE_TEXT}`,
        unknown: `${name} should keep ${what}: ${moved.text}`,
      }[moved.verdict],
    );
  }
  const total = compare(original, before);
  const because =
    meant.length > 0 ? `changed by ${meant.join(", ")}, as meant` : "no edit is meant to change it";
  return {
    check: "function",
    state: failed === 0 ? "passed" : "failed",
    text: `source against edited network on ${indices.length} samples: ${total.text}; ${because}`,
    details,
    figures: { samples: indices.length, largestDifference: total.largest },
  };
}

/** Undefined: the network takes other inputs than the data. */
type Computed = Logits | undefined;

interface Logits {
  /** Of one sample. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface Comparison {
  readonly verdict: "equal" | "other" | "unknown";
  readonly largest: number | null;
  readonly text: string;
}

/** The first units of `logits`, as many as `before` has. */
function firstOf(logits: Logits, before: Logits): Logits {
  const [units, wanted] = [logits, before].map(({ shape }) => shape.at(-1) ?? 1);
  const data = logits.data.filter((_, index) => index % units < wanted);
  return { shape: logits.shape.with(-1, wanted), data };
}

function compare(a: Computed, b: Computed, expected?: FunctionEffect): Comparison {
  if (a === undefined || b === undefined)
    return {
      verdict: "unknown",
      largest: null,
      text: "it takes other inputs, of which there are no data",
    };
  if (expected === "extended") return compare(a, firstOf(b, a));
  if (!sameShape(a.shape, b.shape)) {
    const [was, is] = [a, b].map(({ shape }) => shape.join(" × ") || "1");
    return { verdict: "other", largest: null, text: `${is} logits instead of ${was}` };
  }
  const { largest, withinTolerance } = difference(b.data, a.data);
  const text = `largest difference of the logits ${apart(largest)}`;
  return { verdict: withinTolerance ? "equal" : "other", largest, text };
}

/** What the network computes for the samples, with the values that it has before training. */
async function logits(
  { open, checkpoint, executor, samples }: DriftRequest,
  model: Model,
  indices: Int32Array,
): Promise<Computed> {
  const { output, inputs } = model.roles;
  const fits = inputs.every((name) => {
    const fed = samples.inputs.find(({ node }) => node === name)?.shape;
    const shape = model.shapes.get(name);
    if (shape === undefined || isVague(shape)) return true;
    const taken = shape.slice(1);
    return (
      fed?.length === taken.length && taken.every((size, axis) => size < 0 || size === fed[axis])
    );
  });
  if (!fits) return undefined;
  const used = usedVariables(model, ancestors(model, [output!]));
  const live = load(used, await startingValues(used, checkpoint.read, open.recipe.seed));
  const path = pathTo(model, [output!], new Set(inputs));
  const { scalars } = samples;
  const forward = executor.forward({ path, live, moving: new Set(), scalars });
  const parts: Float32Array[] = [];
  let shape: readonly number[] = [];
  try {
    for (const batch of batches(indices, forwardBatch(model, path))) {
      const [fetched] = await forward.run(samples.inputs, batch);
      shape = fetched.shape.slice(1);
      parts.push(fetched.data);
    }
  } finally {
    await forward.release();
  }
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (data.set(part, at), at + part.length), 0);
  return { shape, data };
}
