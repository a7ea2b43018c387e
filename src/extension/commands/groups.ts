// Train a Part Differently: a parameter group of a phase, with its own learning rate, optimizer or L2.
import { OPTIMIZER_NAMES, optimizerLabel, OPTIMIZERS } from "../../protocol/optimizers";
import type { App } from "../app";
import { changeRecipe } from "../recipe/edit";
import { checkNumber, checkPositive, readNumber } from "./answers";
import { BACK, input, pick, pickOrType, walk, type Answer, type Question } from "./ask";
import { confirmText } from "./confirm";
import { editable, layerOf } from "./edit";
import { groupText, withGroup, type Group } from "./groupText";
import { withOptimizer } from "./settings";
import { readPhases, whichPhase, writePhase } from "./training";

const STEPS = 4;
const TITLE = "Train a Part Differently";

interface Answers {
  readonly part?: "new" | "old" | "layers";
  readonly how?: keyof typeof HOW;
  readonly group: Group;
}

const PARTS = [
  {
    value: "new",
    label: "New numbers",
    detail: "Those that are not out of the checkpoint, such as added units",
  },
  { value: "old", label: "Trained numbers", detail: "Those out of the checkpoint" },
  { value: "layers", label: "A layer…", detail: "By its name, or a pattern for several" },
] as const;

const HOW = {
  learningRate: { label: "Learning rate", detail: "Its own, with the phase's optimizer" },
  optimizer: { label: "Optimizer", detail: "Its own, with that optimizer's default settings" },
  l2: { label: "L2 regularization", detail: "l2 · w is added to the gradient of each weight w" },
} as const;

/** `row`: the row of a layer, or the recipe whose lens was used. */
export async function trainPart(app: App, row: unknown): Promise<void> {
  const target = await editable(app, row);
  if (!target) return;
  const phases = readPhases(target.text);
  const index = await whichPhase(phases, TITLE);
  if (index === undefined) return;
  const layer = layerOf(row)?.name;
  const layers = app.session.plan?.layers.map(({ name }) => name) ?? [];
  const question = (step: number, prompt: string): Question => ({
    title: TITLE,
    prompt,
    step,
    steps: STEPS,
  });
  const start: Answers =
    layer === undefined ? { group: {} } : { part: "layers", group: { layers: layer } };
  const answers = await walk<Answers>(start, [
    (so) => (so.part === undefined ? askPart(question(1, "Which numbers"), layers, so) : null),
    async (so) => {
      const choices = Object.entries(HOW).map(([value, texts]) => ({
        ...texts,
        value: value as keyof typeof HOW,
      }));
      const how = await pick(question(2, "What is different"), choices);
      return how === undefined || how === BACK ? how : { ...so, how };
    },
    (so) => askValue(question(3, HOW[so.how!].label), so),
    async (so) => {
      const text = `${groupText(so.group)}; what no group takes trains as the phase says`;
      const answer = await confirmText(target, text, question(STEPS, ""));
      return answer === "write" ? so : answer;
    },
  ]);
  if (!answers) return;
  await changeRecipe(target, (text) =>
    writePhase(text, index, withGroup(readPhases(text)[index] ?? {}, answers.group)),
  );
}

async function askPart(
  question: Question,
  layers: readonly string[],
  so: Answers,
): Promise<Answer<Answers>> {
  const part = await pick(question, PARTS);
  if (part === undefined || part === BACK) return part;
  if (part !== "layers") return { ...so, part, group: { numbers: part } };
  const name = await pickOrType({ ...question, prompt: "Layer, or a pattern" }, layers, "layers");
  return typeof name === "string" ? { ...so, part, group: { layers: name } } : name;
}

async function askValue(question: Question, so: Answers): Promise<Answer<Answers>> {
  const { how, group } = so;
  if (how === "optimizer") {
    const choices = OPTIMIZER_NAMES.map((value) => ({
      label: optimizerLabel(value),
      detail: OPTIMIZERS[value].formula,
      value,
    }));
    const optimizer = await pick(question, choices);
    if (optimizer === undefined || optimizer === BACK) return optimizer;
    const { parameters } = withOptimizer(optimizer);
    return { ...so, group: { ...group, optimizer: { [optimizer]: parameters } } };
  }
  const check =
    how === "l2" ? (text: string) => checkNumber(text, 0, Infinity, false) : checkPositive;
  const text = await input(question, how === "l2" ? "0.0001" : "0.001", check);
  return typeof text === "string" ? { ...so, group: { ...group, [how!]: readNumber(text) } } : text;
}
