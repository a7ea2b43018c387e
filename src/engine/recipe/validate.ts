// What is wrong with a recipe for a model: pure, for the editor's diagnostics, the commands and the command line.
import { GraftError } from "../../protocol/errors";
import { FEEDS } from "../../protocol/feeds";
import type { Problem, ScalarFeed } from "../../protocol/plan";
import { misfit } from "../data/assign";
import { scalarPlaceholders, trainingFeeds } from "../graph/feeds";
import { lossInputs, modelInputs } from "../graph/inputs";
import { withLoss } from "../graph/loss";
import type { Model } from "../graph/model";
import { ancestors, trainedVariables } from "../graph/order";
import { comparisonOf } from "../surgery/comparison";
import { applyPhase, applyRecipe, type AppliedRecipe } from "./apply";
import type { OtherCheckpoints } from "../surgery/others";
import { listNames } from "../surgery/select";
import { namedClasses } from "./classes";
import { idleGroups, takerOf } from "./groups";
import { nearest } from "./keys";
import { pointerOf } from "./parse";
import type { Recipe } from "./schema";

export interface Validated extends AppliedRecipe {
  /** The model of each phase, as far as the phases fit. */
  readonly phases: readonly Model[];
  /** Scalars that any phase reads while it trains. */
  readonly feeds: readonly ScalarFeed[];
}

/** Applies the recipe and finds everything that would stop a run or surprise its owner. */
export function validate(source: Model, recipe: Recipe, others?: OtherCheckpoints): Validated {
  const applied = applyRecipe(source, recipe, others);
  const problems = [...applied.problems];
  const phases: Model[] = [];
  const feeds = new Map<string, ScalarFeed>();
  /** Whether it went well. */
  const check = (pointer: string, what: () => void): boolean => {
    try {
      what();
      return true;
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      problems.push({ code: error.code, severity: "error", message: error.message, pointer });
      return false;
    }
  };
  check("/graph", () => {
    let model = withLoss(applied.model);
    recipe.train.forEach((phase, index) =>
      check(`/train/${index}`, () => {
        model = applyPhase(model, phase);
        phases.push(model);
        const wrong = phaseProblems(model, index);
        problems.push(...wrong);
        if (wrong.length > 0) return;
        const { groups = [] } = phase;
        const known = groups.map((group, place) =>
          check(`/train/${index}/groups/${place}`, () => void takerOf(model, group)),
        );
        if (known.every(Boolean)) problems.push(...idleGroups(model, phase, index));
        for (const feed of trainingFeeds(model, recipe.graph?.feeds)) feeds.set(feed.name, feed);
      }),
    );
  });
  problems.push(...[...feeds.values()].flatMap(feedProblems));
  problems.push(...unknownFeeds(source, applied.model, recipe));
  problems.push(...ignoredSettings(source));
  problems.push(...dataProblems(applied.model, recipe), ...classProblems(applied.model, recipe));
  return { ...applied, phases, feeds: [...feeds.values()], problems };
}

function phaseProblems(model: Model, index: number): Problem[] {
  const pointer = `/train/${index}`;
  const { loss, output } = model.roles;
  if (trainedVariables(model).length === 0)
    return [
      {
        code: "nothing-to-train",
        severity: "error",
        message: `Nothing trains: every variable that the loss depends on is frozen. Unfreeze a layer or replace the output.`,
        pointer,
      },
    ];
  const comparison = comparisonOf(model);
  const isSoftmax =
    comparison === "softmaxCrossEntropy" || comparison === "sparseSoftmaxCrossEntropy";
  if (isSoftmax && model.shapes.get(output!)?.at(-1) === 1)
    return [
      {
        code: "nothing-to-train",
        severity: "error",
        message: `The output has one unit, and the softmax of one unit is always 1: there is nothing to learn. Replace the output with two or more classes, or with "loss": "sigmoidCrossEntropy" or "meanSquaredError".`,
        pointer,
      },
    ];
  const opaque = [...ancestors(model, [loss!, output!])]
    .map((name) => model.nodes.get(name)!)
    .find((node) => node.op === "Opaque");
  if (opaque?.op === "Opaque")
    return [
      {
        code: "unsupported-op",
        severity: "error",
        message: `${opaque.name} is a ${opaque.attributes.type}, which Graft cannot run, and the loss depends on it. The checkpoint can be inspected, but not trained.`,
        pointer,
      },
    ];
  return [];
}

