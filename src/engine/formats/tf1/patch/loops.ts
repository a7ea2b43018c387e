// Nodes that one while loop computes together: none of them can be written anew without the others.
import type { Model } from "../../../graph/model";
import type { Rewired } from "./differences";
import type { PatchedGraph } from "./graph";

export interface Loop {
  /** What its steps compute. */
  readonly inside: readonly string[];
  /** With the last steps that are read off it. */
  readonly nodes: readonly string[];
  /** The ops by which values come in. */
  readonly enters: readonly string[];
}

/** The loops that nodes of the source's model were lifted from. */
export function loopsOf(graph: PatchedGraph, model: Model): readonly Loop[] {
  const loops = new Map<string, { inside: string[]; nodes: string[]; enters: string[] }>();
  for (const { name, op, origin } of model.nodes.values()) {
    const condition = origin.find((each) => graph.nodes.get(each)?.op === "LoopCond");
    if (condition === undefined || op === "Opaque") continue;
    const enters = origin.filter((each) => graph.nodes.get(each)?.op === "Enter");
    const loop = loops.get(condition) ?? { inside: [], nodes: [], enters };
    loops.set(condition, loop);
    loop.nodes.push(name);
    if (op !== "LastStep") loop.inside.push(name);
  }
  return [...loops.values()];
}

/** Whether the nodes of a loop that read a value do not all read the same one instead: the loop takes it in once. */
export function isReadApart(loop: Loop, model: Model, rewired: readonly Rewired[]): boolean {
  const own = rewired.filter(({ before }) => loop.inside.includes(before.name));
  return own.some(({ inputs }) =>
    inputs.some(({ from, to }) =>
      loop.inside.some((name) => {
        const reads = model.nodes.get(name)!.inputs.some((input) => isSame(input, from));
        const follows = own.some(
          (other) =>
            other.before.name === name &&
            other.inputs.some((each) => isSame(each.from, from) && isSame(each.to, to)),
        );
        return reads && !follows;
      }),
    ),
  );
}

const isSame = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
