// Places in a recipe's text: JSON pointers to offsets. Knows no VS Code.
import { findNodeAtLocation, parseTree, type Node } from "jsonc-parser";

export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** The value at `pointer`; where there is none, the nearest thing around it: the key of its parent. */
export function pointerSpan(text: string, pointer: string): Span {
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (!root) return { offset: 0, length: Math.min(1, text.length) };
  const segments = segmentsOf(pointer);
  for (let depth = segments.length; depth >= 0; depth--) {
    const node = locate(root, segments.slice(0, depth));
    if (!node) continue;
    if (depth === segments.length && depth > 0) return span(node);
    const key = node.parent?.type === "property" ? node.parent.children?.[0] : undefined;
    return key ? span(key) : { offset: node.offset, length: Math.min(1, node.length) };
  }
  return { offset: root.offset, length: 1 };
}

/** The value at `pointer`, or nothing. */
export function pointerNode(text: string, pointer: string): Span | undefined {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const node = root && locate(root, segmentsOf(pointer));
  return node ? span(node) : undefined;
}

/** The key of a top-level property, where a lens stands. */
export function keySpan(text: string, key: string): Span | undefined {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const node = root && findNodeAtLocation(root, [key]);
  return node?.parent ? span(node.parent) : undefined;
}

export function segmentsOf(pointer: string): readonly string[] {
  if (pointer === "" || pointer === "/") return [];
  return pointer
    .replace(/^\//, "")
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function locate(root: Node, segments: readonly string[]): Node | undefined {
  let node: Node | undefined = root;
  for (const segment of segments) {
    if (node?.type === "array") node = node.children?.[Number(segment)];
    else if (node?.type === "object")
      node = node.children?.find((child) => child.children?.[0]?.value === segment)?.children?.[1];
    else return undefined;
  }
  return node;
}

function span(node: Node): Span {
  return { offset: node.offset, length: node.length };
}
