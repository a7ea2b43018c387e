// The live values of a model's variables: what training started from, and what it has made of it so far.
import { createHash } from "node:crypto";
import { GraftError } from "../../protocol/errors";
import type { VariableOutcome } from "../../protocol/run";
import { bytesOf, movedBytes, toFloat32 } from "../graph/dtypes";
import { isFrozen, type Model, type Shape, type Variable } from "../graph/model";
import { trainableMask } from "../graph/regions";
import { evaluate, type ReadStored } from "../graph/value";

/** The numbers of variables as float32, by name. An array that was set is never written to again. */
export class LiveVariables {
  private readonly values = new Map<string, Float32Array>();
  private readonly shapes = new Map<string, Shape>();
  private readonly hashes = new WeakMap<Float32Array, string>();

  names(): IterableIterator<string> {
    return this.values.keys();
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  get(name: string): Float32Array {
    return this.values.get(name)!;
  }

  shape(name: string): Shape {
    return this.shapes.get(name)!;
  }

  add(name: string, shape: Shape, numbers: Float32Array): void {
    this.shapes.set(name, shape);
    this.values.set(name, numbers);
  }

  set(name: string, numbers: Float32Array): void {
    this.values.set(name, numbers);
  }

  /** SHA-256 of a variable's numbers: of what stays the same it is computed once. */
  hash(name: string): string {
    const numbers = this.get(name);
    const known = this.hashes.get(numbers);
    if (known !== undefined) return known;
    const computed = sha256(bytesOf(numbers));
    this.hashes.set(numbers, computed);
    return computed;
  }
}

/** Starting values, as little-endian bytes in the variable's own type, by name. */
export async function startingValues(
  variables: readonly Variable[],
  read: ReadStored,
  seed: number,
): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  for (const variable of variables) values.set(variable.name, await evaluate(variable, read, seed));
  return values;
}

/** Takes bytes as numbers. Throws `diverged` for NaN: whatever is computed from it would be none, too. */
export function load(
  variables: readonly Variable[],
  values: ReadonlyMap<string, Uint8Array>,
): LiveVariables {
  const live = new LiveVariables();
  for (const { name, shape, dtype } of variables) {
    const numbers = toFloat32(values.get(name)!, dtype);
    const broken = numbers.reduce((count, each) => count + (Number.isNaN(each) ? 1 : 0), 0);
    if (broken > 0)
      throw new GraftError(
        "diverged",
        `${name} has NaN in place of ${broken.toLocaleString("en-US")} of its ${numbers.length.toLocaleString("en-US")} numbers in the checkpoint: the training that wrote it diverged. Use an earlier checkpoint, or give it fresh numbers with { "reinitialize": … }.`,
      );
    live.add(name, shape, numbers);
  }
  return live;
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** How far each variable moved from `start`, the bytes that training began with. `trained` are those it may move in `phases`. */
export function outcomes(
  phases: readonly Model[],
  live: LiveVariables,
  start: ReadonlyMap<string, Uint8Array>,
  trained: ReadonlySet<string>,
): VariableOutcome[] {
  const all: VariableOutcome[] = [];
  for (const name of live.names()) {
    const variable = phases.at(-1)!.variables.get(name)!;
    const before = start.get(name)!;
    const numbers = live.get(name);
    const after = movedBytes(before, numbers, variable.dtype);
    const from = toFloat32(before, variable.dtype);
    let maxChange = 0;
    let sum = 0;
    const kept = keptNumbers(phases, name);
    let keptUnchanged = true;
    for (let index = 0; index < numbers.length; index++) {
      if (kept?.[index] && !Object.is(numbers[index], from[index])) keptUnchanged = false;
      const change = Math.abs(numbers[index] - from[index]);
      // A weight that became NaN has moved as far as can be.
      maxChange = Number.isNaN(change) ? Infinity : Math.max(maxChange, change);
      sum += change;
    }
    all.push({
      name,
      shape: variable.shape,
      frozen: isFrozen(variable) && !trained.has(name),
      ...(kept && { keptUnchanged }),
      unchanged: Buffer.compare(before, after) === 0,
      sha256: sha256(after),
      maxChange,
      meanChange: numbers.length === 0 ? 0 : sum / numbers.length,
    });
  }
  return all;
}

/** 1 for each number that no phase trains; undefined where none or all of them train. */
function keptNumbers(phases: readonly Model[], name: string): Uint8Array | undefined {
  const masks = phases.map((phase) => trainableMask(phase.variables.get(name)!));
  if (!masks.every((mask) => mask !== undefined)) return undefined;
  const kept = masks[0]!.map((_, index) => (masks.some((mask) => mask[index] === 1) ? 0 : 1));
  return kept.includes(0) && kept.includes(1) ? kept : undefined;
}
