// Where the extension begins: makes the services, wires them, and hands them to VS Code.
import * as path from "node:path";
import * as vscode from "vscode";
import type { App } from "./app";
import { registerCommands, perform } from "./commands/table";
import { tell } from "./messages";
import { openInFront } from "./recipe/edit";
import { EngineClient } from "./engine/client";
import { registerDecorations } from "./layers/decorations";
import { LayersView } from "./layers/view";
import { registerDiagnostics } from "./recipe/diagnostics";
import { registerFixes } from "./recipe/fixes";
import { registerLenses } from "./recipe/lenses";
import { Plans } from "./recipe/plans";
import { registerProgress } from "./recipe/progress";
import { Recipes } from "./recipe/recipes";
import { registerReports } from "./report";
import { registerInterrupted } from "./run/interrupted";
import { registerOutcomes } from "./run/notify";
import { TrainingPanel } from "./run/panel";
import { registerStatus } from "./run/status";
import { Runs } from "./run/store";
import { registerRunsView } from "./run/view";
import { Session } from "./session";
import { engineEnvironment, watchSettings } from "./settings";
import { Checkpoints } from "./workspace";

/** For tests: what a person sees, as values. */
export interface Api {
  readonly app: App;
}

export function activate(context: vscode.ExtensionContext): Api {
  const own = <T extends vscode.Disposable>(item: T): T => {
    context.subscriptions.push(item);
    return item;
  };
  const { extensionUri, workspaceState: memory } = context;
  const log = own(vscode.window.createOutputChannel("Graft", { log: true }));
  const script = path.join(context.extensionPath, "dist", "engine.js");
  const engine = own(new EngineClient(script, engineEnvironment, log));
  const checkpoints = own(new Checkpoints(engine, log));
  const recipes = own(new Recipes(memory));
  const plans = own(new Plans(engine));
  const session = own(new Session(engine, checkpoints, recipes, plans, memory));
  const layers = own(new LayersView(checkpoints, session));
  const runs = own(new Runs(engine, log));
  const panel = own(new TrainingPanel(extensionUri, runs, (message) => fromPanel(message)));
  const app: App = {
    extensionUri,
    memory,
    log,
    engine,
    checkpoints,
    recipes,
    plans,
    session,
    layers,
    runs,
    panel,
  };
  const fromPanel = panelActions(app);

  own(registerCommands(app));
  own(registerDecorations());
  own(registerDiagnostics(plans, engine));
  own(registerFixes());
  own(registerLenses(runs));
  own(registerProgress(runs));
  own(registerReports());
  own(registerStatus(runs));
  own(registerRunsView(runs));
  own(registerOutcomes(app));
  own(registerInterrupted(app));
  own(watchSettings(engine, runs));
  own(
    engine.onGaveUp((why) =>
      tell("error", `The Graft engine keeps stopping (${why}).`, {
        Restart: () => engine.restart(),
        "Show Log": () => log.show(),
      }),
    ),
  );
  return { app };
}

/** What buttons in the training panel do. */
function panelActions(app: App): ConstructorParameters<typeof TrainingPanel>[2] {
  return (message) => {
    switch (message.type) {
      case "stop":
        return void perform(app, "graft.stop", message.run);
      case "resume":
        return void perform(app, "graft.resume", message.run);
      case "saveAs":
        return void perform(app, "graft.saveResultAs", message.run);
      case "copyCode":
        return void perform(app, "graft.copyLoadCode", message.path);
      case "openRecipe":
        return void openInFront(vscode.Uri.file(message.recipe));
    }
  };
}
