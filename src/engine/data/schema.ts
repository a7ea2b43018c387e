// The recipe's `data`: which files hold the samples and labels. Schema only; reading is in sources.ts.
import { z } from "zod";
import { ClassNamesSchema } from "../surgery/classNames";

const FileSchema = z.string().min(1, { error: "expected a file name, found none" });

const ColumnSchema = z.string().min(1, { error: "expected a column name, found none" });

const SourceObjectSchema = z
  .strictObject({
    file: FileSchema.describe(
      "Path of a .npy, .npz or CSV file, from the recipe's folder. Example: data/train.npz",
    ),
    array: z
      .string()
      .min(1)
      .optional()
      .describe("Which array of an .npz file. Needed only when the file holds several."),
    columns: z
      .union([ColumnSchema, z.array(ColumnSchema).min(1)], {
        error: "expected a column name, a pattern such as pixel_*, or a list of them",
      })
      .optional()
      .describe(
        "Which columns of a CSV file: a name, a pattern such as pixel_*, or a list of them. Left out for an input: every named column that is not a label. A file without a header row numbers its columns from 1.",
      ),
  })
  .describe("A file, and which part of it.");

export const SourceSchema = z
  .union([FileSchema, SourceObjectSchema], {
    error: "expected a file name or { file, array, columns }",
  })
  .describe(
    "Where values come from: a .npy, .npz or CSV file, from the recipe's folder. One row is one sample.",
  );

export const DataSchema = z
  .strictObject({
    inputs: z
      .union([SourceSchema, z.record(z.string().min(1), SourceSchema)], {
        error: "expected a file, or an object with a file for each input of the graph",
      })
      .describe(
        "The samples: a file for each input of the graph, or just a file where the graph has one input. Integers become float32 and samples are reshaped where nothing has to be guessed.",
      ),
    labels: SourceSchema.describe(
      "The labels, one per sample and in the same order: class labels (integers, text, or one-hot rows), or numbers for a mean squared error.",
    ),
    classes: ClassNamesSchema.refine((classes) => new Set(classes).size === classes.length, {
      error: "a class is listed twice",
    })
      .optional()
      .describe(
        "The labels as they occur in the data, in the order of the output's units: the first is class 0. Left out: the labels are the indices 0, 1, 2, … themselves.",
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
  .describe("What to train on.");

export type Source = z.infer<typeof SourceSchema>;
export type Data = z.infer<typeof DataSchema>;
