// Structural edits of imported models, made by hand: what a test needs to save them, whichever surgery there is.
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  MetaGraphDefSchema,
  type MetaGraphDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import type { OpAttributes, OpName } from "../../../src/engine/graph/catalogue";
import {
  wholeRegion,
  type Initializer,
  type Model,
  type Node,
  type Shape,
  type Variable,
  type VariableRole,
} from "../../../src/engine/graph/model";
import { consumers } from "../../../src/engine/graph/order";
import { reinfer } from "../../../src/engine/graph/reinfer";
import { changed, pruned, reading } from "../../../src/engine/surgery/rewire";
import { node, PRODUCT } from "../handmade";

export const FIXTURES = join(import.meta.dirname, "../../fixtures");

export function variable(
  name: string,
  shape: Shape,
  initializer: Initializer,
  role: VariableRole = "weight",
): Variable {
  const fan = { fanIn: shape.at(-2) ?? 1, fanOut: shape.at(-1) ?? 1 };
  return {
    name,
    shape,
    dtype: "float32",
    value: { from: "initializer", initializer, shape, ...fan, key: name },
    role,
    trainable: role === "weight" ? [wholeRegion(shape)] : [],
  };
}

export interface Parts {
  readonly nodes: readonly Node[];
  readonly variables?: readonly Variable[];
  /** Shapes of new placeholders. */
  readonly fed?: Readonly<Record<string, Shape>>;
}

export const plus = (model: Model, { nodes, variables = [], fed = {} }: Parts): Model =>
  reinfer(
    changed(
      { ...model, shapes: new Map([...model.shapes, ...Object.entries(fed)]) },
      { nodes, variables },
    ),
  );

/** `parts` between `from` and what reads it: the last of its nodes is read in its place. */
export function between(model: Model, from: string, parts: Parts): Model {
  const last = parts.nodes.at(-1)!.name;
  const readers = [...model.nodes.values()].map((each) => reading(each, from, { node: last }));
  const grown = plus(model, { ...parts, nodes: [...readers, ...parts.nodes] });
  const { output } = model.roles;
  return { ...grown, roles: { ...model.roles, ...(output === from && { output: last }) } };
}

/** What read `name` reads `to` instead; the nodes that only led there go, and their variables. */
export function without(model: Model, name: string, to: string): Model {
  const readers = [...model.nodes.values()].map((each) => reading(each, name, { node: to }));
  const { output } = model.roles;
  const roles = { ...model.roles, ...(output === name && { output: to }) };
  return reinfer(pruned({ ...changed(model, { nodes: readers }), roles }, [name]));
}

/** Another op, other attributes or other inputs under the same name. */
export function altered<Op extends OpName>(
  model: Model,
  name: string,
  op: Op,
  attributes: OpAttributes[Op],
): Model {
  const before = model.nodes.get(name)!;
  return reinfer(changed(model, { nodes: [{ ...before, op, attributes } as unknown as Node] }));
}

export const denseLayer = (name: string, from: string, inputs: number, units: number): Parts => ({
  nodes: [
    node(`${name}/MatMul`, "MatMul", [from, `[${name}/weights]`], PRODUCT),
    node(`${name}/BiasAdd`, "BiasAdd", [`${name}/MatMul`, `[${name}/biases]`], {
      dataFormat: "NHWC",
    }),
  ],
  variables: [
    variable(`${name}/weights`, [inputs, units], "glorotUniform"),
    variable(`${name}/biases`, [units], "zeros"),
  ],
});

export function batchNorm(name: string, from: string, size: number, unbiased: boolean): Parts {
  const [gamma, beta, mean, variance] = [
    variable(`${name}/gamma`, [size], "ones"),
    variable(`${name}/beta`, [size], "zeros"),
    variable(`${name}/moving_mean`, [size], "zeros", "statistic"),
    variable(`${name}/moving_variance`, [size], "ones", "statistic"),
  ];
  const variables = [gamma, beta, mean, variance];
  const attributes = { epsilon: 0.001, momentum: 0.9, unbiased, dataFormat: "NHWC" as const };
  const inputs = [from, ...variables.map((each) => `[${each.name}]`)];
  return { nodes: [node(`${name}/norm`, "BatchNorm", inputs, attributes)], variables };
}

