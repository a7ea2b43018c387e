// What commands and views work with: the services of the extension, made once by `activate`.
import type * as vscode from "vscode";
import type { EngineClient } from "./engine/client";
import type { LayersView } from "./layers/view";
import type { Plans } from "./recipe/plans";
import type { Recipes } from "./recipe/recipes";
import type { TrainingPanel } from "./run/panel";
import type { Runs } from "./run/store";
import type { Session } from "./session";
import type { Checkpoints } from "./workspace";

export interface App {
  readonly extensionUri: vscode.Uri;
  readonly memory: vscode.Memento;
  readonly log: vscode.LogOutputChannel;
  readonly engine: EngineClient;
  readonly checkpoints: Checkpoints;
  readonly recipes: Recipes;
  readonly plans: Plans;
  readonly session: Session;
  readonly layers: LayersView;
  readonly runs: Runs;
  readonly panel: TrainingPanel;
}
