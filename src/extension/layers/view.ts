// The Layers view: the tree, its message, its filter.
import * as vscode from "vscode";
import { debounce, Disposables } from "../disposables";
import type { Session } from "../session";
import { count } from "../words";
import type { Checkpoints } from "../workspace";
import { decorationUri } from "./decorations";
import { buildTree, nodeId, type LayerNode, type LayerTree } from "./nodes";
import { rowOf } from "./rows";

export const LAYERS_VIEW = "graft.layers";

export class LayersView implements vscode.TreeDataProvider<LayerNode>, vscode.Disposable {
  private readonly store = new Disposables();
  private readonly changed = this.store.add(new vscode.EventEmitter<undefined>());
  private readonly view: vscode.TreeView<LayerNode>;
  private tree: LayerTree = buildTree([], undefined, "");
  private text = "";

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly checkpoints: Checkpoints,
    private readonly session: Session,
  ) {
    this.view = this.store.add(
      vscode.window.createTreeView(LAYERS_VIEW, { treeDataProvider: this, showCollapseAll: true }),
    );
    const update = this.store.add(debounce(20, () => this.update()));
    this.store.add(checkpoints.onDidChange(update));
    this.store.add(session.onDidChange(update));
    update();
  }

  get visible(): boolean {
    return this.view.visible;
  }

  get filter(): string {
    return this.text;
  }

  set filter(text: string) {
    this.text = text.trim();
    void vscode.commands.executeCommand("setContext", "graft.filtered", this.text !== "");
    this.update();
  }

  /** The layer whose row, or whose variable's row, is selected. */
  get selectedLayer(): string | undefined {
    const [node] = this.view.selection;
    if (node?.kind === "layer") return node.layer.name;
    return node?.kind === "variable" ? node.layer?.name : undefined;
  }

  async focus(): Promise<void> {
    await vscode.commands.executeCommand(`${LAYERS_VIEW}.focus`);
  }

  /** Shows the open checkpoint's row, expanded. */
  async revealOpen(): Promise<void> {
    this.update();
    const root = this.tree.roots.find((node) => node.kind === "checkpoint" && node.open);
    if (root) await this.view.reveal(root, { select: true, focus: true, expand: true });
  }

  async getChildren(node?: LayerNode): Promise<LayerNode[]> {
    if (node) return [...(this.tree.children.get(node) ?? [])];
    // Being looked at is what starts the search, and with it the engine.
    await this.checkpoints.ready();
    return [...this.tree.roots];
  }

  getParent(node: LayerNode): LayerNode | undefined {
    return this.tree.parents.get(node);
  }

  getTreeItem(node: LayerNode): vscode.TreeItem {
    const row = rowOf(node, (path) => this.folderOf(path));
    const item = new vscode.TreeItem(row.label, this.collapsible(node));
    item.id = this.text === "" ? nodeId(node) : `${nodeId(node)}?${this.text}`;
    item.description = row.description;
    item.iconPath = new vscode.ThemeIcon(row.icon);
    item.tooltip = new vscode.MarkdownString(row.tooltip);
    item.contextValue = row.context;
    item.accessibilityInformation = { label: row.spoken };
    if (row.state && node.kind === "layer")
      item.resourceUri = decorationUri(node.layer.name, row.state);
    if (node.kind === "checkpoint" && !node.open)
      item.command = { command: "graft.inspect", title: "Inspect Checkpoint", arguments: [node] };
    if (node.kind === "noGraph" && node.graph !== undefined)
      item.command = { command: "graft.useGraph", title: "Use Graph of Another Checkpoint" };
    return item;
  }

  dispose(): void {
    this.store.dispose();
  }

  private collapsible(node: LayerNode): vscode.TreeItemCollapsibleState {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    if (node.kind === "checkpoint") return node.open ? Expanded : None;
    if (!this.tree.children.get(node)?.length) return None;
    // A layer that only matches by a variable shows that variable.
    const byVariable =
      node.kind === "layer" &&
      (this.tree.children.get(node)?.length ?? 0) < node.layer.variables.length;
    return byVariable ? Expanded : Collapsed;
  }

  /** Said in the row only where two checkpoints share a name. */
  private folderOf(path: string): string {
    const files = this.checkpoints.files;
    const name = files.find((file) => file.path === path)?.name;
    if (files.filter((file) => file.name === name).length < 2) return "";
    const folder = (inWorkspace?: boolean) =>
      vscode.workspace
        .asRelativePath(path, inWorkspace)
        .slice(0, -(name?.length ?? 0))
        .replace(/\/$/, "");
    // Of files in the workspace's own folder, that folder's name.
    return folder() || folder(true);
  }

  private update(): void {
    this.tree = buildTree(this.checkpoints.files, this.session.shown, this.text);
    const filter =
      this.text === ""
        ? ""
        : `Filter: ${this.text} (${count(this.tree.matching)} of ${count(this.tree.layers)} layers)`;
    this.view.description = this.text === "" ? undefined : `filter: ${this.text}`;
    const message = [this.session.message, filter].filter((part) => part !== "").join(" ");
    this.view.message = message === "" ? undefined : message;
    void vscode.commands.executeCommand(
      "setContext",
      "graft.open",
      this.session.shown !== undefined,
    );
    this.changed.fire(undefined);
  }
}
