// How a recipe names classes, in its data and in a new output alike.
import { z } from "zod";

/** Names of classes; digits may be written as numbers. */
export const ClassNamesSchema = z
  .array(z.union([z.string(), z.number()], { error: "expected a name in quotes or a number" }))
  .min(1)
  .transform((names) => names.map(String));

/** How many classes, or which. */
export const ClassesSchema = z.union([z.int().min(1).max(1_000_000), ClassNamesSchema]);

export const classCount = (classes: z.infer<typeof ClassesSchema>): number =>
  typeof classes === "number" ? classes : classes.length;
