// The new configuration, read again: it must be the network that was meant.
import { elements, isFrozen, refName, type Model, type Shape } from "../../../graph/model";
import { ancestors, usedVariables } from "../../../graph/order";
import { layersOf, parseConfiguration, type Configuration } from "../configuration";
import { importNetwork } from "../import";
import { layOut } from "../parameters";
import type { Document } from "./document";
import { notSaid } from "./groups";
import type { Written } from "./layer";
import { Subgraphs, type Naming } from "./same";

export type WrittenVariables = ReadonlyMap<string, Omit<Written, "key">>;

/** Throws `invalid-edit` naming what came out otherwise; tells whether the loss is the one that was meant. */
export function check(
  source: Configuration,
  text: string,
  { parts }: Document,
  variables: WrittenVariables,
  after: Model,
): { readonly isSameLoss: boolean } {
  const configuration = parseConfiguration("the new configuration", text);
  const shapes = new Map([...variables].map(([name, each]) => [name, shapeOf(after, each)]));
  const total = [...shapes.values()].reduce((sum, shape) => sum + elements(shape), 0);
  const stored = layOut(layersOf(configuration), total);
  for (const { variable, shape, layer } of stored)
    if (shapes.get(variable)?.join() !== shape.join())
      throw notSaid(
        parts.get(layer)?.name ?? layer,
        `${variable} would be [${shape.join(", ")}], and is [${shapes.get(variable)?.join(", ") ?? ""}]`,
      );
  const written = importNetwork(configuration, stored, "float32");
  const subgraphs = new Subgraphs();
  const found = subgraphs.of(written, {
    variable: (name) => {
      const { variable, ...order } = variables.get(name)!;
      return { name: variable, ...order };
    },
    placeholder: placeholders(written, configuration),
  });
  const meant = subgraphs.of(after, {
    variable: (name) => ({ name }),
    placeholder: placeholders(after, source),
  });
  for (const [vertex, part] of parts) {
    // A new output layer gets the activation function that its loss takes.
    const isOutput = part.output === after.roles.output && written.roles.output !== undefined;
    const output = isOutput ? written.roles.output! : (written.aliases.get(vertex) ?? vertex);
    if (found(output) !== meant(part.output))
      throw notSaid(part.name, `${describe(after, part.output)} has no words there`);
  }
  const hasOwnL2 = (name: string) => (after.variables.get(name)!.hyper?.l2 ?? 0) > 0;
  const terms = [
    lossTerms(written, found, (name) => hasOwnL2(variables.get(name)!.variable)),
    lossTerms(after, meant, hasOwnL2),
  ];
  return { isSameLoss: after.roles.loss === undefined || terms[0].join() === terms[1].join() };
}

/** What the loss is the sum of, but for penalties on what is frozen, and L2 on what edits have given more of it. */
function lossTerms(
  model: Model,
  numberOf: (node: string) => number,
  hasOwnL2: (variable: string) => boolean,
): readonly number[] {
  const { loss } = model.roles;
  const node = loss === undefined ? undefined : model.nodes.get(loss);
  if (node === undefined) return [];
  const terms = node.op === "Add" ? node.inputs : [{ node: node.name }];
  return terms
    .flatMap((term) => ("node" in term && !isConstant(model, term.node) ? [term.node] : []))
    .filter((name) => !penalizedBy(model, name).some(hasOwnL2))
    .map(numberOf)
    .toSorted((a, b) => a - b);
}

/** The variable whose L2 a term is. */
function penalizedBy({ nodes }: Model, name: string): readonly string[] {
  const [factor] = nodes.get(name)!.inputs;
  const squares = factor !== undefined && "node" in factor ? nodes.get(factor.node)! : undefined;
  return squares?.op === "L2Loss" ? squares.inputs.map(refName) : [];
}

/** Whether nothing that is fed or trained has a part in a node. */
function isConstant(model: Model, name: string): boolean {
  const needed = ancestors(model, [name]);
  const isFed = [...needed].some((each) => model.nodes.get(each)!.op === "Placeholder");
  return !isFed && usedVariables(model, needed).every(isFrozen);
}

function shapeOf(model: Model, { variable, permutation }: Omit<Written, "key">): Shape {
  const { shape } = model.variables.get(variable)!;
  return permutation?.map((axis) => shape[axis]) ?? shape;
}

const describe = ({ nodes }: Model, name: string): string => `${name} (${nodes.get(name)!.op})`;

/** Inputs by their names in the configuration, labels and masks by what they are. */
const placeholders =
  ({ nodes, roles }: Model, { inputs }: Configuration): Naming["placeholder"] =>
  (name) => {
    const node = nodes.get(name)!;
    if (name === roles.labels) return "labels";
    const [from] = node.origin;
    if (node.op !== "Placeholder" || !inputs.includes(from)) return `other ${name}`;
    return node.attributes.value === undefined ? from : `mask of ${from}`;
  };
