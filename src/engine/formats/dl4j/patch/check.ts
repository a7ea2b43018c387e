// The new configuration, read again: it must be the network that was meant.
import { elements, type Model, type Shape } from "../../../graph/model";
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
  const [is, was] = [written.roles.loss, after.roles.loss];
  return { isSameLoss: was === undefined || (is !== undefined && found(is) === meant(was)) };
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
    const isInput = node.op === "Placeholder" && node.attributes.value === undefined;
    return isInput && inputs.includes(node.origin[0]) ? node.origin[0] : `other ${name}`;
  };
