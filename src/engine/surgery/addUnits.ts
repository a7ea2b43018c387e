// Add units to a layer: everything that has a number per unit grows, and so do the weights that read the units.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import { layerAncestors } from "../graph/layers";
import { isFrozen, type Model } from "../graph/model";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { newSwitch, withOldBranch } from "./oldBranch";
import { layerQuestion } from "./questions";
import { allUnits, regroup, type Regrouping } from "./regroup";
import { isWeight, listNames } from "./select";
import {
  describeCoupling,
  hasAverages,
  hiddenLayer,
  layersOf,
  unitLayers,
  type UnitLayer,
} from "./unitLayers";

export const AddUnitsSchema = z.strictObject({
  layer: z
    .string()
    .min(1)
    .describe("The dense, convolution or recurrent layer that gets the new units."),
  units: z.int().min(1).max(1_000_000).describe("How many units to add."),
  init: z
    .enum(["random", "zero", "net2wider"])
    .default("random")
    .describe(
      "random: new units start like any unit and change the network's output a little. zero: the next layers read them with weight 0, so the network computes exactly what it did. net2wider: new units copy old ones and share their outgoing weights, so the network computes what it did.",
    ),
  train: z
    .enum(["all", "new"])
    .default("all")
    .describe(
      "all: what trained before goes on training, together with the new numbers. new: of the resized variables only the new numbers train. Every other layer trains as before. To hold everything else, freeze .* before this edit.",
    ),
  keepOldBranch: z
    .boolean()
    .default(false)
    .describe(
      "Keep the network as it was beside the new one: frozen copies of the layer and of what comes behind it, and a switch between the two outputs, the placeholder graft/use_new. It is true unless fed false. What is frozen before the layer is shared by both; freeze it before this edit, and leave it frozen.",
    ),
});
type Spec = z.infer<typeof AddUnitsSchema>;

const CHOICES = {
  random: { label: "Random", detail: "Like any new unit; the output changes a little" },
  zero: {
    label: "Zero",
    detail: "The network computes exactly what it did; the new units then learn",
  },
  net2wider: {
    label: "Copies of old units",
    detail: "Net2Wider: the network computes what it did, shared by more units",
  },
} as const;

/** Copies in turn; the reading weights are split unevenly, so that a unit and its copy learn different things. */
function copies(group: UnitLayer["group"], count: number): Pick<Regrouping, "units" | "factors"> {
  const old = allUnits(group);
  const units = [...old, ...Array.from({ length: count }, (_, index) => old[index % old.length])];
  const total = new Map<number, number>();
  for (const unit of units) total.set(unit, (total.get(unit) ?? 0) + 1);
  const seen = new Map<number, number>();
  const factors = units.map((unit) => {
    const [all, before] = [total.get(unit)!, seen.get(unit) ?? 0];
    seen.set(unit, before + 1);
    return (all - before) / ((all * (all + 1)) / 2);
  });
  return { units, factors };
}

function apply(model: Model, spec: Spec, key: string): Model {
  const found = hiddenLayer(model, spec.layer);
  const { group } = found;
  if (spec.init !== "random") refuseChange(found, spec);
  const { keepOldBranch } = spec;
  const fresh = { units: [...allUnits(group), ...Array<undefined>(spec.units).fill(undefined)] };
  const wider = regroup(model, group, {
    ...(spec.init === "net2wider" ? copies(group, spec.units) : fresh),
    makes: "glorotUniform",
    reads: spec.init === "zero" ? "zeros" : "glorotUniform",
    train: spec.train,
    key,
  });
  const resized = new Set(group.variables.map(({ variable }) => variable));
  return keepOldBranch ? withOldBranch(model, wider, resized) : wider;
}

/** Where new units cannot be added without changing what the network computes. */
function refuseChange({ layer, group }: UnitLayer, { init }: Spec): void {
  const tied = group.variables.find(({ makes, reads }) => makes && reads);
  const why =
    group.mixing.length > 0
      ? `${listNames(group.mixing)} makes each unit depend on all others`
      : tied !== undefined
        ? `${tied.variable} both makes the units and reads them`
        : undefined;
  if (why !== undefined)
    throw new GraftError(
      "invalid-edit",
      `With "init": "${init}", new units of ${layer.name} would change the network's output, because ${why}. Use "init": "random".`,
    );
}

function describe(before: Model, after: Model, spec: Spec): string {
  const found = hiddenLayer(before, spec.layer);
  const parts = [
    `${describeSizes(before, after)}; ${describeCoupling(before, found)}`,
    spec.init === "random" ? "" : "the network computes what it did before; ",
    spec.train === "new" ? "of what is resized only the new numbers train; " : "",
    spec.keepOldBranch
      ? `the network as it was stays beside it, and ${newSwitch(before)} chooses; `
      : "",
    spec.keepOldBranch && couldShare(before, found)
      ? "nothing before the layer is frozen, so all of it is there twice: freeze layers before this edit, and the part before is shared; "
      : "",
    describeTraining(after),
  ];
  return `${parts.join("")}.`;
}

/** Whether layers lie before one, and no weight of theirs is frozen. */
function couldShare(model: Model, { layer }: UnitLayer): boolean {
  const earlier = layerAncestors(model, layer).filter(({ name }) => name !== layer.name);
  const weights = earlier
    .flatMap(({ variables }) => variables.map((name) => model.variables.get(name)!))
    .filter(isWeight);
  return weights.length > 0 && !weights.some(isFrozen);
}

export const addUnits: EditKind<Spec> = {
  effect: ({ init }) => (init === "random" ? "changed" : "kept"),
  schema: AddUnitsSchema.describe(EDIT_COMMANDS.addUnits.does),
  apply,
  touches: (model, spec) => layersOf(model, hiddenLayer(model, spec.layer).group.variables),
  describe,
  inverse: (before, { layer, units, init, train, keepOldBranch }) => {
    const { group } = hiddenLayer(before, layer);
    // Copies share the weights that read them; averages of what was resized are dropped.
    const isExact =
      init !== "net2wider" && train === "all" && !keepOldBranch && !hasAverages(before, group);
    const last = group.units + units - 1;
    return isExact ? { removeUnits: { layer, units: `${group.units}-${last}` } } : undefined;
  },
  questions: (model, given) => [
    ...layerQuestion(given, "Layer that gets new units", unitLayers(model)),
    {
      field: "units",
      ask: "number",
      prompt: "How many units to add",
      min: 1,
      max: 1_000_000,
      suggestion: 8,
    },
    {
      field: "init",
      ask: "choice",
      prompt: "What the new units start from",
      choices: Object.entries(CHOICES).map(([value, choice]) => ({ value, ...choice })),
    },
    {
      field: "train",
      ask: "choice",
      prompt: "What trains in the resized layers",
      choices: [
        {
          value: "all",
          label: "Everything",
          detail: "What trained before goes on training, with the new numbers",
        },
        {
          value: "new",
          label: "Only the new numbers",
          detail: "The old numbers of what is resized stay; all else trains as before",
        },
      ],
    },
  ],
};
