// What surgery changed, as far as a TensorFlow graph has to know.
import { isFrozen, type Model, type Node, type Shape } from "../../../graph/model";
import { sameShape } from "./tensors";

export interface Differences {
  /** New shapes, by name. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Variables that `after` has no longer. */
  readonly dropped: ReadonlySet<string>;
  /** Variables that became trainable (true) or frozen (false). */
  readonly trainable: ReadonlyMap<string, boolean>;
  /** Nodes that are in both, with another attribute or another static shape. */
  readonly nodes: readonly NodeDifference[];
}

export interface NodeDifference {
  readonly before: Node;
  readonly after: Node;
  readonly shape?: Shape;
}

export function differences(before: Model, after: Model): Differences {
  const shapes = new Map<string, Shape>();
  const trainable = new Map<string, boolean>();
  const dropped = new Set<string>();
  for (const old of before.variables.values()) {
    const now = after.variables.get(old.name);
    if (now === undefined) {
      dropped.add(old.name);
      continue;
    }
    if (!sameShape(old.shape, now.shape)) shapes.set(old.name, now.shape);
    if (isFrozen(old) !== isFrozen(now)) trainable.set(old.name, !isFrozen(now));
  }
  return { shapes, dropped, trainable, nodes: nodeDifferences(before, after) };
}

export const isUnchanged = (found: Differences): boolean =>
  found.shapes.size + found.dropped.size + found.trainable.size + found.nodes.length === 0;

/** Optimizer state and gradients no longer fit: what is trained, or its size, is another. */
export const changesTraining = (found: Differences): boolean =>
  found.shapes.size + found.dropped.size + found.trainable.size > 0;

function nodeDifferences(before: Model, after: Model): NodeDifference[] {
  return [...before.nodes.values()].flatMap((node) => {
    const now = after.nodes.get(node.name);
    if (now === undefined) return [];
    const shape = after.shapes.get(node.name);
    const moved = shape !== undefined && !sameShape(before.shapes.get(node.name), shape);
    const same = JSON.stringify(node.attributes) === JSON.stringify(now.attributes);
    if (same && !moved) return [];
    return [{ before: node, after: now, ...(moved ? { shape } : {}) }];
  });
}
