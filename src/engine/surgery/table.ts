// The table of edits. The recipe's schema, the commands and the command line all come from it.
import { addClasses } from "./addClasses";
import { addUnits } from "./addUnits";
import { freeze, unfreeze } from "./freeze";
import { removeUnits } from "./removeUnits";
import { replaceOutput } from "./replaceOutput";
import { replaceUnits } from "./replaceUnits";
import { setInput } from "./setInput";
import { setOutputs } from "./setOutputs";

export const EDITS = {
  freeze,
  unfreeze,
  replaceOutput,
  addClasses,
  addUnits,
  removeUnits,
  replaceUnits,
  setInput,
  setOutputs,
} as const;

export type EditName = keyof typeof EDITS;