/** A scalar that nothing feeds, or that is fed what it cannot be. */
function feedProblems(feed: ScalarFeed): Problem[] {
  const { name, kind, value } = feed;
  const { what, range, example, isPossible } = FEEDS[kind];
  if (value !== undefined && isPossible(value)) return [];
  const pointer = pointerOf(["graph", "feeds", name]);
  if (value !== undefined) {
    const message = `${name} is fed ${value}. It is ${what}: ${range}.`;
    return [{ code: "recipe-schema", severity: "error", message, pointer, feed }];
  }
  const where = `"graph": { "feeds": { ${JSON.stringify(name)}: ${example} } }`;
  return [
    {
      code: "ambiguous-graph",
      severity: "error",
      message: `Training needs a value for the placeholder ${name}, ${what}: ${range}. The recipe says it under ${where}.`,
      pointer,
      feed,
    },
  ];
}

/**
 * Fed names that nothing reads, neither before the edits nor after them. A mode such as is_training, and what only the
 * source's training graph reads, is no node of the model: feeding it does nothing, and stops nothing.
 */
function unknownFeeds(source: Model, model: Model, { graph }: Recipe): Problem[] {
  const known = [...new Set([source, model].flatMap(scalarPlaceholders))];
  return Object.entries(graph?.feeds ?? {}).flatMap(([name, value]): Problem[] => {
    const meant = nearest(name, known);
    if (known.includes(name) || (typeof value === "boolean" && meant === undefined)) return [];
    const hint =
      meant === undefined ? `There are these: ${listNames(known)}.` : `Did you mean ${meant}?`;
    return [
      {
        code: "unknown-node",
        severity: "warning",
        message: `Nothing reads a scalar placeholder ${name}. ${hint}`,
        pointer: pointerOf(["graph", "feeds", name]),
      },
    ];
  });
}

/** What the checkpoint asks of training and does not get. */
const ignoredSettings = ({ ignored = [] }: Model): readonly Problem[] =>
  ignored.map((message) => ({
    ...{ code: "training-setting", severity: "warning", pointer: "/checkpoint" },
    message,
  }));

/** Files are named for the inputs that the graph has. What it lacks altogether is told under /graph. */
function dataProblems(model: Model, { data }: Recipe): Problem[] {
  const inputs = [...modelInputs(model), ...lossInputs(model)];
  const wrong = data === undefined || inputs.length === 0 ? undefined : misfit(data.inputs, inputs);
  if (wrong === undefined) return [];
  const { code, message, key } = wrong;
  const pointer = pointerOf(["data", "inputs", ...(key === undefined ? [] : [key])]);
  return [{ code, severity: "error", message, pointer }];
}

/** The classes are named in one order, and are as many as the output has. */
function classProblems(model: Model, recipe: Recipe): Problem[] {
  const names = recipe.data?.classes;
  const named = namedClasses(recipe);
  if (names !== undefined && named !== undefined && names.join("\n") !== named.join("\n"))
    return [
      {
        code: "label-out-of-range",
        severity: "error",
        message: `The classes are listed twice, and differently: replaceOutput has ${listNames(named)}; data has ${listNames(names)}. Their order is that of the output's units: keep one list, or make them equal.`,
        pointer: "/data/classes",
      },
    ];
  const units =
    model.roles.output === undefined ? undefined : model.shapes.get(model.roles.output)?.at(-1);
  if (names === undefined || units === undefined || units < 2 || names.length === units) return [];
  return [
    {
      code: "label-out-of-range",
      severity: "error",
      message: `${names.length} classes are listed, and the output has ${units}. List as many, or replace the output with ${names.length} classes.`,
      pointer: "/data/classes",
    },
  ];
}
