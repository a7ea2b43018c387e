// The text of a phase in the recipe, as a run keeps it: so that the editor can tell an earlier version.
import { findNodeAtLocation, parseTree } from "jsonc-parser";

/** Source text of phase `index`; empty where the recipe leaves the phases to the defaults. */
export function phaseText(text: string, index: number): string {
  const tree = parseTree(text);
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, ["train", index]);
  return node === undefined ? "" : text.slice(node.offset, node.offset + node.length);
}
