// Reads and changes the text of a recipe: comments and formatting stay, what cannot be parsed is refused. Knows no VS Code.
import {
  findNodeAtLocation,
  getNodeValue,
  modify,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { applyEdits, type Node, type ParseError } from "jsonc-parser";
import { print, type Layout } from "./print";

type Path = readonly (string | number)[];

/** Where a text stops being JSON with comments. Line and column count from 1. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** New keys of the recipe are put in this order. */
const ORDER = ["$schema", "checkpoint", "graph", "edits", "data", "train", "save"];
const OPTIONS = { allowTrailingComma: true } as const;

export function syntaxProblem(text: string): SyntaxProblem | undefined {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, OPTIONS);
  const [first] = errors;
  if (!first && root?.type === "object") return undefined;
  const offset = first?.offset ?? root?.offset ?? 0;
  const before = text.slice(0, offset).split("\n");
  return {
    offset,
    line: before.length,
    column: (before.at(-1) ?? "").length + 1,
    message: first ? explain(printParseErrorCode(first.error)) : "a recipe is an object: { … }",
  };
}

/** The recipe as plain values, as far as the text can be read. */
export function readRecipe(text: string): Readonly<Record<string, unknown>> {
  const root = parseTree(text, [], OPTIONS);
  const value: unknown = root ? getNodeValue(root) : undefined;
  return isObject(value) ? value : {};
}

export function readEdits(text: string): readonly Readonly<Record<string, unknown>>[] {
  const { edits } = readRecipe(text);
  return Array.isArray(edits) ? edits.filter(isObject) : [];
}

export function newRecipe(checkpoint: string): string {
  return `{\n  "checkpoint": ${JSON.stringify(checkpoint)}\n}\n`;
}

/** Writes `value` at the end of `edits`. */
export function appendEdit(text: string, value: Readonly<Record<string, unknown>>): string {
  const root = parseTree(text, [], OPTIONS);
  const edits = root && findNodeAtLocation(root, ["edits"]);
  if (edits?.type !== "array") return setValue(text, ["edits"], [value]);
  return insertInto(text, edits, edits.children?.at(-1), { value });
}

/** Removes the value at `path`, with the comma that it needed. */
export function removeValue(text: string, path: Path): string {
  return applyEdits(
    text,
    modify(text, [...path], undefined, { formattingOptions: formatting(text) }),
  );
}

/**
 * Makes the value at `path` equal to `value` and touches nothing that already is:
 * objects are compared key by key, so that comments between unchanged keys stay.
 */
export function setValue(text: string, path: Path, value: unknown): string {
  const root = parseTree(text, [], OPTIONS);
  const node = root && findNodeAtLocation(root, [...path]);
  if (!root || !node) return insertAt(text, path, value);
  const old: unknown = getNodeValue(node);
  if (JSON.stringify(old) === JSON.stringify(value)) return text;
  if (isObject(old) && isObject(value)) {
    let result = text;
    for (const key of Object.keys(old))
      if (!(key in value)) result = removeValue(result, [...path, key]);
    for (const [key, item] of Object.entries(value))
      result = setValue(result, [...path, key], item);
    return result;
  }
  if (
    Array.isArray(old) &&
    Array.isArray(value) &&
    old.length === value.length &&
    old.some(isObject)
  ) {
    return value.reduce<string>((result, item, i) => setValue(result, [...path, i], item), text);
  }
  const indent = indentAt(text, node.offset);
  const used = node.offset - lineStart(text, node.offset) - indent.length;
  const printed = print(value, layoutOf(text), indent, used);
  return text.slice(0, node.offset) + printed + text.slice(node.offset + node.length);
}

/** The one replacement that turns `before` into `after`. */
export function difference(
  before: string,
  after: string,
): { start: number; end: number; text: string } {
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < most - start && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return { start, end: before.length - tail, text: after.slice(start, after.length - tail) };
}

/** A value to insert; a member of an object has a key. */
interface Child {
  readonly key?: string;
  readonly value: unknown;
}

function insertAt(text: string, path: Path, value: unknown): string {
  const key = path.at(-1);
  const root = parseTree(text, [], OPTIONS);
  const parent = root && findNodeAtLocation(root, [...path.slice(0, -1)]);
  if (key === undefined || !root) return `${print(value, layoutOf(text), "")}\n`;
  if (!parent) return insertAt(text, path.slice(0, -1), nest(key, value));
  const last = parent.children?.at(-1);
  if (typeof key === "number") return insertInto(text, parent, last, { value });
  const previous = path.length === 1 ? predecessor(parent, key) : last;
  return insertInto(text, parent, previous, { key, value });
}

