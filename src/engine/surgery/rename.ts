// Rename a layer, a variable, or everything in a scope. What is saved, and what a program fetches, has the new names.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { Layer, Model, Node, Variable } from "../graph/model";
import type { EditKind } from "./edit";
import { refuseIllegal } from "./rewire";
import { listNames } from "./select";

export const RenameSchema = z.strictObject({
  from: z
    .string()
    .min(1)
    .describe(
      "A layer or variable by its name, or a scope: the layers, variables and ops within it go along.",
    ),
  to: z.string().min(1).describe("The new name, which nothing has yet."),
});
type Spec = z.infer<typeof RenameSchema>;

type Renaming = (name: string) => string;

const renaming =
  ({ from, to }: Spec): Renaming =>
  (name) =>
    name === from || name.startsWith(`${from}/`) ? to + name.slice(from.length) : name;

/** Everything that has a name, and must not have one twice. */
const allNames = (model: Model): string[] => [
  ...new Set([
    ...model.layers.map(({ name }) => name),
    ...model.nodes.keys(),
    ...model.variables.keys(),
    ...model.aliases.keys(),
  ]),
];

function apply(model: Model, spec: Spec): Model {
  refuseIllegal(spec.to);
  const renamed = renaming(spec);
  const names = allNames(model);
  const going = names.filter((name) => renamed(name) !== name);
  if (going.length === 0) throw unknown(model, spec);
  const staying = new Set(names.filter((name) => renamed(name) === name));
  const taken = going.map(renamed).find((name) => staying.has(name));
  if (taken !== undefined)
    throw new GraftError(
      "invalid-edit",
      `${spec.from} cannot become ${spec.to}: the network has ${taken} already. Choose another name.`,
    );
  return {
    ...model,
    nodes: keyed([...model.nodes.values()].map((node) => renamedNode(node, renamed))),
    variables: keyed([...model.variables.values()].map((each) => renamedVariable(each, renamed))),
    layers: model.layers.map((layer) => renamedLayer(layer, renamed)),
    roles: renamedRoles(model.roles, renamed),
    shapes: new Map([...model.shapes].map(([name, shape]) => [renamed(name), shape])),
    aliases: new Map([...model.aliases].map(([name, node]) => [renamed(name), renamed(node)])),
  };
}

function unknown(model: Model, { from, to }: Spec): GraftError {
  return from === to
    ? new GraftError("invalid-edit", `${from} has this name already.`)
    : new GraftError(
        "unknown-layer",
        `There is no layer, variable or scope ${from}. The layers are ${listNames(model.layers.map(({ name }) => name))}.`,
      );
}

const keyed = <T extends { readonly name: string }>(all: readonly T[]): Map<string, T> =>
  new Map(all.map((each) => [each.name, each]));

function renamedNode(node: Node, renamed: Renaming): Node {
  const inputs = node.inputs.map((input) =>
    "node" in input ? { node: renamed(input.node) } : { variable: renamed(input.variable) },
  );
  const moved = { ...node, name: renamed(node.name), inputs };
  if (moved.op !== "Dropout") return moved;
  const { attributes } = moved;
  if ("rateFrom" in attributes)
    return { ...moved, attributes: { rateFrom: renamed(attributes.rateFrom) } };
  if (!("keepProbabilityFrom" in attributes)) return moved;
  const keepProbabilityFrom = renamed(attributes.keepProbabilityFrom);
  return { ...moved, attributes: { keepProbabilityFrom } };
}

function renamedVariable(variable: Variable, renamed: Renaming): Variable {
  const { origin: before, ...rest } = variable;
  const name = renamed(variable.name);
  const origin = before ?? variable.name;
  return {
    ...rest,
    name,
    ...(variable.of !== undefined && { of: renamed(variable.of) }),
    ...(origin !== name && { origin }),
  };
}

const renamedLayer = (layer: Layer, renamed: Renaming): Layer => ({
  ...layer,
  name: renamed(layer.name),
  nodes: layer.nodes.map(renamed),
  variables: layer.variables.map(renamed),
  ...(layer.output !== undefined && { output: renamed(layer.output) }),
});

function renamedRoles(roles: Model["roles"], renamed: Renaming): Model["roles"] {
  const { inputs, output, labels, loss, ambiguous } = roles;
  return {
    ...roles,
    inputs: inputs.map(renamed),
    ...(output !== undefined && { output: renamed(output) }),
    ...(labels !== undefined && { labels: renamed(labels) }),
    ...(loss !== undefined && { loss: renamed(loss) }),
    ...(ambiguous && {
      ambiguous: { ...ambiguous, candidates: ambiguous.candidates.map(renamed) },
    }),
  };
}

/** The layers that go along, by the names that they have then. */
const touches = (model: Model, spec: Spec): string[] => {
  const renamed = renaming(spec);
  return model.layers
    .filter(({ name, variables }) => [name, ...variables].some((each) => renamed(each) !== each))
    .map(({ name }) => renamed(name));
};

export const rename: EditKind<Spec> = {
  effect: () => "same",
  schema: RenameSchema.describe(EDIT_COMMANDS.rename.does),
  apply,
  touches,
  describe: (before, _after, spec) => {
    const renamed = renaming(spec);
    const moved = [...before.variables.keys()].filter(
      (name) => name !== spec.from && renamed(name) !== name,
    );
    return `${spec.from} is called ${spec.to}${moved.length > 0 ? `, with ${listNames(moved)}` : ""}; programs that fetch the old names find nothing.`;
  },
  questions: (model, given) => [
    ...("from" in given
      ? []
      : [
          {
            field: "from",
            ask: "layer" as const,
            prompt: "Layer to rename",
            candidates: model.layers.map(({ name }) => name),
          },
        ]),
    {
      field: "to",
      ask: "text",
      prompt: `New name${"from" in given ? ` of ${String(given["from"])}` : ""}`,
    },
  ],
  // Of a name within a scope that is there already, the way back would take others along.
  inverse: (before, { from, to }) =>
    allNames(before).some((name) => name === to || name.startsWith(`${to}/`))
      ? undefined
      : { rename: { from: to, to: from } },
};
