// What is wrong with a recipe, under the words that it is about.
import { deepEqual, equal, match } from "node:assert/strict";
import * as vscode from "vscode";
import { CHECKPOINT, digits } from "../harness/content";
import { graft, makeFolder, type, until, type Folder } from "./support/window";

interface Found {
  readonly code: unknown;
  readonly at: string;
  readonly severity: keyof typeof vscode.DiagnosticSeverity;
  readonly message: string;
}

/** Our own; the JSON schema has its say besides. */
function found(document: vscode.TextDocument): Found[] {
  return vscode.languages
    .getDiagnostics(document.uri)
    .filter(({ source }) => source === "graft")
    .map(({ code, range, severity, message }) => ({
      code,
      at: document.getText(range),
      severity: vscode.DiagnosticSeverity[severity] as Found["severity"],
      message,
    }));
}

async function show(recipe: unknown): Promise<[Folder, vscode.TextDocument]> {
  const app = await graft();
  const folder = makeFolder(app, { sample: "without recipes", files: { "a.graft.json": recipe } });
  const document = await folder.document("a.graft.json");
  await vscode.window.showTextDocument(document);
  return [folder, document];
}

describe("diagnostics", () => {
  const CASES: readonly [string, unknown, Omit<Found, "message">, RegExp][] = [
    [
      "a pattern that matches no layer",
      digits({ edits: [{ freeze: "hidden1" }, { freeze: "hiden2" }] }),
      { code: "unknown-layer", at: `{ "freeze": "hiden2" }`, severity: "Error" },
      /hidden2/,
    ],
    [
      "data that are not there",
      digits({ data: { inputs: { X: "missing.npy" }, labels: "digits_5_to_9_y.npy" } }),
      { code: "file-not-found", at: `"missing.npy"`, severity: "Error" },
      /missing\.npy/,
    ],
    [
      "classes that the output does not have",
      digits({ edits: [{ replaceOutput: { classes: 3 } }] }),
      { code: "label-out-of-range", at: `[ "5", "6", "7", "8", "9" ]`, severity: "Error" },
      /5 classes are listed, and the output has 3/,
    ],
    [
      "a number that the schema does not allow",
      digits({ train: [{ epochs: 0 }] }),
      { code: "recipe-schema", at: "0", severity: "Error" },
      /epochs/,
    ],
    [
      "nothing that trains",
      digits({ edits: [{ freeze: ".*" }] }),
      { code: "nothing-to-train", at: `{ "epochs": 20 }`, severity: "Error" },
      /Unfreeze a layer/,
    ],
  ];
  for (const [what, recipe, expected, message] of CASES) {
    it(`point at ${what}`, async () => {
      const [, document] = await show(recipe);
      const [first] = await until("there is a problem", () => {
        const all = found(document);
        return all.length > 0 && all;
      });
      const { message: text, ...rest } = first ?? { message: "" };
      deepEqual({ ...rest, at: first?.at.replace(/\s+/g, " ") }, expected);
      match(text, message);
    });
  }

  it("go when the text is mended, and come when it breaks", async () => {
    const [, document] = await show(digits({ edits: [{ freeze: "hiden1" }] }));
    await until("there is a problem", () => found(document).length > 0);
    await type(document, "hiden1", "hidden1");
    await until("there is none", () => found(document).length === 0);
    await type(document, CHECKPOINT, "other.ckpt");
    const [problem] = await until("there is another", () => {
      const all = found(document);
      return all.length > 0 && all;
    });
    equal(problem?.at, `"other.ckpt"`);
  });

  it("are none of ours where the text is no JSON", async () => {
    const [, document] = await show(digits({ edits: [{ freeze: "hiden1" }] }));
    await until("there is a problem", () => found(document).length > 0);
    await type(document, "{", "{ oops");
    await until("the editor says it", () => found(document).length === 0);
  });
});
