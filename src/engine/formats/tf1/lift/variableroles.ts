// What each variable is for: weights, statistics, optimizer slots, counters, averages.
import { wholeRegion, type Node, type Variable, type VariableRole } from "../../../graph/model";
import { isTrainableType } from "../../../graph/dtypes";
import type { StoredTensor } from "../../format";
import { inputNode, type SourceGraph, type SourceNode } from "./source";
import { variableBehind, type SourceVariable } from "./variables";

export interface VariableSources {
  /** Without a graph, names are all there is to go by. */
  readonly graph?: SourceGraph;
  /** The graph's variables, by op. */
  readonly declared?: ReadonlyMap<string, SourceVariable>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Nodes of the network. */
  readonly nodes: readonly Node[];
}

interface Role {
  readonly role: VariableRole;
  readonly of?: string;
}

const UNUSED: Role = { role: "unused" };

/** An integer among the trainable variables is a counter that its program forgot to take out. */
const isTrained = (variable: SourceVariable): boolean =>
  variable.trainable === true && isTrainableType(variable.dtype);

/** Every variable that the network uses or the checkpoint stores, by name. */
export function variablesOf(sources: VariableSources): Map<string, Variable> {
  const { graph, declared, tensors, nodes } = sources;
  const used = usedNames(nodes);
  const statistics = statisticNames(nodes);
  const told = graph === undefined ? new Map<string, Role>() : updateRoles(graph, declared!);
  const byName = new Map([...(declared?.values() ?? [])].map((each) => [each.name, each]));
  const variables = new Map<string, Variable>();
  const stored = new Set<string>();
  for (const each of byName.values()) {
    stored.add(each.stored);
    if (!tensors.has(each.stored) && !used.has(each.name)) continue;
    const found =
      (statistics.has(each.name) ? { role: "statistic" as const } : undefined) ??
      told.get(each.name) ??
      // Whatever its name: what the network reads or training changes is a weight.
      (used.has(each.name) || isTrained(each) ? { role: "weight" as const } : undefined) ??
      roleByName(each.name, byName) ??
      UNUSED;
    variables.set(each.name, variable(each, each.stored, found, each.trainable ?? true));
  }
  for (const tensor of tensors.values()) {
    if (stored.has(tensor.name)) continue;
    const found = roleByName(tensor.name, tensors);
    const role: Role = found ?? { role: declared === undefined ? "weight" : "unused" };
    variables.set(tensor.name, variable(tensor, tensor.name, role, true));
  }
  return variables;
}

function variable(
  { name, dtype, shape }: Pick<Variable, "name" | "dtype" | "shape">,
  stored: string,
  { role, of }: Role,
  mayTrain: boolean,
): Variable {
  const trains = role === "weight" && mayTrain && isTrainableType(dtype);
  return {
    name,
    dtype,
    shape,
    value: { from: "stored", name: stored },
    role,
    ...(of !== undefined && { of }),
    trainable: trains ? [wholeRegion(shape)] : [],
  };
}

const usedNames = (nodes: readonly Node[]): Set<string> =>
  new Set(
    nodes.flatMap((node) =>
      node.inputs.flatMap((input) => ("variable" in input ? [input.variable] : [])),
    ),
  );

/** Moving means and variances that a batch norm reads. */
const statisticNames = (nodes: readonly Node[]): Set<string> =>
  usedNames(
    nodes.flatMap((node) =>
      node.op === "BatchNorm" ? [{ ...node, inputs: node.inputs.slice(3) }] : [],
    ),
  );

interface Update {
  readonly slots: readonly number[];
  readonly counters?: readonly number[];
}

