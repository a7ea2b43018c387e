// The training panel: one webview beside the recipe that shows one run. Everything it shows comes as messages; after a
// reload it asks again and gets the run from its first event.
import { randomBytes } from "node:crypto";
import * as path from "node:path";
import * as vscode from "vscode";
import type { FromPanel, ToPanel } from "../../protocol/panel";
import type { RunEvent } from "../../protocol/run";
import { Disposables } from "../disposables";
import { messageOf } from "../engine/errors";
import { columnOf } from "../recipe/edit";
import { panelPage } from "./html";
import type { Runs } from "./store";

const TYPE = "graft.training";

export class TrainingPanel implements vscode.Disposable {
  private readonly store = new Disposables();
  private panel: vscode.WebviewPanel | undefined;
  private run: string | undefined;
  private ready = false;
  /** Raised with every whole picture that is sent, so that an older one cannot overtake it. */
  private turn = 0;
  /** Events that the panel has not been sent. */
  private waiting: RunEvent[] = [];

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly runs: Runs,
    private readonly act: (message: Exclude<FromPanel, { type: "ready" }>) => void,
  ) {
    this.store.add(
      runs.onEvent(({ run, event }) => {
        if (run !== this.run || !this.ready) return;
        this.waiting.push(event);
        // Those that come in one message go on in one.
        if (this.waiting.length === 1) queueMicrotask(() => this.pass(run));
        // Its state is in the summary, which the engine writes by then.
        if (event.event === "ended") void runs.refresh().then(() => this.send());
      }),
    );
    this.store.add(
      vscode.window.registerWebviewPanelSerializer(TYPE, {
        deserializeWebviewPanel: async (panel) => {
          this.adopt(panel);
          const [latest] = await runs.refresh();
          if (latest && this.run === undefined) this.run = latest.run;
          await this.send();
        },
      }),
    );
  }

  /** Shows a run, without taking the focus. */
  async show(run: string): Promise<void> {
    this.run = run;
    if (this.panel) this.panel.reveal(undefined, true);
    else {
      const where = { viewColumn: this.beside(run), preserveFocus: true };
      this.adopt(vscode.window.createWebviewPanel(TYPE, "Training", where, {}));
    }
    await this.send();
  }

  /** Shows what has changed in a run that has ended, if it is the one that is shown. */
  async update(run: string): Promise<void> {
    if (run === this.run) await this.send();
  }

  dispose(): void {
    this.panel?.dispose();
    this.store.dispose();
  }

  /** Right of the recipe, so that neither covers the other. */
  private beside(run: string): vscode.ViewColumn {
    const recipe = this.runs.get(run)?.recipe ?? this.runs.at(run)?.recipe;
    const column = recipe === undefined ? undefined : columnOf(vscode.Uri.file(recipe));
    return column === undefined ? vscode.ViewColumn.Beside : column + 1;
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.panel?.dispose();
    this.panel = panel;
    this.ready = false;
    const { webview } = panel;
    const folder = vscode.Uri.joinPath(this.extensionUri, "dist", "webview");
    webview.options = { enableScripts: true, localResourceRoots: [folder] };
    const received = webview.onDidReceiveMessage((message: FromPanel) => {
      if (message.type !== "ready") return this.act(message);
      this.ready = true;
      void this.send();
    });
    panel.onDidDispose(() => {
      received.dispose();
      if (this.panel !== panel) return;
      this.panel = undefined;
      this.ready = false;
    });
    const uri = (name: string) =>
      webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
    webview.html = panelPage({
      nonce: randomBytes(16).toString("base64"),
      source: webview.cspSource,
      script: uri("panel.js"),
      styles: [uri("panel.css")],
    });
  }

  private pass(run: string): void {
    const events = this.waiting;
    this.waiting = [];
    if (run === this.run && this.ready) void this.post({ type: "events", run, events });
  }

  /** The whole picture: the run and every event so far. */
  private async send(): Promise<void> {
    const { panel, run } = this;
    if (!panel || !this.ready) return;
    if (run === undefined)
      return this.post({ type: "empty", message: "Nothing has been trained yet." });
    const turn = ++this.turn;
    try {
      if (!this.runs.get(run)) await this.runs.refresh();
      const summary = this.runs.get(run);
      const events = await this.runs.events(run);
      if (turn !== this.turn || this.panel !== panel) return;
      if (!summary)
        return await this.post({ type: "empty", message: "This run is no longer kept." });
      panel.title = `Training ${path.basename(summary.recipe)}`;
      await this.post({ type: "show", run: summary, events });
    } catch (error) {
      await this.post({ type: "empty", message: messageOf(error) });
    }
  }

  private async post(message: ToPanel): Promise<void> {
    await this.panel?.webview.postMessage(message);
  }
}
