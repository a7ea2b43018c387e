// What a plan amounts to, in lines that a command shows before it writes.
import type { Plan, VariableChange } from "../../protocol/plan";
import { listNames } from "../surgery/select";

/** A command shows so many lines about variables. */
const SHOWN = 6;

type Facts = Pick<
  Plan,
  "variableChanges" | "trainableParameters" | "parameters" | "cost" | "cut" | "phases"
>;

/** Changed variables, what trains, what running and caching cost. */
export const effectsOf = (facts: Facts): string[] => [
  ...facts.variableChanges.map(variableText),
  ...[trainText(facts), costText(facts), cachingText(facts)].filter((line) => line !== undefined),
  ...phaseTexts(facts),
];

/** What is told of `after` and not of `before`: what the edit between them does. */
export function newEffects(before: Plan, after: Plan): string[] {
  const known = new Set(before.effects);
  const lines = after.effects.filter((line) => !known.has(line));
  const variables = new Set(after.variableChanges.map(variableText));
  const shown = lines.filter((line) => variables.has(line)).slice(0, SHOWN);
  const rest = lines.filter((line) => !variables.has(line));
  const more = lines.length - rest.length - shown.length;
  return [
    ...shown,
    ...(more > 0 ? [`… and ${more} more ${more === 1 ? "variable" : "variables"}`] : []),
    ...rest,
  ];
}

/** "hidden3/weights 100 × 50 → 100 × 58, 5,000 → 5,800 numbers" */
export function variableText({ before, after }: VariableChange): string {
  if (after === undefined) return `${before!.name} ${sizes(before!.shape)} → removed`;
  if (before === undefined)
    return `${after.name} new, ${sizes(after.shape)}, ${count(numbers(after.shape))} numbers`;
  const name = before.name === after.name ? after.name : `${before.name} → ${after.name}`;
  const fresh = after.fresh ? ", all new" : "";
  if (sizes(before.shape) === sizes(after.shape)) return `${name} ${sizes(after.shape)}${fresh}`;
  return `${name} ${sizes(before.shape)} → ${sizes(after.shape)}, ${count(numbers(before.shape))} → ${count(numbers(after.shape))} numbers${fresh}`;
}

const trainText = ({ trainableParameters, parameters }: Facts): string =>
  `${count(trainableParameters)} of ${count(parameters)} parameters train`;

/** "phase 2: 20 epochs, sgd 0.001; hidden2 and outputs train, 5,305 of 39,752 parameters; bottlenecks of 64 values", where there are several. */
export const phaseTexts = ({ phases = [], parameters }: Facts): string[] =>
  phases.map(({ epochs, optimizer, trainableParameters, layers, cut }, index) => {
    const what =
      layers.length === 0
        ? "nothing trains"
        : `${listNames(layers)} ${layers.length === 1 ? "trains" : "train"}`;
    const many = `${count(trainableParameters)} of ${count(parameters)} parameters`;
    const kept =
      cut === undefined
        ? "nothing is cached"
        : `bottlenecks of ${count(cut.valuesPerSample)} values`;
    return `phase ${index + 1}: ${count(epochs)} ${epochs === 1 ? "epoch" : "epochs"}, ${optimizer}; ${what}, ${many}; ${kept}`;
  });

/** "49,200 multiply-adds a sample below the cut, 5,250 above it, 10,750 in training" */
export function costText({ cost, cut }: Facts): string | undefined {
  if (cost === undefined) return undefined;
  const training = `${short(cost.training)} in training`;
  return cut === undefined
    ? `${short(cost.prefix + cost.tail)} multiply-adds a sample, ${training}`
    : `${short(cost.prefix)} multiply-adds a sample below the cut, ${short(cost.tail)} above it, ${training}`;
}

/** What caching costs and gains, as far as the graph tells. */
function cachingText({ cut }: Facts): string | undefined {
  if (cut === undefined) return undefined;
  const bytes = `bottlenecks of ${count(cut.bytesPerSample)} bytes a sample`;
  if (cut.speedUp === undefined) return bytes;
  return `${bytes}; with them training is ${fasterText(cut.speedUp)}, going by multiply-adds`;
}

/** "3.2 times as fast" */
export function fasterText(factor: number): string {
  const rounded = factor < 10 ? Math.round(factor * 10) / 10 : Math.round(factor);
  return rounded <= 1 ? "no faster" : `${count(rounded)} times as fast`;
}

/** 49200 → "49,200"; 15470264320 → "15.47 G" */
export function short(value: number): string {
  if (value < 1e6) return count(value);
  return value < 1e9 ? `${(value / 1e6).toFixed(2)} M` : `${(value / 1e9).toFixed(2)} G`;
}

const sizes = (shape: readonly number[]): string => shape.join(" × ") || "scalar";
const numbers = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);
const count = (value: number): string => value.toLocaleString("en-US");
