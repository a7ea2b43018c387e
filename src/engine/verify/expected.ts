// What each kind of edit is meant to do to the function that the network computes.
import type { EditName } from "../surgery/table";

/**
 * "same": nothing that a forward pass reads is touched. "kept": the numbers change and the function does not.
 * "extended": there are more outputs, and the old ones are as they were.
 */
export type Expected = "same" | "kept" | "extended" | "changed";

type Rule = (spec: Readonly<Record<string, unknown>>) => Expected;

const EXPECTED: { readonly [Kind in EditName]: Rule } = {
  freeze: () => "same",
  unfreeze: () => "same",
  replaceOutput: () => "changed",
  addClasses: () => "extended",
  removeUnits: () => "changed",
  replaceUnits: () => "changed",
  setInput: () => "changed",
  setOutputs: () => "changed",
  addUnits: ({ init }) => (init === "random" ? "changed" : "kept"),
};

export const expectedOf = (kind: EditName, spec: unknown): Expected =>
  EXPECTED[kind]((typeof spec === "object" ? spec : {}) as Readonly<Record<string, unknown>>);
