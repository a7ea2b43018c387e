// The table of edits. The recipe's schema, the commands and the command line all come from it.
import { addUnits } from "./addUnits";
import { freeze, unfreeze } from "./freeze";
import { replaceOutput } from "./replaceOutput";

export const EDITS = { freeze, unfreeze, replaceOutput, addUnits } as const;

export type EditName = keyof typeof EDITS;
