// What the loss compares the output with labels by: building it, or exchanging it within the graph's own loss.
import { GraftError } from "../../protocol/errors";
import type { OpName } from "../graph/catalogue";
import type { Model, Node, Shape } from "../graph/model";
import { ancestors } from "../graph/order";
import { lossPart } from "../graph/roles";
import { fits, formatShape, isVague } from "../graph/shapes";
import { newNode } from "./blocks";
import { changed, freeName, pruned, reading, readersOf } from "./rewire";
import { meanOfStep, overSteps, stepsOf } from "./stepLoss";

interface Comparison {
  readonly op:
    | "SparseSoftmaxCrossEntropy"
    | "SoftmaxCrossEntropy"
    | "SigmoidCrossEntropy"
    | "SquaredDifference";
  /** Of its node. */
  readonly name: string;
  /** What it takes: class indices, or rows with a number for each unit. */
  readonly labels: "indices" | "rows";
  /** Whether it yields one number per sample, or per step of one, and not one per unit. */
  readonly perSample: boolean;
}

export const LOSSES = {
  sparseSoftmaxCrossEntropy: {
    op: "SparseSoftmaxCrossEntropy",
    name: "cross_entropy",
    labels: "indices",
    perSample: true,
  },
  softmaxCrossEntropy: {
    op: "SoftmaxCrossEntropy",
    name: "cross_entropy",
    labels: "rows",
    perSample: true,
  },
  sigmoidCrossEntropy: {
    op: "SigmoidCrossEntropy",
    name: "cross_entropy",
    labels: "rows",
    perSample: false,
  },
  meanSquaredError: {
    op: "SquaredDifference",
    name: "squared_difference",
    labels: "rows",
    perSample: false,
  },
} as const satisfies Readonly<Record<string, Comparison>>;
export type LossName = keyof typeof LOSSES;

/** By what the graph's loss compares its output with labels; undefined where there is none, or by another rule. */
export function comparisonOf(model: Model): LossName | undefined {
  const { loss, output } = model.roles;
  if (loss === undefined || output === undefined) return undefined;
  const before = ancestors(model, [output]);
  const nodes = [...ancestors(model, [loss])]
    .filter((name) => !before.has(name))
    .map((name) => model.nodes.get(name)!);
  const ops = new Set<OpName>(nodes.map((node) => node.op));
  for (const [name, { op }] of Object.entries(LOSSES)) if (ops.has(op)) return name as LossName;
  if (ops.has("LogSoftmax") || (ops.has("Softmax") && ops.has("Log"))) return "softmaxCrossEntropy";
  const isSquare = ({ op, inputs: [input] }: Node): boolean =>
    (op === "Square" || op === "L2Loss") &&
    "node" in input &&
    model.nodes.get(input.node)!.op === "Sub";
  return nodes.some(isSquare) ? "meanSquaredError" : undefined;
}

/**
 * The model with a loss that compares its output by `kind`, as the mean over samples and units. In the graph's own loss
 * it takes the place of what `was` decided, the output until now; the loss keeps its name and its other terms. Labels
 * are fed to the graph's placeholder where that takes what the comparison needs, else to a new one. Of sequences, what
 * the graph's loss does with the steps stays; a new one does what `overSteps` says.
 */
