// The order in which a ComputationGraph runs its vertices, and in which the flat vector has their parameters. Later
// versions write it down; for earlier ones it is computed as DL4J does (Kahn's algorithm over Java's hash maps).
import { damaged } from "./json";

interface Edges {
  readonly name: string;
  readonly inputs: readonly string[];
}

/** Names of `vertices` in order. `written`: the order in the document, inputs included; empty where it has none. */
export function sorted(
  file: string,
  inputs: readonly string[],
  vertices: readonly Edges[],
  written: readonly string[],
): readonly string[] {
  const order = written.length > 0 ? written : kahn(inputs, vertices);
  const byName = new Map(vertices.map((vertex) => [vertex.name, vertex]));
  const done = new Set(inputs);
  const names = order.filter((name) => byName.has(name));
  for (const name of names) {
    if (done.has(name) || !byName.get(name)!.inputs.every((each) => done.has(each)))
      throw damaged(file, `its order of vertices is wrong at "${name}"`);
    done.add(name);
  }
  if (names.length !== vertices.length) throw damaged(file, "its vertices feed each other");
  return names;
}

function kahn(inputs: readonly string[], vertices: readonly Edges[]): string[] {
  const names = [...inputs, ...vertices.map(({ name }) => name)];
  const indices = new Map(names.map((name, index) => [name, index]));
  const waiting = new Map<number, Set<number>>();
  const readers = new Map<number, number[]>();
  for (const { name, inputs: from } of vertices) {
    const own = indices.get(name)!;
    waiting.set(own, new Set(from.map((each) => indices.get(each)!)));
    for (const each of waiting.get(own)!) readers.set(each, [...(readers.get(each) ?? []), own]);
  }
  const all = javaOrder(names.map((_, index) => index));
  const ready = all.filter((index) => (waiting.get(index)?.size ?? 0) === 0);
  for (const next of ready)
    for (const reader of javaOrder(readers.get(next) ?? [])) {
      const left = waiting.get(reader)!;
      left.delete(next);
      if (left.size === 0) ready.push(reader);
    }
  return ready.map((index) => names[index]);
}

/** The order in which a HashSet<Integer> yields small numbers that were added in the order of `numbers`. */
function javaOrder(numbers: readonly number[]): number[] {
  let buckets = 16;
  while (numbers.length > 0.75 * buckets) buckets *= 2;
  return numbers.toSorted((a, b) => (a % buckets) - (b % buckets));
}
