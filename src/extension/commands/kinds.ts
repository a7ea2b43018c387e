// The kinds of edit that commands write: how each is called, and how its fields become the recipe's edit. Knows no VS Code.
import type { EditValue } from "../../protocol/engine";

export type EditKind = "freeze" | "unfreeze" | "freezeUpTo" | "replaceOutput" | "addUnits";

export interface KindOfEdit {
  /** The key in the recipe, and the kind that the engine knows. */
  readonly key: string;
  readonly title: string;
  /** The field that takes a layer's name from the tree. */
  readonly layerField?: string;
  /** Asked here and not by the engine: a layer of the plan. */
  readonly ask?: { readonly field: string; readonly prompt: string };
  /** What stands under `key`. */
  readonly value: (fields: EditValue) => unknown;
}

const whole = (fields: EditValue): unknown => fields;

export const EDIT_KINDS: Record<EditKind, KindOfEdit> = {
  freeze: { key: "freeze", title: "Freeze", layerField: "freeze", value: ({ freeze }) => freeze },
  unfreeze: {
    key: "unfreeze",
    title: "Unfreeze",
    layerField: "unfreeze",
    value: ({ unfreeze }) => unfreeze,
  },
  freezeUpTo: {
    key: "freeze",
    title: "Freeze Up to Here",
    layerField: "upTo",
    ask: { field: "upTo", prompt: "The last layer to freeze, with every layer before it" },
    value: whole,
  },
  replaceOutput: { key: "replaceOutput", title: "Replace Output", value: whole },
  addUnits: { key: "addUnits", title: "Add Units", layerField: "layer", value: whole },
};

export function editOf(kind: EditKind, fields: EditValue): EditValue {
  const { key, value } = EDIT_KINDS[kind];
  return { [key]: value(fields) };
}
