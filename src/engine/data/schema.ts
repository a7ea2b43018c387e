// The recipe's `data`: which files hold the samples and labels. Schema only; reading is in sources.ts.
import { z } from "zod";
import { ClassNamesSchema } from "../surgery/classNames";
import { LAYOUTS } from "./layout";

const FileSchema = z.string().min(1, { error: "expected a file name, found none" });

const ColumnSchema = z.string().min(1, { error: "expected a column name, found none" });

const SourceObjectSchema = z
  .strictObject({
    file: z
      .union([FileSchema, z.array(FileSchema).min(1)], {
        error: "expected a file or folder, or a list of CSV files",
      })
      .describe(
        "Path of a .npy, .npz or CSV file, from the recipe's folder. Example: data/train.npz. A folder of CSV files, or a list of them: a sequence per file, with a row per step, in the order of the numbers in the names.",
      ),
    array: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Which array of an .npz file. Needed only when the file holds several. A pattern such as x_*: an array per sequence, in the order of the numbers in the names.",
      ),
    columns: z
      .union([ColumnSchema, z.array(ColumnSchema).min(1)], {
        error: "expected a column name, a pattern such as pixel_*, or a list of them",
      })
      .optional()
      .describe(
        "Which columns of a CSV file: a name, a pattern such as pixel_*, or a list of them. Left out for an input: every named column that is not a label. A file without a header row numbers its columns from 1.",
      ),
    sequence: ColumnSchema.optional().describe(
      "Column of a CSV file that says which sequence a row belongs to: rows are steps then, in the order of the file.",
    ),
  })
  .describe("A file, and which part of it.");

export const SourceSchema = z
  .union([FileSchema, SourceObjectSchema], {
    error: "expected a file name or { file, array, columns, sequence }",
  })
  .describe(
    "Where values come from: a .npy, .npz or CSV file, or a folder of CSV files with a sequence each, from the recipe's folder. One row is one sample, or one step of a sequence.",
  );

const INPUT_FIELDS = {
  inputs: z
    .union([SourceSchema, z.record(z.string().min(1), SourceSchema)], {
      error: "expected a file, or an object with a file for each input of the graph",
    })
    .describe(
      "The samples: a file for each input of the graph, or just a file where the graph has one input. Integers become float32 and samples are reshaped where nothing has to be guessed.",
    ),
  layout: z
    .enum(LAYOUTS)
    .optional()
    .describe(
      "The axes of sequence arrays: NTF is [samples, time, features], as TensorFlow and Keras have it; NFT is [samples, features, time], as Deeplearning4j has it. One-hot labels of steps have the same. Needed only where both fit the network.",
    ),
  mask: SourceSchema.optional().describe(
    "Which steps of each sequence are there: 1, or 0 for padding, [samples, time].",
  ),
  lengths: SourceSchema.optional().describe(
    "How many steps each sequence has, [samples]; what comes after them is padding. Sequences in files or arrays of their own have the lengths that they have.",
  ),
  normalize: z
    .boolean()
    .optional()
    .describe(
      "Whether samples go through the normalizer that the checkpoint carries. Left out: they do, where it carries one.",
    ),
};

const isToldOnce = ({ mask, lengths }: { mask?: unknown; lengths?: unknown }): boolean =>
  mask === undefined || lengths === undefined;

const TOLD_TWICE = { error: "a mask and lengths say the same twice; keep one", path: ["lengths"] };

/** Samples alone, as for a prediction. */
export const InputDataSchema = z.strictObject(INPUT_FIELDS).refine(isToldOnce, TOLD_TWICE);

export const DataSchema = z
  .strictObject({
    ...INPUT_FIELDS,
    labels: SourceSchema.describe(
      "The labels, one per sample and in the same order: class labels (integers, text, or one-hot rows), or numbers for a mean squared error. A network that labels each step of a sequence takes one per step, or one per sequence, which is that of its last step.",
    ),
    labelsMask: SourceSchema.optional().describe(
      "Which labels of steps count: 1 or 0, [samples, time]. Left out: those of steps that are there.",
    ),
    classes: ClassNamesSchema.refine((classes) => new Set(classes).size === classes.length, {
      error: "a class is listed twice",
    })
      .optional()
      .describe(
        "The labels as they occur in the data, in the order of the output's units: the first is class 0. Numbers in the data are the indices of classes that are all named by words. Left out: the labels are the indices 0, 1, 2, … themselves.",
      ),
    validation: z
      .number()
      .min(0)
      .lt(1)
      .default(0.2)
      .describe(
        "Part of the samples, from 0 up to but not including 1, that is kept out of training to measure how well the network does on samples it has not seen.",
      ),
  })
  .refine(isToldOnce, TOLD_TWICE)
  .describe("What to train on.");

export type Source = z.infer<typeof SourceSchema>;
export type InputData = z.infer<typeof InputDataSchema>;
export type Data = z.infer<typeof DataSchema>;