export function withComparison(model: Model, kind: LossName, was: string, units: number): Model {
  const { output, loss } = model.roles;
  const { op, name, labels: form, perSample } = LOSSES[kind];
  const shape = model.shapes.get(output!) ?? [-1];
  if (perSample && shape.length !== 2 && shape.length !== 3)
    throw new GraftError(
      "invalid-edit",
      `${kind} compares rows of classes; the output is ${formatShape(shape)}. Use sigmoidCrossEntropy or meanSquaredError, which compare number by number.`,
    );
  const fed = labelsFor(model, form, shape.with(-1, units));
  const ref = (node: string) => [{ node }];
  const each = newNode(
    freeName(model, `graft/${name}`),
    op,
    [...ref(output!), ...ref(fed.node.name)],
    {},
  );
  const isSequence = shape.length === 3;
  const own = isSequence && !perSample ? [each, meanOfStep(model, each.name)] : [each];
  const last = own.at(-1)!.name;
  const steps = isSequence ? stepsOf(model, was) : undefined;
  if (steps !== undefined) {
    const readers = readersOf(model, steps).map((node) => reading(node, steps, { node: last }));
    const after = changed(model, { nodes: [...fed.added, ...own, ...readers] });
    return pruned(withRoles(after, fed, output!, loss!), [steps]);
  }
  const part = loss === undefined ? undefined : lossPart(model, loss, was);
  const scalar = part ?? freeName(model, "graft/loss");
  const axes = shape.map((_, axis) => axis).slice(0, perSample ? -1 : undefined);
  const reduction = isSequence
    ? overSteps(model, { steps: last, sequence: output!, scalar })
    : [newNode(scalar, "Mean", ref(last), { axes, keepDims: false })];
  const old = part === undefined ? undefined : model.nodes.get(part)!;
  const ends = reduction.map((node) =>
    node.name === part ? { ...node, origin: old!.origin } : node,
  );
  const all = part === undefined ? undefined : withoutCenters(model, loss!);
  const after = changed(model, { nodes: [...fed.added, ...own, ...ends, ...(all ? [all] : [])] });
  return pruned(withRoles(after, fed, output!, part === undefined ? scalar : loss!), [
    ...(loss === undefined ? [] : [loss]),
    ...(all === undefined ? [] : model.nodes.get(loss!)!.inputs.flatMap(nodeName)),
    ...(old?.inputs ?? []).flatMap(nodeName),
  ]);
}

/**
 * The sum of all terms of the loss without distances to centers of the old classes, which are statistics that labels
 * choose from; undefined where there are none.
 */
function withoutCenters({ nodes, variables, roles }: Model, loss: string): Node | undefined {
  const sum = nodes.get(loss)!;
  if (sum.op !== "Add") return undefined;
  const chooses = ({ inputs }: Node): boolean =>
    inputs.some((ref) => "node" in ref && ref.node === roles.labels) &&
    inputs.some((ref) => "variable" in ref && variables.get(ref.variable)!.role === "statistic");
  const inputs = sum.inputs.filter(
    (ref) =>
      "variable" in ref ||
      ![...ancestors({ nodes }, [ref.node])].some((name) => chooses(nodes.get(name)!)),
  );
  if (inputs.length === sum.inputs.length) return undefined;
  const { name, origin } = sum;
  return inputs.length > 1
    ? { ...sum, inputs }
    : { ...newNode(name, "Identity", inputs, {}), origin };
}

const withRoles = (model: Model, { node, shape }: Labels, output: string, loss: string): Model => ({
  ...model,
  shapes: new Map(model.shapes).set(node.name, shape),
  roles: { inputs: model.roles.inputs, output, loss, labels: node.name },
});

const nodeName = (input: Node["inputs"][number]): string[] => ("node" in input ? [input.node] : []);

interface Labels {
  readonly node: Node;
  readonly shape: Shape;
  readonly added: readonly Node[];
}

/** The placeholder for labels of a form. `rows`: the shape of the output. */
function labelsFor(model: Model, form: Comparison["labels"], rows: Shape): Labels {
  const known = model.roles.labels === undefined ? undefined : model.nodes.get(model.roles.labels);
  const shape = model.shapes.get(model.roles.labels ?? "") ?? [-1];
  if (known?.op === "Placeholder" && takes(known.attributes.dtype, shape, form, rows))
    return { node: known, shape, added: [] };
  const isRows = form === "rows";
  const node = newNode(freeName(model, "graft/labels"), "Placeholder", [], {
    dtype: isRows ? "float32" : "int64",
  });
  return { node, shape: [-1, ...rows.slice(1, isRows ? undefined : -1)], added: [node] };
}

function takes(dtype: string, shape: Shape, form: Comparison["labels"], rows: Shape): boolean {
  if (form === "indices") return /^int(32|64)$/.test(dtype) && shape.length === rows.length - 1;
  const fitting =
    shape.length === rows.length && shape.every((size, axis) => fits(size, rows[axis]));
  return dtype === "float32" && (fitting || isVague(shape));
}
