// TensorFlow 1's while loops. What is no recurrence that Graft knows (rnn/) becomes an opaque node per result.
import type { Shape } from "../../../graph/model";
import * as attributes from "./attributes";
import { make, meaningOf, sameValue, type Lifting, type Loops, type Meaning } from "./lifting";
import type { SourceGraph, SourceNode } from "./source";

export function findLoops(graph: SourceGraph): Loops {
  const frames = new Map<string, readonly string[]>();
  const inside = new Map<string, string>();
  const members = new Map<string, SourceNode[]>();
  for (const node of graph.order) {
    let frame: readonly string[] = [];
    for (const name of [...node.inputs.map((input) => input.node), ...node.controls]) {
      const other = frames.get(name) ?? [];
      if (other.length > frame.length) frame = other;
    }
    if (/^(Ref)?Enter$/.test(node.op))
      frame = [...frame, attributes.text(node, "frame_name") ?? node.name];
    const [loop] = frame;
    if (loop !== undefined) {
      inside.set(node.name, loop);
      const list = members.get(loop) ?? [];
      list.push(node);
      members.set(loop, list);
    }
    frames.set(node.name, /^(Ref)?Exit$/.test(node.op) ? frame.slice(0, -1) : frame);
  }
  return { inside, members };
}

/** A node inside a loop: only a loop's results mean something outside, each an opaque node that reads what comes in. */
export function loopNode(lifting: Lifting, node: SourceNode): Meaning | undefined {
  const { loops } = lifting;
  if (!/^(Ref)?Exit$/.test(node.op)) return undefined;
  const loop = loops.inside.get(node.name)!;
  const members = loops.members.get(loop)!;
  const inputs: Meaning[] = [];
  for (const enter of members) {
    const [tensor] = enter.inputs;
    if (!/^(Ref)?Enter$/.test(enter.op) || tensor === undefined || loops.inside.has(tensor.node))
      continue;
    const meaning = lifting.meanings.has(tensor.node) ? meaningOf(lifting, tensor) : undefined;
    if (meaning === undefined || meaning.kind === "static") continue;
    if (!inputs.some((other) => sameValue(other, meaning))) inputs.push(meaning);
  }
  const shape: Shape = [-1];
  const origin = [
    ...members.map((member) => member.name).filter((name) => name !== node.name),
    node.name,
  ];
  return make(lifting, node, "Opaque", { type: "While" }, inputs, {
    origin,
    shape,
    vague: true,
    batch: null,
  });
}