/** Where the update ops take their state: inputs that are slots, and inputs that are counters. Input 0 is the variable. */
const UPDATES: ReadonlyMap<string, Update> = new Map<string, Update>(
  Object.entries({
    ApplyAdadelta: { slots: [1, 2] },
    ApplyAdagrad: { slots: [1] },
    ApplyAdagradV2: { slots: [1] },
    ApplyAdagradDA: { slots: [1, 2] },
    ApplyAdam: { slots: [1, 2], counters: [3, 4] },
    ApplyAdaMax: { slots: [1, 2], counters: [3] },
    ApplyAddSign: { slots: [1] },
    ApplyCenteredRMSProp: { slots: [1, 2, 3] },
    ApplyFtrl: { slots: [1, 2] },
    ApplyFtrlV2: { slots: [1, 2] },
    ApplyKerasMomentum: { slots: [1] },
    ApplyMomentum: { slots: [1] },
    ApplyPowerSign: { slots: [1] },
    ApplyProximalAdagrad: { slots: [1] },
    ApplyRMSProp: { slots: [1, 2] },
  }),
);

/** The roles that the ops which change variables give them, by variable. */
function updateRoles(
  graph: SourceGraph,
  declared: ReadonlyMap<string, SourceVariable>,
): Map<string, Role> {
  const roles = new Map<string, Role>();
  const variableAt = (node: SourceNode | undefined, index: number): SourceVariable | undefined => {
    const op = node && variableBehind(graph, inputNode(graph, node, index));
    return op === undefined ? undefined : declared.get(op);
  };
  for (const node of graph.nodes.values()) {
    const update = UPDATES.get(node.op.replace(/^(Resource)?(Sparse)?/, ""));
    const target = variableAt(node, 0);
    const of = target?.name;
    for (const index of update?.slots ?? []) {
      const slot = variableAt(node, index)?.name;
      if (slot !== undefined && of !== undefined) roles.set(slot, { role: "slot", of });
    }
    for (const index of update?.counters ?? []) {
      const counter = variableAt(node, index)?.name;
      if (counter !== undefined) roles.set(counter, { role: "counter" });
    }
    if (of === undefined || target === undefined || roles.has(of) || isTrained(target)) continue;
    const averaged = averageOf(graph, node, variableAt);
    if (averaged !== undefined && averaged !== of) roles.set(of, { role: "average", of: averaged });
    // step += 1
    if (/^AssignAdd/.test(node.op) && target.shape.length === 0) roles.set(of, { role: "counter" });
  }
  return roles;
}

/** average −= (average − variable) · (1 − decay): the variable. */
function averageOf(
  graph: SourceGraph,
  node: SourceNode,
  variableAt: (node: SourceNode | undefined, index: number) => SourceVariable | undefined,
): string | undefined {
  if (!/^AssignSub/.test(node.op)) return undefined;
  const product = inputNode(graph, node, 1);
  const difference = product?.op === "Mul" ? inputNode(graph, product, 0) : undefined;
  const isOwn = variableAt(difference, 0)?.name === variableAt(node, 0)?.name;
  return difference?.op === "Sub" && isOwn ? variableAt(difference, 1)?.name : undefined;
}

/** As TensorFlow's optimizers name their slots; the sparse update of Adam, for one, is no op that lists them. */
const SLOT = /^(.+)\/(Adam(_1)?|Momentum|RMSProp(_[12])?|Adagrad|Adadelta(_1)?|Ftrl(_1)?)$/;
const AVERAGE = /^(.+)\/ExponentialMovingAverage$/;
const STATISTIC = /(^|\/)moving_(mean|variance)$/;
const COUNTER = /(^|\/)(global_step|beta[12]_power)(_\d+)?$/;

function roleByName(name: string, names: ReadonlyMap<string, unknown>): Role | undefined {
  const slot = SLOT.exec(name)?.[1];
  if (slot !== undefined && names.has(slot)) return { role: "slot", of: slot };
  const average = AVERAGE.exec(name)?.[1];
  if (average !== undefined && names.has(average)) return { role: "average", of: average };
  if (STATISTIC.test(name)) return { role: "statistic" };
  return COUNTER.test(name) ? { role: "counter" } : undefined;
}
