// Choose Data: what to learn from, out of the files of the workspace or of a dialog.
import * as path from "node:path";
import * as vscode from "vscode";
import type { DataCandidate } from "../../protocol/engine";
import type { App } from "../app";
import { DATA_GLOB, EXCLUDE_GLOB } from "../files";
import { shape } from "../words";
import { changeRecipe } from "../recipe/edit";
import { existing, type Target } from "../recipe/target";
import { readRecipe, setValue } from "../recipe/text";
import { BACK, pick, type Choice } from "./ask";
import { editable } from "./edit";
import { askMissingFeeds } from "./feeds";

const MOST_FILES = 500;
const EXTENSIONS = ["npy", "npz", "csv", "tsv"];
const CHOOSE_FILES = Symbol("choose files");

export async function chooseData(app: App, recipe: unknown): Promise<boolean> {
  const target = await editable(app, recipe);
  if (!target || !(await chooseDataFor(app, target))) return false;
  return askMissingFeeds(app, await existing(target.uri));
}

/** True when the recipe names data now. */
export async function chooseDataFor(app: App, target: Target): Promise<boolean> {
  let candidates = propose(app, target, await nearbyFiles(target));
  let found = "";
  for (;;) {
    const prompt = `What to learn from${found}`;
    const chosen = await pick(
      { title: "Choose Data", prompt, step: 1, steps: 2 },
      items(candidates),
    );
    if (chosen === undefined || chosen === BACK) return false;
    if (chosen === CHOOSE_FILES) {
      const files = await askFiles(target);
      if (!files) return false;
      const fitting = await propose(app, target, files);
      if (fitting.length > 0) candidates = Promise.resolve(fitting);
      else found = `. ${nothingFits(app)}`;
      continue;
    }
    const layout = chosen.ambiguousLayout ? await askLayout(app, chosen, target) : undefined;
    if (layout === BACK) continue;
    if (layout === undefined && chosen.ambiguousLayout) return false;
    const validation = await askValidation(chosen, target);
    if (validation === undefined) return false;
    if (validation === BACK) continue;
    const data = {
      ...chosen.data,
      ...(layout !== undefined && { layout }),
      ...(chosen.classes.length > 0 ? { classes: chosen.classes } : {}),
      validation,
    };
    return changeRecipe(target, (text) => setValue(text, ["data"], data));
  }
}

function propose(
  app: App,
  { path: recipe, text }: Target,
  files: readonly string[],
): Promise<readonly DataCandidate[]> {
  if (files.length === 0) return Promise.resolve([]);
  return app.engine.call("proposeData", { path: recipe, text, files });
}

async function items(
  candidates: Promise<readonly DataCandidate[]>,
): Promise<readonly Choice<DataCandidate | typeof CHOOSE_FILES>[]> {
  const found = (await candidates).map((value) => ({
    label: value.label,
    detail: value.detail,
    value,
  }));
  return [
    ...found,
    {
      label: "$(folder-opened) Choose files…",
      detail: "Arrays with one row per sample, and their labels: .npy, .npz or .csv",
      value: CHOOSE_FILES,
    },
  ];
}

/** Arrays that fit in both layouts: only their owner knows which axis is time. */
function askLayout(app: App, candidate: DataCandidate, target: Target) {
  const before = recipeData(target).layout;
  const usual = app.session.shown?.file.format === "dl4j" ? "NFT" : "NTF";
  const choices = [
    {
      value: "NTF",
      label: "[samples, time, features]",
      detail: "A row of features for each time step: TensorFlow, Keras",
    },
    {
      value: "NFT",
      label: "[samples, features, time]",
      detail: "A row of time steps for each feature: Deeplearning4j",
    },
  ].map((choice) => {
    const { value } = choice;
    const word = value === before ? " · now" : value === usual ? " · usual for this network" : "";
    return { ...choice, description: `${value}${word}` };
  });
  const active =
    choices.find(({ value }) => value === before) ?? choices.find(({ value }) => value === usual);
  const question = {
    title: `${candidate.label} into ${target.name}`,
    prompt: "The array fits the network in both ways. Which axis is time?",
    step: 2,
    steps: 3,
  };
  return pick(question, choices, active);
}

function recipeData({ text }: Target): Readonly<Record<string, unknown>> {
  const { data } = readRecipe(text);
  return typeof data === "object" && data !== null ? { ...data } : {};
}

async function askValidation(candidate: DataCandidate, target: Target) {
  const before = recipeData(target).validation;
  const shares = [0.2, 0.1, 0.3, 0];
  const choices = shares.map((value) => ({
    label: value === 0 ? "None" : `${Math.round(value * 100)} %`,
    description: value === before ? "now" : value === 0.2 ? "usual" : "",
    detail: value === 0 ? "Every sample trains; nothing says how the network does on new ones" : "",
    value: value as unknown,
  }));
  if (before !== undefined && !shares.includes(before as number))
    choices.unshift({
      label: "As it is",
      description: JSON.stringify(before),
      detail: "",
      value: before,
    });
  const active = choices.find(({ value }) => value === before);
  const question = {
    title: `${candidate.label} into ${target.name}`,
    prompt: "Share of the samples kept aside to validate with",
    ...(candidate.ambiguousLayout ? { step: 3, steps: 3 } : { step: 2, steps: 2 }),
  };
  return pick(question, choices, active);
}

/** Data files of the workspace and beside the recipe. */
async function nearbyFiles(target: Target): Promise<readonly string[]> {
  const beside = new vscode.RelativePattern(vscode.Uri.file(path.dirname(target.path)), DATA_GLOB);
  const found = await Promise.all([
    vscode.workspace.findFiles(beside, EXCLUDE_GLOB, MOST_FILES),
    vscode.workspace.findFiles(DATA_GLOB, EXCLUDE_GLOB, MOST_FILES),
  ]);
  const files = found.flat().filter(({ scheme }) => scheme === "file");
  return [...new Set(files.map(({ fsPath }) => fsPath))].slice(0, MOST_FILES);
}

async function askFiles(target: Target): Promise<readonly string[] | undefined> {
  const uris = await vscode.window.showOpenDialog({
    title: "Samples and their labels",
    openLabel: "Learn from These",
    canSelectMany: true,
    defaultUri: vscode.Uri.file(path.dirname(target.path)),
    filters: { Data: EXTENSIONS },
  });
  return uris?.filter(({ scheme }) => scheme === "file").map(({ fsPath }) => fsPath);
}

function nothingFits(app: App): string {
  const inputs =
    app.session.plan?.inputs.map(
      ({ name, shape: sizes }) => `${name} (${shape(sizes.slice(1))})`,
    ) ?? [];
  return `Nothing in those files fits ${inputs.join(", ") || "the network's input"}`;
}