/** The property that a top-level `key` comes after; none puts it first. */
function predecessor(root: Node, key: string): Node | undefined {
  const rank = ORDER.indexOf(key);
  if (rank < 0) return root.children?.at(-1);
  const before = root.children?.filter((child) => {
    const other = ORDER.indexOf(String(child.children?.[0]?.value));
    return other >= 0 && other < rank;
  });
  return before?.at(-1);
}

/** A new child of an array or object, after `previous` (none: as the first). */
function insertInto(text: string, parent: Node, previous: Node | undefined, child: Child): string {
  const inside = text.slice(parent.offset, parent.offset + parent.length);
  const plain = !inside.includes("\n") && !/\/[/*]/.test(inside);
  return plain && parent.parent
    ? reprint(text, parent, child)
    : insertLine(text, parent, previous, child);
}

/** A container on one line is written anew, on one line while it fits. */
function reprint(text: string, parent: Node, child: Child): string {
  const old: unknown = getNodeValue(parent);
  const value =
    child.key === undefined
      ? [...(Array.isArray(old) ? old : []), child.value]
      : { ...(isObject(old) ? old : {}), [child.key]: child.value };
  const indent = indentAt(text, parent.offset);
  const used = parent.offset - lineStart(text, parent.offset) - indent.length;
  const printed = print(value, layoutOf(text), indent, used);
  return text.slice(0, parent.offset) + printed + text.slice(parent.offset + parent.length);
}

/** A line of its own. A comment behind `previous` on its line belongs to it and stays behind it. */
function insertLine(text: string, parent: Node, previous: Node | undefined, child: Child): string {
  const layout = layoutOf(text);
  const outer = indentAt(text, parent.offset);
  const next = previous
    ? parent.children?.[parent.children.indexOf(previous) + 1]
    : parent.children?.[0];
  const sibling = previous ?? next;
  const aligned = sibling && indentAt(text, sibling.offset) !== outer;
  const indent = aligned ? indentAt(text, sibling.offset) : outer + layout.unit;
  const name = child.key === undefined ? "" : `${JSON.stringify(child.key)}: `;
  const line = layout.eol + indent + name + print(child.value, layout, indent, name.length);

  const close = parent.offset + parent.length - 1;
  const end = previous ? previous.offset + previous.length : parent.offset + 1;
  const behind = previous ? endOfItem(text, end) : { offset: end, comma: true };
  const head = text.slice(0, end) + (behind.comma ? "" : ",") + text.slice(end, behind.offset);
  if (next) {
    const rest = text.slice(behind.offset);
    return `${head}${line},${/^[ \t]*\r?\n/.test(rest) ? rest : layout.eol + indent + rest.trimStart()}`;
  }
  // What stands before the bracket, a comment perhaps, stays before the new line.
  const comments = text.slice(behind.offset, close).trimEnd();
  const comma = previous && behind.comma ? "," : "";
  return `${head}${comments}${line}${comma}${layout.eol}${outer}${text.slice(close)}`;
}

/** The end of what belongs to an item that ends at `offset`: its comma and a comment on the same line. */
function endOfItem(text: string, offset: number): { offset: number; comma: boolean } {
  const rest = text.slice(offset);
  const found =
    /^[ \t]*(?:\/\*[^\n]*?\*\/[ \t]*)*(,?)[ \t]*(?:\/\/[^\r\n]*|(?:\/\*[^\n]*?\*\/[ \t]*)(?=\r?\n))?/.exec(
      rest,
    );
  const end = (found?.[0] ?? "").trimEnd().length;
  return { offset: offset + end, comma: found?.[1] === "," };
}

function layoutOf(text: string): Layout {
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  return {
    unit: unit.startsWith("\t") ? "\t" : unit,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
    width: 100,
  };
}

function formatting(text: string) {
  const { unit, eol } = layoutOf(text);
  return { insertSpaces: !unit.startsWith("\t"), tabSize: unit.length, eol };
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? "";
}

function nest(key: string | number, value: unknown): unknown {
  return typeof key === "number" ? [value] : { [key]: value };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  CommaExpected: "a comma is expected",
  ColonExpected: "a colon is expected",
  PropertyNameExpected: "a property name in double quotes is expected",
  ValueExpected: "a value is expected",
  CloseBraceExpected: "a closing } is expected",
  CloseBracketExpected: "a closing ] is expected",
  EndOfFileExpected: "the end of the file is expected",
  InvalidSymbol: "this word is not JSON",
  InvalidNumberFormat: "this is not a number",
  UnexpectedEndOfComment: "a comment is not closed",
  UnexpectedEndOfString: "a string is not closed",
  UnexpectedEndOfNumber: "a number is not complete",
};

function explain(code: string): string {
  return EXPLANATIONS[code] ?? "this is not JSON with comments";
}
