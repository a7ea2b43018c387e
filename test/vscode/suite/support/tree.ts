// The Layers view as a person reads it.
import * as vscode from "vscode";
import type { App } from "../../../../src/extension/app";
import type { LayerNode } from "../../../../src/extension/layers/nodes";
import { until } from "./window";

/** The rows, once they show what the session knows. */
export function roots(app: App): Promise<readonly LayerNode[]> {
  return until("the rows are up to date", async () => {
    const { shown } = app.session;
    const all = await app.layers.getChildren();
    const open = all.find((node) => node.kind === "checkpoint" && node.open);
    const plan = open?.kind === "checkpoint" ? open.plan : undefined;
    const listed = all.length === app.checkpoints.files.length;
    return listed && plan === shown?.plan && (open === undefined) === (shown === undefined) && all;
  });
}

/** Every row as "icon label | description", indented; the children of layers only where they are asked for. */
export async function rows(app: App, variables = false): Promise<string[]> {
  const lines: string[] = [];
  const add = async (node: LayerNode, depth: number) => {
    lines.push("  ".repeat(depth) + textOf(app, node));
    if (depth > 0 && !variables) return;
    for (const child of await app.layers.getChildren(node)) await add(child, depth + 1);
  };
  for (const root of await roots(app)) await add(root, 0);
  return lines;
}

function textOf(app: App, node: LayerNode): string {
  const item = app.layers.getTreeItem(node);
  const { id } = item.iconPath as vscode.ThemeIcon;
  return `${id} ${typeof item.label === "string" ? item.label : (item.label?.label ?? "")} | ${String(item.description)}`;
}

async function find(app: App, wanted: (node: LayerNode) => boolean): Promise<LayerNode> {
  const search = async (nodes: readonly LayerNode[]): Promise<LayerNode | undefined> => {
    for (const node of nodes) {
      if (wanted(node)) return node;
      const below = await search(await app.layers.getChildren(node));
      if (below) return below;
    }
    return undefined;
  };
  const found = await search(await roots(app));
  if (!found) throw new Error(`There is no such row:\n${(await rows(app)).join("\n")}`);
  return found;
}

export const layer = (app: App, name: string): Promise<LayerNode> =>
  find(app, (node) => node.kind === "layer" && node.layer.name === name);

/** What a screen reader says of a row. */
export async function spoken(app: App, kind: LayerNode["kind"]): Promise<string | undefined> {
  const node = await find(app, (other) => other.kind === kind);
  return app.layers.getTreeItem(node).accessibilityInformation?.label;
}

/** What the lock on a layer's row does. */
export async function toggle(app: App, command: "freeze" | "unfreeze", name: string) {
  await vscode.commands.executeCommand(`graft.${command}Layer`, await layer(app, name));
}
