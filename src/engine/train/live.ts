// The live values of a model's variables, as tensors that the trainer owns.
import { createHash } from "node:crypto";
import type { VariableOutcome } from "../../protocol/run";
import { movedBytes, toFloat32 } from "../graph/dtypes";
import { isFrozen, type Model, type Variable } from "../graph/model";
import { evaluate, type ReadStored } from "../graph/value";
import { tf, type Tensor } from "../ops/tf";

export class LiveVariables {
  private readonly tensors = new Map<string, Tensor>();
  private readonly hashes = new WeakMap<Tensor, string>();

  get map(): ReadonlyMap<string, Tensor> {
    return this.tensors;
  }

  get(name: string): Tensor {
    return this.tensors.get(name)!;
  }

  /** SHA-256 of a variable's numbers: of what stays the same it is computed once. */
  hash(name: string): string {
    const tensor = this.get(name);
    const known = this.hashes.get(tensor);
    if (known !== undefined) return known;
    const { buffer, byteOffset, byteLength } = tensor.dataSync();
    const computed = sha256(new Uint8Array(buffer, byteOffset, byteLength));
    this.hashes.set(tensor, computed);
    return computed;
  }

  /** Takes ownership of `tensor` and releases what it replaces. */
  set(name: string, tensor: Tensor): void {
    const old = this.tensors.get(name);
    if (old === tensor) return;
    old?.dispose();
    this.tensors.set(name, tf.keep(tensor));
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }
}

/** Variables that the graph's nodes read, or those of its nodes that are named. */
export function usedVariables(
  model: Model,
  nodes: Iterable<string> = model.nodes.keys(),
): Variable[] {
  const names = new Set<string>();
  for (const node of nodes)
    for (const input of model.nodes.get(node)!.inputs)
      if ("variable" in input) names.add(input.variable);
  return [...names].map((name) => model.variables.get(name)!);
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

/** Puts bytes on the backend, as float32. */
export function load(
  variables: readonly Variable[],
  values: ReadonlyMap<string, Uint8Array>,
): LiveVariables {
  const live = new LiveVariables();
  for (const variable of variables) {
    const numbers = toFloat32(values.get(variable.name)!, variable.dtype);
    live.set(variable.name, tf.tensor(numbers, [...variable.shape], "float32"));
  }
  return live;
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** How far each variable moved from `start`, the bytes that training began with. `trained` are those it may move. */
export async function outcomes(
  model: Model,
  live: LiveVariables,
  start: ReadonlyMap<string, Uint8Array>,
  trained: ReadonlySet<string>,
): Promise<VariableOutcome[]> {
  const all: VariableOutcome[] = [];
  for (const name of live.map.keys()) {
    const variable = model.variables.get(name)!;
    const before = start.get(name)!;
    const numbers = (await live.get(name).data()) as Float32Array;
    const after = movedBytes(before, numbers, variable.dtype);
    const from = toFloat32(before, variable.dtype);
    let maxChange = 0;
    let sum = 0;
    for (let index = 0; index < numbers.length; index++) {
      const change = Math.abs(numbers[index] - from[index]);
      // A weight that became NaN has moved as far as can be.
      maxChange = Number.isNaN(change) ? Infinity : Math.max(maxChange, change);
      sum += change;
    }
    all.push({
      name,
      shape: variable.shape,
      frozen: isFrozen(variable) && !trained.has(name),
      unchanged: Buffer.compare(before, after) === 0,
      sha256: sha256(after),
      maxChange,
      meanChange: numbers.length === 0 ? 0 : sum / numbers.length,
    });
  }
  return all;
}
