// Passes over a network on its way into Deeplearning4j's form.
import type { Model, Node, Ref } from "../../../graph/model";
import { ancestors } from "../../../graph/order";
import { reinfer } from "../../../graph/reinfer";

/**
 * What a node becomes: other nodes, the last of which has its name, or the name of one that stands for it; undefined: it
 * stays. `node` reads what its inputs became, `was` what they were.
 */
export type Rule = (node: Node, was: Node) => readonly Node[] | string | undefined;

/** `model` with every node as `rule` has it, without those that its output needs no more. */
export function rewritten(model: Model, rule: Rule): Model {
  const nodes = new Map<string, Node>();
  const stands = new Map<string, string>();
  const now = (name: string): string => stands.get(name) ?? name;
  for (const was of model.nodes.values()) {
    const inputs = was.inputs.map((ref): Ref => ("node" in ref ? { node: now(ref.node) } : ref));
    const node = { ...was, inputs } as Node;
    const made = rule(node, was);
    if (typeof made === "string") stands.set(was.name, made);
    else for (const each of made ?? [node]) nodes.set(each.name, each);
  }
  return reinfer(needed({ ...model, nodes, roles: withOutput(now(model.roles.output!)) }));
}

const withOutput = (output: string) => ({ inputs: [], output });

/** Nodes that the output needs, and masks: no sequence is fed without. */
export function needed(model: Model): Model {
  const names = ancestors(model, [model.roles.output!]);
  const nodes = [...model.nodes].filter(([name, node]) => names.has(name) || isMask(node));
  return { ...model, nodes: new Map(nodes) };
}

/** Which steps of a sequence are there: a placeholder of ones, which comes from the input that it is of. */
export const isMask = (node: Node | undefined): boolean =>
  node?.op === "Placeholder" && node.attributes.value !== undefined && node.origin.length > 0;
