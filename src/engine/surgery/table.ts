// The table of edits. The recipe's schema, the commands and the command line all come from it.
import { addClasses } from "./addClasses";
import { addUnits } from "./addUnits";
import { copyFrom } from "./copyFrom";
import { freeze, unfreeze } from "./freeze";
import { insertLayer } from "./insertLayer";
import { reinitialize } from "./reinitialize";
import { removeLayer } from "./removeLayer";
import { removeUnits } from "./removeUnits";
import { rename } from "./rename";
import { replaceOutput } from "./replaceOutput";
import { replaceUnits } from "./replaceUnits";
import { setInput } from "./setInput";
import { setOutputs } from "./setOutputs";
import { setLayer } from "./setLayer";

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
  insertLayer,
  removeLayer,
  setLayer,
  reinitialize,
  rename,
  copyFrom,
} as const;

export type EditName = keyof typeof EDITS;
