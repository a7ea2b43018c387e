// package.json and the code agree: commands, views, settings, files.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EDIT_COMMANDS } from "../../../src/protocol/edits";
import { COMMAND_IDS } from "../../../src/extension/commands/ids";

interface Command {
  readonly command: string;
  readonly title: string;
  readonly category: string;
}

interface MenuItem {
  /** Absent where the item opens another menu. */
  readonly command?: string;
  readonly when?: string;
  readonly group?: string;
}

interface Step {
  readonly description: string;
  readonly media: { readonly image: string };
  readonly completionEvents: readonly string[];
}

const root = join(__dirname, "../../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly Command[];
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
    readonly keybindings: readonly MenuItem[];
    readonly views: { readonly graft: readonly { readonly id: string; readonly icon: string }[] };
    readonly walkthroughs: readonly { readonly steps: readonly Step[] }[];
    readonly viewsWelcome: readonly { readonly contents: string }[];
  };
};
const { commands, menus, keybindings, views, viewsWelcome, walkthroughs } = manifest.contributes;
const steps = walkthroughs.flatMap((walkthrough) => walkthrough.steps);

test("contributes exactly the commands that have handlers", () => {
  const contributed = commands.map(({ command }) => command).sort();
  expect(contributed).toEqual([...COMMAND_IDS].sort());
});

test.each(Object.entries(EDIT_COMMANDS))(
  "the edit %s is called what its table says",
  (name, { title }) => {
    const command = commands.find((each) => each.command === `graft.${name}`);
    expect(command?.title).toBe(`${title}…`);
  },
);

test.each(commands)("$command is in the category Graft and has a plain title", (command) => {
  expect(command.category).toBe("Graft");
  expect(command.title).toMatch(/^[A-Z][^!.]*$/);
});

const used = [...Object.values(menus).flat(), ...keybindings].flatMap(
  ({ command }) => command ?? [],
);
const texts = [
  ...viewsWelcome.map(({ contents }) => contents),
  ...steps.map(({ description }) => description),
];
const linked = texts.flatMap((text) =>
  [...text.matchAll(/\(command:([^)]+)\)/g)].map(([, command]) => command ?? ""),
);
const completing = steps.flatMap(({ completionEvents }) =>
  completionEvents.map((event) => event.replace("onCommand:", "")),
);

test("menus, keys, welcome texts and the walkthrough name known commands", () => {
  const known: readonly string[] = COMMAND_IDS;
  expect([...used, ...linked, ...completing].filter((command) => !known.includes(command))).toEqual(
    [],
  );
});

test("the files that it names exist", () => {
  const pictures = steps.map(({ media }) => media.image);
  const files = [manifest.icon, ...views.graft.map(({ icon }) => icon), ...pictures];
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

/** The regular expressions of the menus, against the context values of rows. */
const rowMenu = menus["view/item/context"] ?? [];
const shownFor = (view: string, context: string) =>
  rowMenu
    .filter(({ when = "" }) => when.includes(`view == ${view}`))
    .filter(({ when = "" }) => {
      const pattern = /viewItem =~ \/(.+)\//.exec(when)?.[1];
      return pattern !== undefined && new RegExp(pattern).test(context);
    })
    .map(
      ({ command = "", group }) =>
        `${command.replace("graft.", "")}${group?.startsWith("inline") ? " inline" : ""}`,
    )
    .sort();

test.each([
  [
    "layer.frozen.units",
    [
      "addUnits",
      "addUnitsBeside",
      "copyName",
      "freezeUnits",
      "freezeUpTo",
      "insertLayer",
      "removeLayer",
      "removeUnits",
      "rename",
      "replaceUnits",
      "setLayer",
      "setOutputs",
      "unfreezeLayer",
      "unfreezeLayer inline",
      "unfreezeUnits",
    ],
  ],
  [
    "layer.trainable.output.units",
    [
      "addClasses",
      "copyName",
      "freezeLayer",
      "freezeLayer inline",
      "freezeUnits",
      "freezeUpTo",
      "insertLayer",
      "removeLayer",
      "removeUnits",
      "rename",
      "replaceOutput",
      "setLayer",
      "trainPart",
      "unfreezeUnits",
    ],
  ],
  [
    "layer.partly.units.edited",
    [
      "addUnits",
      "addUnitsBeside",
      "copyName",
      "freezeLayer",
      "freezeLayer inline",
      "freezeUnits",
      "freezeUpTo",
      "insertLayer",
      "removeLayer",
      "removeUnits",
      "rename",
      "replaceUnits",
      "revealEdit",
      "setLayer",
      "setOutputs",
      "trainPart",
      "unfreezeLayer",
      "unfreezeUnits",
    ],
  ],
  ["variable", ["copyName"]],
  ["cut", []],
  ["noGraph", []],
  ["noGraph.fits", ["useGraph"]],
  ["checkpoint.closed", ["inspect"]],
])("the menu of a row %s", (context, expected) => {
  expect(shownFor("graft.layers", context)).toEqual(expected);
});

const inExplorer = /resourceFilename =~ \/(.+)\//.exec(
  menus["explorer/context"]?.[0]?.when ?? "",
)?.[1];

test.each([
  ["my_model_final.ckpt.index", true],
  ["my_model_final.ckpt.meta", true],
  ["my_model_final.ckpt.data-00000-of-00001", true],
  ["my_model_final.ckpt", true],
  ["my_model_final.ckpt-00000-of-00002", true],
  ["model.ckpt-300", true],
  ["model.ckpt-300.index", true],
  ["checkpoint", true],
  ["my_checkpoint", false],
  ["checkpoint.py", false],
  ["lstm.zip", true],
  ["digits.graft.json", false],
  ["notes.txt", false],
])("Inspect Checkpoint on %s: %s", (name, shown) => {
  expect(new RegExp(inExplorer ?? "$^").test(name)).toBe(shown);
});

test("the menu of a checkpoint's file changes it, for the same files", () => {
  const [inspect, edit] = menus["explorer/context"]!;
  expect(edit).toMatchObject({ submenu: "graft.checkpoint", when: inspect!.when });
  const names = menus["graft.checkpoint"]!.map(({ command }) => command);
  expect(names).toEqual([
    ...["graft.addUnits", "graft.replaceOutput", "graft.freeze", "graft.edit"],
    "graft.convert",
  ]);
});

test("the licence texts are those of the ONNX Runtime that the package carries", () => {
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  const { version } = JSON.parse(read("node_modules/onnxruntime-node/package.json")) as {
    readonly version: string;
  };
  expect(read("licenses/README.md")).toContain(`ONNX Runtime ${version} `);
  expect(read("licenses/onnxruntime/LICENSE")).toContain("Copyright (c) Microsoft Corporation");
  expect(read("licenses/onnxruntime/ThirdPartyNotices.txt")).toContain("THIRD PARTY SOFTWARE");
  expect(read(".vscodeignore").split("\n")).toContain("!licenses/**");
});
