// What is fed to a model beside scalars: samples, what tells of sequences, and what the loss alone reads.
import type { DType } from "../../protocol/checkpoint";
import { refName, type Model, type Node, type Shape } from "./model";
import type { OpName } from "./catalogue";
import { ancestors, consumers, descendants } from "./order";
import { portOf } from "./recurrent";
import { takesTimeFirst } from "./timeMajor";

/** A placeholder with a row per sample; -1 is the batch, or a size that the graph leaves open. */
export interface ModelInput {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Whether samples are sequences: the axis behind the batch is time. */
  readonly sequence?: boolean;
  /** What it tells of sequences: their lengths [batch], their steps that are there, or whose labels count [batch, time]. */
  readonly part?: "lengths" | "mask" | "labelsMask";
  /** Whether it takes sequences with time as their first axis, before the batch. */
  readonly timeFirst?: boolean;
  /** Whether the graph has a value for it, where nothing is fed. */
  readonly optional?: boolean;
}

/** The placeholder `name` and what it is for. */
export function modelInput(model: Model, name: string): ModelInput {
  const node = model.nodes.get(name);
  const shape = model.shapes.get(name) ?? [-1];
  if (node?.op !== "Placeholder") return { name, shape, dtype: "float32" };
  const { dtype, value } = node.attributes;
  const part = partOf(model, name);
  return {
    name,
    shape,
    dtype,
    ...(part !== undefined ? { part } : hasSteps(model, name, shape) && { sequence: true }),
    ...(shape.length === 3 && takesTimeFirst(model, name) && { timeFirst: true }),
    ...(value !== undefined && { optional: true }),
  };
}

/** What the output depends on: the inputs, and masks that may be fed. */
export function modelInputs(model: Model): readonly ModelInput[] {
  const { inputs, output } = model.roles;
  const needed = output === undefined ? new Set<string>() : ancestors(model, [output]);
  const optional = [...needed].filter((name) => !inputs.includes(name) && isMask(model, name));
  return [...inputs, ...optional].map((name) => modelInput(model, name));
}

/** What the loss depends on, and the output does not, beside the labels: which of them count. */
export function lossInputs(model: Model): readonly ModelInput[] {
  const { inputs, labels, output, loss } = model.roles;
  if (loss === undefined || output === undefined) return [];
  const known = new Set([...inputs, ...ancestors(model, [output]), labels]);
  const alone = [...ancestors(model, [loss])].filter((name) => !known.has(name));
  const rows = alone.filter(
    (name) =>
      model.nodes.get(name)!.op === "Placeholder" &&
      (isMask(model, name) || partOf(model, name) === "lengths" || rank(model, name) > 1),
  );
  return rows.map((name) => {
    const input = modelInput(model, name);
    const only = rows.length === 1 && rank(model, name) === 2;
    return input.part === undefined && only ? { ...input, part: "labelsMask" as const } : input;
  });
}

const rank = (model: Model, name: string): number => model.shapes.get(name)?.length ?? 0;

/** A placeholder [batch, time] that need not be fed. */
function isMask({ nodes, shapes }: Model, name: string): boolean {
  const node = nodes.get(name);
  const isOptional = node?.op === "Placeholder" && node.attributes.value !== undefined;
  return isOptional && shapes.get(name)?.length === 2;
}

const RECURRENT: ReadonlySet<OpName> = new Set<OpName>(["LSTM", "GRU"]);

/** Whether samples are sequences: of an open length, or read by a recurrent layer. */
function hasSteps(model: Model, name: string, shape: Shape): boolean {
  const node = model.nodes.get(name)!;
  const ids = node.op === "Placeholder" && node.attributes.dtype.startsWith("int");
  if (shape.length !== 3 && !(shape.length === 2 && ids)) return false;
  if (shape[1] < 0) return true;
  return [...descendants(model, [name])].some((each) => RECURRENT.has(model.nodes.get(each)!.op));
}

/** By the ops that read it, or by its name where it need not be fed. */
function partOf(model: Model, name: string): ModelInput["part"] {
  if (isMask(model, name)) return name.endsWith("labelsMask") ? "labelsMask" : "mask";
  const uses = consumers(model);
  const open = [name];
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const reader of uses.get(at) ?? []) {
      const node = model.nodes.get(reader)!;
      const use = useOf(node, at);
      if (use !== undefined) return use;
      if (node.op === "Identity" || node.op === "Cast") open.push(reader);
    }
  return undefined;
}

/** What an op takes its input `name` for. */
function useOf(node: Node, name: string): "lengths" | "mask" | undefined {
  const place = node.inputs.findIndex((input) => refName(input) === name);
  switch (node.op) {
    case "SequenceMask":
      return place === 0 ? "lengths" : undefined;
    case "Reverse":
      return place === 1 ? "lengths" : undefined;
    case "LastStep":
      return place === 1 ? "mask" : undefined;
    case "LSTM":
      return portOf<"LSTM">(node.attributes.takes, "mask") === place ? "mask" : undefined;
    case "GRU":
      return portOf<"GRU">(node.attributes.takes, "mask") === place ? "mask" : undefined;
    default:
      return undefined;
  }
}
