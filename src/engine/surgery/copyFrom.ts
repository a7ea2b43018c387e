// Copy variables from another checkpoint: a partial restore. Values stay lazy; shapes and types are checked here.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import { sameShape, type Model, type Variable } from "../graph/model";
import { formatShape } from "../graph/shapes";
import type { EditKind } from "./edit";
import type { Directory, OtherCheckpoints } from "./others";
import { changed } from "./rewire";
import { listNames } from "./select";

const Name = z.string().min(1);

export const CopyFromSchema = z.strictObject({
  checkpoint: z.string().min(1).describe("The other checkpoint, relative to this file."),
  map: z
    .record(Name, Name)
    .refine((map) => Object.keys(map).length > 0, { error: "expected at least one name or scope" })
    .describe(
      'From names in the other checkpoint to names in this network: variables ("conv1/kernel": "stem/kernel"), or scopes with all their weights and statistics, which end with "/" ("model_a/": "model_b/"). "/" is everything. As tf.train.init_from_checkpoint takes it.',
    ),
});
type Spec = z.infer<typeof CopyFromSchema>;

/** A variable of the network, and the tensor that it is copied from. */
interface Copy {
  readonly variable: Variable;
  readonly tensor: string;
}

const isCopied = ({ role }: Variable): boolean => role === "weight" || role === "statistic";

function copies(model: Model, { map }: Spec): readonly Copy[] {
  const all = Object.entries(map).flatMap(([from, to]): Copy[] => {
    if (from.endsWith("/") !== to.endsWith("/"))
      throw new GraftError(
        "invalid-edit",
        `"${from}": "${to}" maps a scope to a variable. A scope ends with "/", on both sides.`,
      );
    if (!to.endsWith("/")) {
      const variable = model.variables.get(to);
      if (variable === undefined)
        throw new GraftError("unknown-variable", unknownTarget(model, from, to));
      return [{ variable, tensor: from }];
    }
    const [there, here] = [from, to].map((scope) => (scope === "/" ? "" : scope));
    const inside = [...model.variables.values()].filter(
      (variable) => isCopied(variable) && variable.name.startsWith(here),
    );
    if (inside.length === 0)
      throw new GraftError("unknown-variable", `The network has no weights in the scope ${to}.`);
    return inside.map((variable) => ({
      variable,
      tensor: there + variable.name.slice(here.length),
    }));
  });
  const targets = all.map(({ variable }) => variable.name);
  const twice = targets.find((name, index) => targets.indexOf(name) !== index);
  if (twice === undefined) return all;
  throw new GraftError("invalid-edit", `${twice} would be copied twice. Map it once.`);
}

/** A scope that is named as a variable is asked for as a scope. */
function unknownTarget(model: Model, from: string, to: string): string {
  const inside = [...model.variables.values()]
    .filter((variable) => isCopied(variable) && variable.name.startsWith(`${to}/`))
    .map(({ name }) => name);
  if (inside.length === 0)
    return `The network has no variable ${to}. Its scopes are ${listNames(scopes(model))}.`;
  return `${to} is a scope, with ${listNames(inside)}, and not a variable. Write "${from}/": "${to}/" to copy what is in it.`;
}

/** Why a tensor cannot be copied; undefined where it can. */
function misfit({ variable, tensor }: Copy, directory: Directory): string | undefined {
  const found = directory.get(tensor);
  if (found === undefined) return `${tensor} is not in it`;
  if (found.problem !== undefined) return `${tensor} cannot be read: ${found.problem}`;
  const [here, there] = [variable.shape, found.shape].map(formatShape);
  if (!sameShape(variable.shape, found.shape))
    return `${tensor} has the shape ${there}, and ${variable.name} has ${here}`;
  return found.dtype === variable.dtype
    ? undefined
    : `${tensor} is of type ${found.dtype}, and ${variable.name} of type ${variable.dtype}`;
}

/** How many misfits a message lists. */
const MOST_TOLD = 5;

function apply(model: Model, spec: Spec, _key: string, others: OtherCheckpoints): Model {
  const { checkpoint } = spec;
  const directory = others.get(checkpoint);
  if (directory instanceof GraftError) throw directory;
  const all = copies(model, spec);
  const wrong = all.flatMap((copy) => misfit(copy, directory!) ?? []);
  if (wrong.length > 0) {
    const isMissing = all.some(({ tensor }) => !directory!.has(tensor));
    const there = isMissing ? ` It has ${listNames([...directory!.keys()])}.` : "";
    const more = wrong.length > MOST_TOLD ? `; and ${wrong.length - MOST_TOLD} more` : "";
    throw new GraftError(
      "shape-mismatch",
      `${checkpoint} does not fit: ${wrong.slice(0, MOST_TOLD).join("; ")}${more}. Nothing is copied. Map only what fits, by scope or by name.${there}`,
    );
  }
  const variables = all.map(({ variable, tensor }) => ({
    ...variable,
    value: { from: "stored", name: tensor, checkpoint } as const,
  }));
  return changed(model, { variables });
}

const touches = (model: Model, spec: Spec): string[] => {
  const names = new Set(copies(model, spec).map(({ variable }) => variable.name));
  return model.layers
    .filter(({ variables }) => variables.some((name) => names.has(name)))
    .map(({ name }) => name);
};

/** Scopes that layers have to themselves. */
const scopes = (model: Model): string[] =>
  model.layers
    .filter(({ name, variables }) => variables.some((each) => each.startsWith(`${name}/`)))
    .map(({ name }) => `${name}/`);

export const copyFrom: EditKind<Spec> = {
  effect: () => "changed",
  schema: CopyFromSchema.describe(EDIT_COMMANDS.copyFrom.does),
  apply,
  touches,
  checkpoints: ({ checkpoint }) => [checkpoint],
  describe: (before, _after, spec) => {
    const count = copies(before, spec).length;
    return `${listNames(touches(before, spec))}: ${count} ${count === 1 ? "variable has its value" : "variables have their values"} from ${spec.checkpoint}.`;
  },
  questions: (model) => [
    { field: "checkpoint", ask: "checkpoint", prompt: "Checkpoint to copy from" },
    {
      field: "map",
      ask: "choice",
      prompt: "What to copy; other names can be mapped in the recipe",
      choices: [
        {
          value: { "/": "/" },
          label: "Everything",
          detail: "Each weight has the same name and shape there",
        },
        ...scopes(model).map((scope) => ({
          value: { [scope]: scope },
          label: scope,
          detail: "The weights in this scope, of the same names there",
        })),
      ],
    },
  ],
};
