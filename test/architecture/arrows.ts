// Who may import whom. The most specific folder of a file decides.
import type { Import } from "./imports";

interface Rule {
  /** Folders besides its own. */
  readonly folders: readonly string[];
  /** Packages and Node's own modules. */
  readonly packages: (name: string) => boolean;
}

const isNode = (name: string): boolean => name.startsWith("node:");
const isEditor = (name: string): boolean => name === "vscode";

const protocol = "src/protocol";
const graph = "src/engine/graph";
const ops = "src/engine/ops";

export const RULES: Readonly<Record<string, Rule>> = {
  [protocol]: { folders: [], packages: () => false },
  "src/extension": { folders: [protocol], packages: (name) => !name.startsWith("@tensorflow/") },
  "src/webview": { folders: [protocol], packages: (name) => !isNode(name) && !isEditor(name) },
  "src/engine": { folders: [protocol], packages: (name) => !isEditor(name) },
  [graph]: { folders: [protocol], packages: () => false },
  [ops]: {
    folders: [protocol, graph],
    packages: (name) => !isNode(name) && !isEditor(name),
  },
  "src/engine/compile": {
    folders: [graph, ops],
    packages: (name) => !isNode(name) && !isEditor(name),
  },
  "src/engine/surgery": {
    folders: [protocol, graph, ops],
    // A person's pattern runs where it can be interrupted; that is no I/O.
    packages: (name) => (!isNode(name) || name === "node:vm") && !isEditor(name),
  },
};

const isIn = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

export const ruledFolder = (file: string): string | undefined =>
  Object.keys(RULES)
    .filter((folder) => isIn(file, folder))
    .sort((a, b) => b.length - a.length)[0];

export function isAllowed({ file, target }: Import): boolean {
  const own = ruledFolder(file);
  if (own === undefined) return false;
  const { folders, packages } = RULES[own]!;
  if (!target.startsWith("src/")) return packages(target);
  return [own, ...folders].some((folder) => isIn(target, folder));
}
