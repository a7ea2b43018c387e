// What a person may ask fresh kernels to start from.
import { z } from "zod";
import type { EditQuestion } from "../../protocol/plan";
import type { Initializer } from "../graph/model";

export const InitializerSchema = z
  .enum(["glorotUniform", "heNormal", "zeros"])
  .describe("What new weights start from. Biases start from zero.");

const CHOICES = {
  identity: { label: "Identity", detail: "Net2Deeper: the network computes what it did" },
  glorotUniform: { label: "Glorot uniform", detail: "Random, for any layer" },
  heNormal: { label: "He normal", detail: "Random, for layers with relu" },
  zeros: { label: "Zeros", detail: "For an output; a hidden layer would not learn" },
} as const satisfies Partial<Record<Initializer, object>>;

export const initializerQuestion = (
  field: string,
  offered: readonly (keyof typeof CHOICES)[],
): EditQuestion => ({
  field,
  ask: "choice",
  prompt: "What its kernels start from",
  choices: offered.map((value) => ({ value, ...CHOICES[value] })),
});
