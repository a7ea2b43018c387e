// What is wrong with a recipe for a model: pure, for the editor's diagnostics, the commands and the command line.
import { GraftError } from "../../protocol/errors";
import type { Problem } from "../../protocol/plan";
import { withLoss } from "../graph/loss";
import { isFrozen, type Model } from "../graph/model";
import { ancestors } from "../graph/order";
import { cut } from "../graph/cut";
import { scalarFeeds } from "../graph/feeds";
import { dropoutRate } from "../ops/normalization";
import { applyPhase, applyRecipe, type AppliedRecipe } from "./apply";
import { listNames } from "../surgery/select";
import { namedClasses } from "./classes";
import type { Recipe } from "./schema";

export interface Validated extends AppliedRecipe {
  /** The model of each phase, as far as the phases fit. */
  readonly phases: readonly Model[];
}

/** Applies the recipe and finds everything that would stop a run or surprise its owner. */
export function validate(source: Model, recipe: Recipe): Validated {
  const applied = applyRecipe(source, recipe);
  const problems = [...applied.problems];
  const phases: Model[] = [];
  const check = (pointer: string, what: () => void) => {
    try {
      what();
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      problems.push({ code: error.code, severity: "error", message: error.message, pointer });
    }
  };
  check("/graph", () => {
    let model = withLoss(applied.model);
    recipe.train.forEach((phase, index) =>
      check(`/train/${index}`, () => {
        model = applyPhase(model, phase);
        phases.push(model);
        problems.push(...phaseProblems(model, recipe, index));
      }),
    );
  });
  problems.push(...classProblems(applied.model, recipe));
  return { ...applied, phases, problems };
}

function phaseProblems(model: Model, recipe: Recipe, index: number): Problem[] {
  const pointer = `/train/${index}`;
  const { loss, output } = model.roles;
  const needed = ancestors(model, [loss!]);
  const used = new Set<string>();
  for (const node of model.nodes.values())
    if (needed.has(node.name))
      for (const input of node.inputs) if ("variable" in input) used.add(input.variable);
  const trains = [...used].some((name) => !isFrozen(model.variables.get(name)!));
  if (!trains)
    return [
      {
        code: "nothing-to-train",
        severity: "error",
        message: `Phase ${index + 1} trains nothing: every variable that the loss depends on is frozen. Unfreeze a layer or replace the output.`,
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
        message: `${opaque.name} is a ${opaque.attributes.type}, an op that Graft cannot run, and the loss depends on it. The checkpoint can be inspected, but not trained.`,
        pointer,
      },
    ];
  return unfedDropouts(model, recipe);
}

/** Dropouts above the cut whose rate a placeholder decides that the recipe does not feed. */
function unfedDropouts(model: Model, recipe: Recipe): Problem[] {
  const feeds = scalarFeeds(model, recipe.graph?.feeds);
  const { tail } = cut(model, [model.roles.loss!, model.roles.output!]);
  return [...tail].flatMap((name) => {
    const node = model.nodes.get(name)!;
    if (node.op !== "Dropout" || dropoutRate(node.attributes, feeds) !== undefined) return [];
    const from =
      "keepProbabilityFrom" in node.attributes
        ? node.attributes.keepProbabilityFrom
        : "rateFrom" in node.attributes
          ? node.attributes.rateFrom
          : "";
    return [
      {
        code: "ambiguous-graph",
        severity: "error" as const,
        message: `The dropout ${name} trains, and its rate comes from the placeholder ${from}. Say what to feed: "graph": { "feeds": { "${from}": 0.5 } } (1 keeps every unit of a keep_prob).`,
        pointer: recipe.graph === undefined ? "" : "/graph",
      },
    ];
  });
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
