// Which nodes play which part.
import type { Model, Node, Roles, Shape, Variable } from "../../graph/model";
import { ancestors } from "../../graph/order";

const XENT = new Set(["SparseSoftmaxCrossEntropy", "SoftmaxCrossEntropy", "SigmoidCrossEntropy", "SquaredDifference"]);

export function findRoles({ nodes, losses }: { nodes: ReadonlyMap<string, Node>; variables: ReadonlyMap<string, Variable>; shapes: ReadonlyMap<string, Shape>; losses: readonly string[] }): Roles {
  const model = { nodes } as Pick<Model, "nodes">;
  const unique = [...new Set(losses)];
  const loss = unique.length === 1 ? unique[0] : undefined;
  const above = loss === undefined ? new Set(nodes.keys()) : ancestors(model, [loss]);
  const xent = [...nodes.values()].filter((n) => above.has(n.name) && XENT.has(n.op));
  let output: string | undefined, labels: string | undefined;
  if (xent.length === 1) {
    const [a, b] = xent[0].inputs;
    output = "node" in a ? a.node : undefined;
    const anc = "node" in b ? ancestors(model, [b.node]) : new Set<string>();
    labels = [...anc].find((n) => nodes.get(n)!.op === "Placeholder");
  }
  const needed = output === undefined ? new Set<string>() : ancestors(model, [output]);
  const feeds = new Set([...nodes.values()].flatMap((n) => n.op === "Dropout" ? ["rateFrom" in n.attributes ? n.attributes.rateFrom : "keepProbabilityFrom" in n.attributes ? n.attributes.keepProbabilityFrom : ""] : []));
  const inputs = [...needed].filter((n) => nodes.get(n)!.op === "Placeholder" && !feeds.has(n));
  return { inputs, ...(output && { output }), ...(labels && { labels }), ...(loss && { loss }) };
}
