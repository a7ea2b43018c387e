// What several edits ask.
import type { EditQuestion } from "../../protocol/plan";

/** Which layer, where the command does not know it. */
export const layerQuestion = (
  given: Readonly<Record<string, unknown>>,
  prompt: string,
  candidates: readonly string[],
): EditQuestion[] =>
  "layer" in given ? [] : [{ field: "layer", ask: "layer", prompt, candidates }];

export const dropoutQuestion = (field: string): EditQuestion => ({
  field,
  ask: "number",
  prompt: "Share of units that training drops, from 0 to less than 1",
  min: 0,
  max: 0.99,
  suggestion: 0.5,
  fractions: true,
});
