// The checkpoints of the workspace, found unasked and kept up to date.
import * as vscode from "vscode";
import type { CheckpointFile } from "../protocol/checkpoint";
import { debounce, Disposables } from "./disposables";
import type { EngineClient } from "./engine/client";
import { messageOf } from "./engine/errors";
import { CHECKPOINT_FILES_GLOB, CHECKPOINT_GLOB, EXCLUDE_GLOB } from "./files";
import { isInside, watchFolders } from "./folders";

/** A workspace with more files than this is looked at in part. */
const MOST_FILES = 5000;

export class Checkpoints implements vscode.Disposable {
  private readonly store = new Disposables();
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  private readonly contents = this.store.add(new vscode.EventEmitter<readonly string[]>());
  private readonly touched = new Set<string>();
  private found: readonly CheckpointFile[] = [];
  private search: Promise<void> | undefined;

  /** The list changed. */
  readonly onDidChange = this.changed.event;
  /** Files on disk were written; their paths. */
  readonly onDidWrite = this.contents.event;

  constructor(
    private readonly engine: EngineClient,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const refresh = this.store.add(debounce(500, () => void this.refresh()));
    const written = this.store.add(
      debounce(500, () => {
        const paths = [...this.touched];
        this.touched.clear();
        this.contents.fire(paths);
      }),
    );
    // `.data-*` files too: they are written last, and a checkpoint without them is incomplete.
    const watcher = this.store.add(vscode.workspace.createFileSystemWatcher(CHECKPOINT_FILES_GLOB));
    const note = (uri: vscode.Uri) => {
      this.touched.add(uri.fsPath);
      written();
    };
    this.store.add(watcher.onDidCreate((uri) => (note(uri), refresh())));
    this.store.add(watcher.onDidDelete((uri) => (note(uri), refresh())));
    this.store.add(watcher.onDidChange(note));
    const within = (folder: string) =>
      this.found.some(({ files }) => files.some((file) => isInside(folder, file)));
    this.store.add(watchFolders(refresh, (folder) => within(folder) && refresh()));
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(refresh));
    this.store.add(engine.onRestarted(refresh));
  }

  get files(): readonly CheckpointFile[] {
    return this.found;
  }

  /** Resolves once the workspace has been looked through. */
  ready(): Promise<void> {
    return (this.search ??= this.find());
  }

  async refresh(): Promise<void> {
    this.search = this.find();
    await this.search;
  }

  private async find(): Promise<void> {
    const uris = await vscode.workspace.findFiles(CHECKPOINT_GLOB, EXCLUDE_GLOB, MOST_FILES);
    const files = uris.filter((uri) => uri.scheme === "file").map((uri) => uri.fsPath);
    if (uris.length >= MOST_FILES)
      this.log.warn(`More than ${MOST_FILES} files could be checkpoints; the rest is not listed`);
    try {
      const found = files.length === 0 ? [] : await this.engine.call("recognize", { files });
      this.found = found.toSorted((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
    } catch (error) {
      this.log.error(`Looking for checkpoints: ${messageOf(error)}`);
    }
    this.changed.fire();
  }

  dispose(): void {
    this.store.dispose();
  }
}
