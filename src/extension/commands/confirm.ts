// The last step of an edit: what it would do, before it is written.
import type { EditValue } from "../../protocol/engine";
import type { App } from "../app";
import type { Target } from "../recipe/target";
import { BACK, pick, type Answer, type Choice, type Question } from "./ask";

/** Wider texts are cut off by a quick pick. */
const WIDTH = 90;

/** What a sentence says, in rows that are not cut off. */
export const lines = (sentence: string): readonly string[] =>
  sentence.length <= WIDTH ? [sentence] : sentence.split("; ");

export async function confirm(
  app: App,
  target: Target,
  edit: EditValue,
  question: Question,
): Promise<Answer<"write">> {
  const { consequence, effects, problems } = await app.engine.call("preview", {
    path: target.path,
    text: target.text,
    edit,
  });
  const wrong = problems.some(({ severity }) => severity === "error");
  const rows = [
    ...problems.map(({ severity, message }) => `$(${severity}) ${message}`),
    ...effects.map((effect) => `$(blank) ${effect}`),
  ];
  return confirmText(target, consequence, question, rows, wrong);
}

export async function confirmText(
  target: Target,
  consequence: string,
  question: Question,
  more: readonly string[] = [],
  wrong = false,
): Promise<Answer<"write">> {
  const verb = target.exists ? "Write to" : "Create";
  const parts = lines(consequence);
  const write: Choice<"write" | "no"> = {
    label: `$(check) ${verb} ${target.name}${wrong ? " anyway" : ""}`,
    detail: parts[0] ?? "",
    value: "write",
  };
  const rest = [...parts.slice(1).map((part) => `$(blank) ${part}`), ...more];
  const rows = rest.map((label): Choice<"write" | "no"> => ({ label, value: "no" }));
  const leave: Choice<"write" | "no"> = {
    label: "$(close) Leave the recipe as it is",
    value: "no",
  };
  const answer = await pick(
    { ...question, prompt: question.prompt || "Enter writes, Escape leaves" },
    // Enter must not write what is wrong.
    wrong ? [leave, ...rows, write] : [write, ...rows, leave],
  );
  return answer === "write" || answer === BACK ? answer : undefined;
}
