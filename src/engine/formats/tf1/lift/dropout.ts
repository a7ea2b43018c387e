// Dropout in its historical spellings: a random mask times the scaled input, or a choice between it and zero.
//   to 1.12  mul(div(x, keep), floor(keep + uniform))
//   to 2.x   mul(mul(x, 1 / (1 − rate)), cast(uniform ≥ rate))
//   since    select(uniform ≥ rate, mul(x, 1 / (1 − rate)) or div(x, 1 − rate), 0)
import type { OpAttributes } from "../../../graph/catalogue";
import { shortest } from "./attributes";
import { patternByMode } from "./control";
import { defaultOf } from "./input";
import { plain } from "./known";
import {
  consumed,
  inputOf,
  inputsOf,
  make,
  meaningOf,
  shapeOf,
  type Lifting,
  type Lifter,
  type Meaning,
} from "./lifting";
import { inputNode, nodeAt, type SourceNode, type Tensor } from "./source";
import { plainOp } from "./elementwise";

type Rate = OpAttributes["Dropout"];

/** A product that may be the end of a dropout. */
export const mulOrDropout: Lifter = (lifting, node) => {
  const [a, b] = node.inputs;
  for (const [scaled, mask] of [
    [a, b],
    [b, a],
  ]) {
    const rate = rateOfMask(lifting, nodeAt(lifting.graph, mask));
    const x = rate && scaledInput(lifting, scaled);
    if (rate && x) return dropout(lifting, node, rate, x);
  }
  return plainOp("Mul")(lifting, node);
};

/** A choice that may be the end of a dropout, or be made by the mode. */
export const selectOrDropout: Lifter = (lifting, node) => {
  const [condition, scaled, other] = node.inputs;
  const rate = rateOfCondition(lifting, nodeAt(lifting.graph, condition));
  const x = rate && isZero(lifting, other) ? scaledInput(lifting, scaled) : undefined;
  if (rate && x) return dropout(lifting, node, rate, x);
  const switched = modeOf(lifting, condition);
  const pattern = switched && other && patternByMode(lifting, node, other, [scaled]);
  if (pattern !== undefined) return pattern;
  const inputs = inputsOf(lifting, node);
  const by = switched && switchPlaceholder(lifting, switched);
  const operands = by === undefined ? inputs : [by, ...inputs.slice(1)];
  return make(lifting, node, "Select", { rows: node.op === "Select" }, operands);
};

/** The placeholder of a mode, which lifting takes as false. */
function modeOf(lifting: Lifting, tensor: Tensor | undefined): SourceNode | undefined {
  const node = nodeAt(lifting.graph, tensor);
  const isKnown = tensor && meaningOf(lifting, tensor).kind === "static";
  return isKnown && node !== undefined && /^Placeholder/.test(node.op) ? node : undefined;
}

/** A boolean that chooses between two outputs and has a value of its own is no mode: it can be fed, and else has that value. */
function switchPlaceholder(lifting: Lifting, node: SourceNode): Meaning | undefined {
  const value = node.op === "PlaceholderWithDefault" ? defaultOf(lifting, node) : undefined;
  if (value === undefined) return undefined;
  return make(lifting, node, "Placeholder", { dtype: "bool", value }, [], { shape: [] });
}

function dropout(lifting: Lifting, node: SourceNode, rate: Rate, x: Meaning): Meaning | undefined {
  const origin = consumed(lifting, node, [x]);
  return make(lifting, node, "Dropout", rate, [x], { origin });
}

/** floor(keep + uniform), cast(uniform ≥ rate) or cast(uniform < keep) */
function rateOfMask(lifting: Lifting, mask: SourceNode | undefined): Rate | undefined {
  if (mask?.op === "Cast") return rateOfCondition(lifting, inputNode(lifting.graph, mask, 0));
  if (mask?.op !== "Floor") return undefined;
  const sum = inputNode(lifting.graph, mask, 0);
  if (sum === undefined || !/^Add(V2)?$/.test(sum.op)) return undefined;
  const [a, b] = sum.inputs;
  if (isUniform(lifting, b)) return rateFrom(lifting, a, "keep");
  return isUniform(lifting, a) ? rateFrom(lifting, b, "keep") : undefined;
}

