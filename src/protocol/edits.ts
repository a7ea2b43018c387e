// The edits as commands: how each is called, what it does in one line, and where the tree offers it. The engine's edits,
// the extension's commands and package.json (npm run schema) all take this table.

/** Rows of the tree that offer a command: every layer, those with units, hidden ones among them, the output, the checkpoint. */
export type EditRow = "layer" | "units" | "hidden" | "output" | "checkpoint";

export interface EditCommand {
  /** The key in the recipe. */
  readonly edit: string;
  /** Verb as the command's title says it: "Add Units". */
  readonly title: string;
  /** What it does, for the list of edits and the recipe's schema. */
  readonly does: string;
  /** Where the tree offers it; only the list of all edits does without one. */
  readonly row?: EditRow;
  /** The field that takes a layer's name from the tree. */
  readonly layerField?: string;
  /** What stands in the recipe is the value of this field alone. */
  readonly only?: string;
  /** Fields that the command sets without asking. */
  readonly sets?: Readonly<Record<string, unknown>>;
}

const command = <Edit extends string>(of: EditCommand & { readonly edit: Edit }) => of;

export const EDIT_COMMANDS = {
  freeze: command({
    edit: "freeze",
    title: "Freeze",
    does: "Layers whose numbers training must not change.",
    layerField: "freeze",
    only: "freeze",
  }),
  unfreeze: command({
    edit: "unfreeze",
    title: "Unfreeze",
    does: "Layers whose numbers training may change again.",
    layerField: "unfreeze",
    only: "unfreeze",
  }),
  freezeUpTo: command({
    edit: "freeze",
    title: "Freeze Up to Here",
    does: "A layer and every layer before it.",
    row: "layer",
    layerField: "upTo",
  }),
  freezeUnits: command({
    edit: "freeze",
    title: "Freeze Units",
    does: "Some units of a layer: their weights and biases.",
    row: "units",
    layerField: "layer",
  }),
  unfreezeUnits: command({
    edit: "unfreeze",
    title: "Unfreeze Units",
    does: "Some units of a layer train again.",
    row: "units",
    layerField: "layer",
  }),
  replaceOutput: command({
    edit: "replaceOutput",
    title: "Replace Output",
    does: "Fresh output weights for new classes.",
    row: "output",
  }),
  addClasses: command({
    edit: "addClasses",
    title: "Add Classes",
    does: "More classes on the existing output; the old ones stay.",
    row: "output",
  }),
  addUnits: command({
    edit: "addUnits",
    title: "Add Units",
    does: "More units in a layer; every trained number stays.",
    row: "hidden",
    layerField: "layer",
  }),
  addUnitsBeside: command({
    edit: "addUnits",
    title: "Add Units Beside the Old Network",
    does: "As Add Units, and the network as it was stays: a switch chooses between both.",
    row: "hidden",
    layerField: "layer",
    sets: { keepOldBranch: true },
  }),
  removeUnits: command({
    edit: "removeUnits",
    title: "Remove Units",
    does: "Takes units out of a layer, with the weights that read them.",
    row: "units",
    layerField: "layer",
  }),
  replaceUnits: command({
    edit: "replaceUnits",
    title: "Replace Units",
    does: "Other units in a layer, of another number: it and the weights that read it start afresh. To keep the trained numbers, add or remove units.",
    row: "hidden",
    layerField: "layer",
  }),
  setOutputs: command({
    edit: "setOutputs",
    title: "Use as Output",
    does: "A hidden layer becomes the output, to extract features or to put a new output behind it.",
    row: "hidden",
    layerField: "outputs",
  }),
  setInput: command({
    edit: "setInput",
    title: "Change Input Channels",
    does: "Other channels of the input, such as colour for a network of grey images; the trained weights stay.",
    row: "checkpoint",
  }),
  insertLayer: command({
    edit: "insertLayer",
    title: "Insert Layer Behind",
    does: "A new layer between two others, or behind the output.",
    row: "layer",
    layerField: "after",
  }),
  insertLayerBefore: command({
    edit: "insertLayer",
    title: "Insert Layer Before",
    does: "A new layer that one layer reads, instead of what it reads now.",
    layerField: "before",
  }),
  removeLayer: command({
    edit: "removeLayer",
    title: "Remove Layer",
    does: "Takes a layer out, with or without what depends on it.",
    row: "layer",
    layerField: "layer",
  }),
  setLayer: command({
    edit: "setLayer",
    title: "Layer Settings",
    does: "Activation, dropout, batch norm, learning rate or L2 regularization of a layer.",
    row: "layer",
    layerField: "layer",
  }),
  reinitialize: command({
    edit: "reinitialize",
    title: "Reinitialize",
    does: "Fresh values for layers or variables; they train.",
    layerField: "layers",
  }),
  rename: command({
    edit: "rename",
    title: "Rename",
    does: "Another name for a layer, a variable or a scope.",
    row: "layer",
    layerField: "from",
  }),
  copyFrom: command({
    edit: "copyFrom",
    title: "Copy from Checkpoint",
    does: "Values of variables from another checkpoint.",
    row: "checkpoint",
  }),
} as const;

export type EditCommandName = keyof typeof EDIT_COMMANDS;

/** The edit that a command writes, as it stands in the recipe. */
export function editFrom(
  name: EditCommandName,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { edit, only, sets }: EditCommand = EDIT_COMMANDS[name];
  return { [edit]: only === undefined ? { ...nested(fields), ...sets } : fields[only] };
}

/**
 * One object of answers to questions: "layer.dense.units" goes into what answered "layer". A field that begins with "?"
 * only led to other questions.
 */
function nested(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith("?")) continue;
    const path = field.split(".");
    const last = path.pop()!;
    let into = result;
    for (const key of path) {
      // A copy: what was answered may be asked again.
      const inner = { ...(into[key] as object | undefined) };
      into[key] = inner;
      into = inner;
    }
    into[last] = value;
  }
  return result;
}

export const EDIT_COMMAND_NAMES = Object.keys(EDIT_COMMANDS) as EditCommandName[];
