// Values of scalar placeholders while training, such as keep_prob: asked for by Train, by a quick fix, or to change one.
import * as vscode from "vscode";
import type { ScalarFeed } from "../../protocol/plan";
import type { App } from "../app";
import { changeRecipe } from "../recipe/edit";
import { existing, type Target } from "../recipe/target";
import { setValue } from "../recipe/text";
import { checkFeed, feedConsequence, feedPrompt, readNumber } from "./answers";
import { BACK, input, pick } from "./ask";
import { confirmText } from "./confirm";
import { editable } from "./edit";
import { planOf } from "./plan";
import { tell } from "../messages";

/** `what`: the recipe whose quick fix was used; `feed`: what it is about. */
export async function setFeed(app: App, what: unknown, feed?: unknown): Promise<void> {
  const target = await editable(app, what);
  if (!target) return;
  const chosen = isFeed(feed) ? feed : await whichFeed(app, target);
  if (chosen) await askFeed(target, chosen);
}

/** Asks for every value that training lacks. False when one stays unsaid. Where more is wrong, that comes first. */
export async function askMissingFeeds(app: App, target: Target): Promise<boolean> {
  const { problems } = await app.plans.of(await vscode.workspace.openTextDocument(target.uri));
  if (problems.some(({ severity, feed }) => severity === "error" && !feed)) return true;
  for (const { feed } of problems)
    if (feed && !(await askFeed(await existing(target.uri), feed))) return false;
  return true;
}

async function askFeed(target: Target, feed: ScalarFeed): Promise<boolean> {
  const title = `Value of ${feed.name}`;
  const suggestion = feed.value ?? (feed.kind === "number" ? "" : 0.5);
  let text = String(suggestion);
  for (;;) {
    const question = { title, prompt: feedPrompt(feed), step: 1, steps: 2 };
    const answer = await input(question, text, (typed) => checkFeed(feed.kind, typed));
    if (answer === undefined || answer === BACK) return false;
    text = answer;
    const value = readNumber(text);
    const next = { title, prompt: "", step: 2, steps: 2 };
    const confirmed = await confirmText(target, feedConsequence(feed, value), next);
    if (confirmed === undefined) return false;
    if (confirmed === BACK) continue;
    return changeRecipe(target, (now) => setValue(now, ["graph", "feeds", feed.name], value));
  }
}

async function whichFeed(app: App, target: Target): Promise<ScalarFeed | undefined> {
  const { feeds } = await planOf(app, target);
  if (feeds.length === 0) {
    tell(
      "info",
      "Training reads no placeholder but the samples and labels: there is nothing to set.",
    );
    return undefined;
  }
  if (feeds.length === 1) return feeds[0];
  const choices = feeds.map((value) => ({
    label: value.name,
    description: value.value === undefined ? "not set" : String(value.value),
    detail: feedPrompt(value),
    iconPath: new vscode.ThemeIcon("symbol-parameter"),
    value,
  }));
  const answer = await pick({ title: "Set Value of Placeholder", prompt: "Which one?" }, choices);
  return answer === BACK ? undefined : answer;
}

function isFeed(what: unknown): what is ScalarFeed {
  return typeof what === "object" && what !== null && "name" in what && "kind" in what;
}
