// What commands ask: whatever is chosen, the answers make an edit that the recipe takes.
import { describe, expect, test } from "vitest";
import { EDIT_COMMANDS, editFrom, type EditCommandName } from "../../../src/protocol/edits";
import type { EditQuestion } from "../../../src/protocol/plan";
import type { EditKind } from "../../../src/engine/surgery/edit";
import { EDITS } from "../../../src/engine/surgery/table";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { convolutional, edited, perceptron } from "./small";

type Answers = Readonly<Record<string, unknown>>;

/** Answers that a person may give, one of each kind. */
function answers(question: EditQuestion): readonly unknown[] {
  switch (question.ask) {
    case "layer":
    case "pattern":
      return question.candidates;
    case "choice":
      return question.choices.map(({ value }) => value);
    case "number":
      return [question.suggestion ?? question.min];
    case "text":
      return ["another_name"];
    case "checkpoint":
      return ["other.ckpt"];
    case "units":
      return ["0"];
    case "classes":
      return [2];
  }
}

const network = edited(convolutional(), {
  insertLayer: { before: "conv2", name: "drop", layer: { dropout: { rate: 0.5 } } },
});

/** Every way through the questions of a command. */
function walks(command: EditCommandName, given: Answers = {}): Answers[] {
  const kind = EDITS[EDIT_COMMANDS[command].edit] as unknown as EditKind<unknown>;
  const ask = kind.variants?.[command] ?? kind.questions;
  const [next] = ask(network, given).filter(({ field }) => !(field in given));
  if (next === undefined) return [given];
  return answers(next).flatMap((answer) => walks(command, { ...given, [next.field]: answer }));
}

const others = new Map([
  [
    "other.ckpt",
    new Map([...network.variables.values()].map((each) => [each.name, each] as const)),
  ],
]);

describe.each(Object.keys(EDIT_COMMANDS) as EditCommandName[])("%s", (command) => {
  test("whatever is answered is an edit, and some answers fit", () => {
    const edits = walks(command).map((fields) => editFrom(command, fields));
    expect(edits.length).toBeGreaterThan(0);
    const fitting = edits.filter((edit) => {
      const recipe = RecipeSchema.parse({ checkpoint: "m", edits: [edit] });
      return applyRecipe(network, recipe, others).problems.length === 0;
    });
    expect(fitting.length).toBeGreaterThan(edits.length / 4);
  });
});

test("only what a layer has is offered to be set", () => {
  const offered = (layer: string) => {
    const [question] = EDITS.setLayer.questions(network, { layer });
    return question.ask === "choice" ? question.choices.map(({ value }) => value) : [];
  };
  expect(offered("norm")).toEqual(["activation", "dropout", "batchNorm", "learningRate", "l2"]);
  expect(offered("conv2")).toEqual(["activation", "learningRate", "l2"]);
  expect(offered("out")).toEqual(["learningRate", "l2"]);
  const [insert] = EDITS.insertLayer.questions(perceptron(), { after: "hidden1" });
  expect(insert).toMatchObject({
    choices: [{ value: { dense: {} } }, {}, {}, ...Array(9).fill({})],
  });
});
