// The optimizer of a phase, as the schema of the table of optimizers.
import { z } from "zod";
import {
  FORMULAS,
  isNumber,
  OPTIMIZER_NAMES,
  optimizerLabel,
  OPTIMIZERS,
  parametersOf,
  type NumberParameter,
  type Optimizer,
  type OptimizerName,
  type Parameter,
} from "../../protocol/optimizers";

const RANGES: { readonly [Range in NumberParameter["range"]]: z.ZodNumber } = {
  positive: z.number().positive(),
  share: z.number().min(0).lt(1),
  fromZero: z.number().min(0),
};

function parameterSchema(parameter: Parameter): z.ZodType {
  const { default: value, description } = parameter;
  if (!isNumber(parameter))
    return typeof value === "boolean"
      ? z.boolean().default(value).describe(description)
      : z
          .enum(FORMULAS)
          .default(value as (typeof FORMULAS)[number])
          .describe(description);
  const schema = RANGES[parameter.range];
  if (typeof value === "number") return schema.default(value).describe(description);
  const { tf1, keras } = value as Exclude<NumberParameter["default"], number>;
  return schema.optional().describe(`${description} Default: ${tf1} in tf1, ${keras} in keras.`);
}

function schemaOf(name: OptimizerName): z.ZodType {
  const parameters = Object.entries(parametersOf(name)).map(
    ([key, parameter]) => [key, parameterSchema(parameter)] as const,
  );
  return z
    .strictObject(Object.fromEntries(parameters))
    .describe(`${optimizerLabel(name)}: ${OPTIMIZERS[name].formula}.`);
}

export const OptimizerSchema = z
  .union(
    OPTIMIZER_NAMES.map((name) => z.strictObject({ [name]: schemaOf(name) })),
    {
      error: `expected { "sgd": { "learningRate": 0.01 } }, or one of ${OPTIMIZER_NAMES.slice(1).join(", ")} in place of sgd`,
    },
  )
  .describe("How the numbers move.") as unknown as z.ZodType<Optimizer, unknown>;