function rateOfCondition(lifting: Lifting, condition: SourceNode | undefined): Rate | undefined {
  const [a, b] = condition?.inputs ?? [];
  const isLarger = condition?.op === "GreaterEqual" || condition?.op === "Greater";
  const isSmaller = condition?.op === "Less" || condition?.op === "LessEqual";
  if (isUniform(lifting, a)) {
    if (isLarger) return rateFrom(lifting, b, "rate");
    if (isSmaller) return rateFrom(lifting, b, "keep");
  } else if (isUniform(lifting, b)) {
    if (isLarger) return rateFrom(lifting, a, "keep");
    if (isSmaller) return rateFrom(lifting, a, "rate");
  }
  return undefined;
}

/** A uniform number in [0, 1), also as random_uniform(min, max) spells it: uniform · (max − min) + min. */
function isUniform(lifting: Lifting, tensor: Tensor | undefined): boolean {
  let node = nodeAt(lifting.graph, tensor);
  for (const [op, neutral] of [
    [/^Add(V2)?$/, 0],
    [/^Mul$/, 1],
  ] as const)
    if (node !== undefined && op.test(node.op) && numberOf(lifting, node.inputs[1]) === neutral)
      node = inputNode(lifting.graph, node, 0);
  return node !== undefined && /^(Stateless)?RandomUniform(V2)?$/.test(node.op);
}

/** x of x / keep or x · scale, where the other side is one number. */
function scaledInput(lifting: Lifting, tensor: Tensor | undefined): Meaning | undefined {
  const node = nodeAt(lifting.graph, tensor);
  if (node === undefined || !/^(Mul|RealDiv|Div)$/.test(node.op)) return undefined;
  const [a, b] = [inputOf(lifting, node, 0), inputOf(lifting, node, 1)];
  if (isNumber(b)) return a;
  return node.op === "Mul" && isNumber(a) ? b : undefined;
}

/** Known, or computed from one placeholder alone. */
const isNumber = (meaning: Meaning): boolean =>
  shapeOf(meaning).length === 0 || (meaning.kind === "node" && meaning.vague && isFed(meaning));

const isFed = (meaning: Extract<Meaning, { kind: "node" }>): boolean =>
  ["Placeholder", "Sub", "Div"].includes(meaning.node.op);

function numberOf(lifting: Lifting, tensor: Tensor | undefined): number | undefined {
  const meaning = tensor && meaningOf(lifting, tensor);
  const values = meaning?.kind === "static" ? plain(meaning.value) : undefined;
  return values?.length === 1 ? values[0] : undefined;
}

function isZero(lifting: Lifting, tensor: Tensor | undefined): boolean {
  const meaning = tensor && meaningOf(lifting, tensor);
  return meaning?.kind === "static" && meaning.value.values.every((value) => value === 0);
}

/** A rate or keep probability: a number, or a placeholder, or one minus one of them. */
function rateFrom(
  lifting: Lifting,
  tensor: Tensor | undefined,
  means: "rate" | "keep",
): Rate | undefined {
  let isRate = means === "rate";
  let at = tensor;
  for (;;) {
    const choice = nodeAt(lifting.graph, at);
    // A number that the mode chooses: the one of training, where dropout acts.
    if (/^Select(V2)?$/.test(choice?.op ?? "") && modeOf(lifting, choice!.inputs[0])) {
      at = choice!.inputs[1];
      continue;
    }
    const value = numberOf(lifting, at);
    if (value !== undefined) {
      const rate = isRate ? value : 1 - value;
      return rate >= 0 && rate < 1 ? { rate: shortest(rate) } : undefined;
    }
    const meaning = at && meaningOf(lifting, at);
    if (meaning?.kind !== "node") return undefined;
    const { node } = meaning;
    if (node.op === "Placeholder")
      return isRate ? { rateFrom: node.name } : { keepProbabilityFrom: node.name };
    const source = lifting.graph.nodes.get(node.name);
    if (source?.op !== "Sub" || numberOf(lifting, source.inputs[0]) !== 1) return undefined;
    at = source.inputs[1];
    isRate = !isRate;
  }
}
