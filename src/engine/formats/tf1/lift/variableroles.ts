// What each variable is for: weights, statistics, optimizer slots, counters, averages.
import { wholeRegion, type Node, type Variable, type VariableRole } from "../../../graph/model";
import { isTrainableType } from "../../../graph/dtypes";
import type { StoredTensor } from "../../format";
import type { SourceGraph } from "./source";
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

/** Every variable that the network uses or the checkpoint stores, by name. */
export function variablesOf(sources: VariableSources): Map<string, Variable> {
  const { graph, declared, tensors, nodes } = sources;
  const used = usedNames(nodes);
  const statistics = statisticNames(nodes);
  const optimizer = graph === undefined ? undefined : optimizerRoles(graph, declared!);
  const byName = new Map([...(declared?.values() ?? [])].map((each) => [each.name, each]));
  const variables = new Map<string, Variable>();
  const stored = new Set<string>();
  for (const each of byName.values()) {
    stored.add(each.stored);
    if (!tensors.has(each.stored) && !used.has(each.name)) continue;
    const found =
      optimizer?.get(each.name) ??
      (statistics.has(each.name) ? { role: "statistic" as const } : undefined) ??
      (used.has(each.name) ? { role: "weight" as const } : undefined) ??
      roleByName(each.name, byName, optimizer !== undefined && optimizer.size > 0) ??
      (each.trainable === true ? { role: "weight" as const } : { role: "unused" as const });
    variables.set(each.name, variable(each, each.stored, found, each.trainable ?? true));
  }
  for (const tensor of tensors.values()) {
    if (stored.has(tensor.name)) continue;
    const found = roleByName(tensor.name, tensors, false);
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

/** Where the update ops take their state: inputs that are slots, and inputs that are counters. Input 0 is the variable. */
const UPDATES: Readonly<
  Record<string, { readonly slots: readonly number[]; readonly counters?: readonly number[] }>
> = {
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
};

/** The roles that optimizer ops give, by variable. Empty where the graph has none. */
function optimizerRoles(
  graph: SourceGraph,
  declared: ReadonlyMap<string, SourceVariable>,
): Map<string, Role> {
  const roles = new Map<string, Role>();
  for (const node of graph.nodes.values()) {
    const update = UPDATES[node.op.replace(/^(Resource)?(Sparse)?/, "")];
    if (update === undefined) continue;
    const at = (index: number): string | undefined => {
      const op = variableBehind(graph, graph.nodes.get(node.inputs[index]?.node ?? ""));
      return op === undefined ? undefined : declared.get(op)?.name;
    };
    const of = at(0);
    for (const index of update.slots) {
      const slot = at(index);
      if (slot !== undefined && of !== undefined) roles.set(slot, { role: "slot", of });
    }
    for (const index of update.counters ?? []) {
      const counter = at(index);
      if (counter !== undefined) roles.set(counter, { role: "counter" });
    }
  }
  return roles;
}

/** As TensorFlow's optimizers name their slots. */
const SLOT = /^(.+)\/(Adam(_1)?|Momentum|RMSProp(_[12])?|Adagrad|Adadelta(_1)?|Ftrl(_1)?)$/;
const AVERAGE = /^(.+)\/ExponentialMovingAverage$/;
const STATISTIC = /(^|\/)moving_(mean|variance)$/;
const COUNTER = /(^|\/)(global_step|beta[12]_power)(_\d+)?$/;

function roleByName(
  name: string,
  names: ReadonlyMap<string, unknown>,
  slotsAreKnown: boolean,
): Role | undefined {
  const slot = slotsAreKnown ? undefined : SLOT.exec(name)?.[1];
  if (slot !== undefined && names.has(slot)) return { role: "slot", of: slot };
  const average = AVERAGE.exec(name)?.[1];
  if (average !== undefined && names.has(average)) return { role: "average", of: average };
  if (STATISTIC.test(name)) return { role: "statistic" };
  return COUNTER.test(name) ? { role: "counter" } : undefined;
}
