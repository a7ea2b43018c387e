// Models made by hand from the variables of a .meta, and the edits that tests need: no importer, no surgery.
import { fromBinary } from "@bufbuild/protobuf";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  isFrozen,
  wholeRegion,
  type Model,
  type Roles,
  type Shape,
  type Variable,
  type VariableRole,
} from "../../../src/engine/graph/model";
import {
  MetaGraphDefSchema,
  VariableDefSchema,
  type MetaGraphDef,
  type NodeDef,
  type VariableDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";

const FIXTURES = join(import.meta.dirname, "../../fixtures");

export function loadMeta(name: string): MetaGraphDef {
  const folder = join(FIXTURES, name);
  const file = readdirSync(folder).find((entry) => entry.endsWith(".meta"))!;
  return fromBinary(MetaGraphDefSchema, new Uint8Array(readFileSync(join(folder, file))));
}

export const nodeNames = (meta: MetaGraphDef): string[] =>
  meta.graphDef!.node.map((node) => node.name);

export const nodeNamed = (meta: MetaGraphDef, name: string): NodeDef => {
  const node = meta.graphDef!.node.find((found) => found.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
};

export function collection(meta: MetaGraphDef, name: string): VariableDef[] {
  const kind = meta.collectionDef[name]?.kind;
  return kind?.case === "bytesList"
    ? kind.value.value.map((bytes) => fromBinary(VariableDefSchema, bytes))
    : [];
}

export const collectionNames = (meta: MetaGraphDef, name: string): string[] =>
  collection(meta, name).map((def) => def.variableName.replace(/:0$/, ""));

export const shapeOf = (node: NodeDef): number[] | undefined => {
  const shape = node.attr["shape"]?.value;
  return shape?.case === "shape" ? shape.value.dim.map((dim) => Number(dim.size)) : undefined;
};

/** The variables of the graph, with the roles that names give away. */
export function modelOf(meta: MetaGraphDef, roles: Partial<Roles> = {}): Model {
  const trainable = new Set(collectionNames(meta, "trainable_variables"));
  const variables = new Map<string, Variable>();
  for (const def of collection(meta, "variables")) {
    const node = def.variableName.replace(/:0$/, "");
    const slice = def.saveSliceInfoDef;
    const name = slice?.fullName ?? node;
    const shape = slice?.fullShape.map(Number) ?? shapeOf(nodeNamed(meta, node)) ?? [];
    variables.set(name, {
      name,
      shape,
      dtype: "float32",
      value: { from: "stored", name },
      role: roleOf(name),
      trainable: trainable.has(node) ? [wholeRegion(shape)] : [],
    });
  }
  return {
    variables,
    nodes: new Map(),
    layers: [],
    shapes: new Map(),
    aliases: new Map(),
    roles: { inputs: [], ...roles },
  };
}

function roleOf(name: string): VariableRole {
  if (/\/(Adam|Momentum|RMSProp)(_\d+)?$/.test(name)) return "slot";
  if (name.endsWith("/ExponentialMovingAverage")) return "average";
  if (/\/moving_(mean|variance)$/.test(name)) return "statistic";
  return /^(global_step|beta\d_power)/.test(name) ? "counter" : "weight";
}

const withVariables = (model: Model, change: (variable: Variable) => Variable): Model => ({
  ...model,
  variables: new Map(
    [...model.variables.values()].map((variable) => [variable.name, change(variable)]),
  ),
});

export const freeze = (model: Model, names: RegExp): Model =>
  withVariables(model, (variable) =>
    names.test(variable.name) ? { ...variable, trainable: [] } : variable,
  );

export const unfreeze = (model: Model, names: RegExp): Model =>
  withVariables(model, (variable) =>
    names.test(variable.name)
      ? { ...variable, trainable: [wholeRegion(variable.shape)] }
      : variable,
  );

/** Other shapes by name; averages and slots of a variable follow it. */
export const resize = (model: Model, shapes: Readonly<Record<string, Shape>>): Model =>
  withVariables(model, (variable) => {
    const owner = variable.name.slice(0, variable.name.lastIndexOf("/"));
    const follows = variable.role === "slot" || variable.role === "average";
    const shape = shapes[variable.name] ?? (follows ? shapes[owner] : undefined);
    if (shape === undefined) return variable;
    return { ...variable, shape, trainable: isFrozen(variable) ? [] : [wholeRegion(shape)] };
  });