/** Another name for a scope of nodes and variables. */
export const renamed = (model: Model, from: string, to: string): Model =>
  withNames(model, (name) =>
    name === from || name.startsWith(`${from}/`) ? to + name.slice(from.length) : name,
  );

/** Everything in a scope of its own. */
export const movedTo = (model: Model, scope: string): Model =>
  withNames(model, (name) => `${scope}/${name}`);

function withNames(model: Model, now: (name: string) => string): Model {
  const nodes = [...model.nodes.values()].map(
    (each) =>
      ({
        ...each,
        name: now(each.name),
        attributes: ratesNow(each, now),
        inputs: each.inputs.map((input) =>
          "node" in input ? { node: now(input.node) } : { variable: now(input.variable) },
        ),
      }) as Node,
  );
  const variables = [...model.variables.values()].map((each) => ({
    ...each,
    name: now(each.name),
    ...(each.of !== undefined && { of: now(each.of) }),
    ...(now(each.name) !== each.name && { origin: each.origin ?? each.name }),
  }));
  const { inputs, output, labels, loss } = model.roles;
  return {
    ...model,
    nodes: new Map(nodes.map((each) => [each.name, each])),
    variables: new Map(variables.map((each) => [each.name, each])),
    shapes: new Map([...model.shapes].map(([name, shape]) => [now(name), shape])),
    layers: model.layers.map((layer) => ({
      ...layer,
      name: now(layer.name),
      nodes: layer.nodes.map(now),
      variables: layer.variables.map(now),
      ...(layer.output !== undefined && { output: now(layer.output) }),
    })),
    roles: {
      ...model.roles,
      inputs: inputs.map(now),
      ...(model.roles.ambiguous && {
        ambiguous: {
          ...model.roles.ambiguous,
          candidates: model.roles.ambiguous.candidates.map(now),
        },
      }),
      ...(output !== undefined && { output: now(output) }),
      ...(labels !== undefined && { labels: now(labels) }),
      ...(loss !== undefined && { loss: now(loss) }),
    },
  };
}

function ratesNow({ op, attributes }: Node, now: (name: string) => string): object {
  if (op !== "Dropout") return attributes;
  if ("rateFrom" in attributes) return { rateFrom: now(attributes.rateFrom) };
  return "keepProbabilityFrom" in attributes
    ? { keepProbabilityFrom: now(attributes.keepProbabilityFrom) }
    : attributes;
}

/** A part of an op, "norm:gamma", is an op of its own once it was written. */
const opName = (name: string): string => name.replace(/:([a-z])/, "/$1");

/** The node behind identities, which the importer reads as other names of their input. */
function named(model: Model, name: string): string {
  const { op, inputs } = model.nodes.get(name)!;
  const [input] = inputs;
  return op === "Identity" && "node" in input ? named(model, input.node) : opName(name);
}

/**
 * What a model computes, without where it comes from: for comparing it with what is read back. A placeholder that
 * nothing reads any more is no part of that.
 */
export const computed = (model: Model) => {
  const rates = [...model.nodes.values()].flatMap(({ op, attributes }) =>
    op === "Dropout" ? Object.values(attributes) : [],
  );
  const isRead = (name: string): boolean =>
    rates.includes(name) || consumers(model).get(name)!.length > 0;
  return Object.fromEntries(
    [...model.nodes.values()]
      .filter(({ op, name }) => op !== "Identity" && (op !== "Placeholder" || isRead(name)))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, op, attributes, inputs }) => [
        opName(name),
        {
          op,
          attributes,
          inputs: inputs.map((input) =>
            "node" in input ? { node: named(model, input.node) } : input,
          ),
          shape: model.shapes.get(name),
        },
      ]),
  );
};

/** A graph as it comes back from a file: numbers have lost what float32 has no room for. */
export const written = (meta: MetaGraphDef): MetaGraphDef =>
  fromBinary(MetaGraphDefSchema, toBinary(MetaGraphDefSchema, meta));

export const variablesOf = (model: Model) =>
  Object.fromEntries(
    [...model.variables.values()]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, shape, role, trainable }) => [
        name,
        { shape, role, trains: trainable.length > 0 },
      ]),
  );
