// The recipe: everything that a person asks for, as one JSON document. The editor's completion, hovers and
// checks, the command line and the commands all come from this schema.
import { z } from "zod";
import { DataSchema } from "../data/schema";
import { FreezeSchema } from "../surgery/freeze";
import { EDITS, type EditName } from "../surgery/table";
import { OptimizerSchema } from "./optimizer";

const EditSchema = z
  .union(
    Object.entries(EDITS).map(([kind, edit]): z.ZodType<Record<string, unknown>> =>
      z.strictObject({ [kind]: edit.schema as z.ZodType }),
    ) as [z.ZodType<Record<string, unknown>>, ...z.ZodType<Record<string, unknown>>[]],
  )
  .describe("One change to the network. Edits are applied in order.");

const GroupSchema = z
  .strictObject({
    layers: FreezeSchema.optional().describe(
      "Layers, variables or units of a layer whose numbers the group takes. Without it: all of them.",
    ),
    numbers: z
      .enum(["new", "old"])
      .optional()
      .describe(
        "new: only numbers that are not out of the checkpoint, such as those of added units. old: only numbers out of the checkpoint. Without it: both.",
      ),
    optimizer: OptimizerSchema.optional().describe(
      "The group's own optimizer. Without it: that of the phase.",
    ),
    learningRate: z
      .number()
      .positive()
      .optional()
      .describe("How far a step of the group goes, instead of the optimizer's own learning rate."),
    l2: z
      .number()
      .min(0)
      .optional()
      .describe(
        "L2 regularization: l2 · w is added to the gradient of each weight w before the optimizer sees it, as DL4J's l2 and tf.contrib.layers.l2_regularizer do; Keras' l2 adds twice as much for the same number. The losses that are told do not include it.",
      ),
  })
  .describe("Numbers that move in a way of their own.");

export const PhaseSchema = z.strictObject({
  freeze: FreezeSchema.optional().describe("Layers to freeze from this phase on."),
  unfreeze: FreezeSchema.optional().describe("Layers that train from this phase on."),
  epochs: z.int().min(1).max(1_000_000).describe("How often each training sample is used."),
  batch: z.int().min(1).max(1_000_000).default(50).describe("Samples per step."),
  optimizer: OptimizerSchema.default({ sgd: { learningRate: 0.01 } }),
  groups: z
    .array(GroupSchema)
    .optional()
    .describe(
      "Parameter groups: parts of the network with an optimizer, a learning rate or L2 of their own. The first group that takes a number moves it; what no group takes moves by the phase's optimizer.",
    ),
  cache: z
    .boolean()
    .default(true)
    .describe("Compute the frozen part once per sample and keep its outputs (bottlenecks)."),
  continue: z
    .boolean()
    .default(false)
    .describe("Keep the optimizer's state of the phase before instead of starting fresh."),
});

const GraphSchema = z
  .strictObject({
    meta: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The .meta file with the graph of the checkpoint, relative to this file, where it has none of its own.",
      ),
    inputs: z.array(z.string()).min(1).optional().describe("Placeholders that samples are fed to."),
    output: z.string().optional().describe("The op of the logits, before any softmax."),
    labels: z.string().optional().describe("The placeholder of the labels."),
    loss: z.string().optional().describe("The scalar that training minimizes."),
    feeds: z
      .record(z.string(), z.union([z.number(), z.boolean()]))
      .optional()
      .describe("Values of scalar placeholders while training, such as keep_prob."),
  })
  .describe(
    "Where the graph is and what its ops are for, only where that cannot be found unambiguously.",
  );

export const RecipeSchema = z
  .strictObject({
    $schema: z.string().optional(),
    checkpoint: z
      .string()
      .min(1)
      .describe("The trained checkpoint, relative to this file. It is never changed."),
    seed: z
      .int()
      .min(0)
      .default(42)
      .describe(
        "Decides every random number: new weights, the validation split, the order of samples.",
      ),
    graph: GraphSchema.optional(),
    edits: z
      .array(EditSchema)
      .default([])
      .describe("What to change in the network, applied in order."),
    data: DataSchema.optional(),
    train: z
      .array(PhaseSchema)
      .min(1)
      .default([
        {
          epochs: 20,
          batch: 50,
          optimizer: { sgd: { learningRate: 0.01 } },
          cache: true,
          continue: false,
        },
      ])
      .describe("Training phases, one after the other."),
    save: z
      .strictObject({
        as: z.string().min(1).describe("Where the result goes, relative to this file."),
      })
      .optional()
      .describe("The checkpoint to write when training has finished."),
  })
  .describe("A Graft recipe: what to change in a trained network, what to learn from, and how.");

export type Recipe = z.infer<typeof RecipeSchema>;
export type Phase = z.infer<typeof PhaseSchema>;
export type Group = z.infer<typeof GroupSchema>;

/** The kind of an edit and what is written under it. */
export function editOf(edit: Readonly<Record<string, unknown>>): { kind: EditName; spec: unknown } {
  const [[kind, spec]] = Object.entries(edit);
  return { kind: kind as EditName, spec };
}

/** The JSON schema that editors use for `*.graft.json`. */
export const recipeJsonSchema = (): object => ({
  ...z.toJSONSchema(RecipeSchema, { io: "input", target: "draft-7" }),
  allowComments: true,
  allowTrailingCommas: true,
});
