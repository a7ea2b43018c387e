// What a row of the Layers view says: label, description, icon, tooltip, and what a screen reader reads.
// The description starts with the state as a word; icon and colour only repeat it. Knows no VS Code.
import type { Plan, PlanLayer, PlanVariable, TrainState } from "../../protocol/plan";
import { bytes, count, percent, plural, shape, short, faster } from "../words";
import type { LayerNode } from "./nodes";

export interface Row {
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  /** Markdown. */
  readonly tooltip: string;
  readonly spoken: string;
  /** For menus: dot-separated words. */
  readonly context: string;
  /** For the colour. */
  readonly state?: TrainState | "changed";
}

export function rowOf(node: LayerNode, folderOf: (path: string) => string): Row {
  switch (node.kind) {
    case "checkpoint":
      return checkpointRow(node, folderOf(node.file.path));
    case "failure":
      return failureRow(node);
    case "noGraph":
      return {
        ...(node.graph === undefined
          ? plain("no graph", "can be looked at, not trained", "info")
          : plain("no graph", `use that of ${node.graph.replace(/^.*[\\/]/, "")}`, "lightbulb")),
        tooltip: node.why,
        spoken: node.why,
        context: node.graph === undefined ? "noGraph" : "noGraph.fits",
      };
    case "input":
      return inputRow(node.input);
    case "layer":
      return layerRow(node.layer, node.plan);
    case "cut":
      return cutRow(node.plan);
    case "others":
      return {
        ...plain(
          "other variables",
          `${count(node.variables.length)} · in no layer`,
          "list-unordered",
        ),
        tooltip: "Optimizer slots, counters and other variables that belong to no layer.",
        context: "others",
      };
    case "variable":
      return variableRow(node.variable, node.layer);
  }
}

const STATE_WORDS: Record<TrainState, string> = {
  frozen: "frozen",
  trainable: "trainable",
  partly: "partly trainable",
  new: "new",
};

const STATE_ICONS: Record<TrainState, string> = {
  frozen: "lock",
  trainable: "circle-filled",
  partly: "circle-outline",
  new: "add",
};

function checkpointRow(node: LayerNode & { kind: "checkpoint" }, folder: string): Row {
  const { file, plan, open } = node;
  // What changes comes first: the end of a row is cut off in a narrow side bar.
  const parts = plan
    ? [
        plan.noGraph === undefined
          ? `${percent(plan.trainableParameters, plan.parameters)} will train`
          : "no graph",
        `${short(plan.parameters)} parameters`,
      ]
    : [];
  if (folder !== "") parts.push(folder);
  parts.push(file.formatLabel);
  const trains = plan?.noGraph ?? `${count(plan?.trainableParameters ?? 0)} will train`;
  const numbers = plan ? `\n\n${plural(plan.parameters, "parameter")}, ${trains}` : "";
  const becomes = plan?.checkpoint.normalizer;
  const normalizer = becomes === undefined ? "" : `\n\nSamples: ${becomes}`;
  return {
    ...plain(file.name, parts.join(" · "), "package"),
    tooltip: `**${code(file.name)}** · ${file.formatLabel}\n\n${code(file.path)}${numbers}${normalizer}`,
    context: open ? "checkpoint.open" : "checkpoint.closed",
  };
}

/** Its folder would push what is wrong out of sight. */
function failureRow({ message, file }: LayerNode & { kind: "failure" }): Row {
  const folder = file.path.slice(0, -file.name.length);
  const label = message.replaceAll(folder, "");
  return { ...plain(label, "", "error"), tooltip: message, spoken: message, context: "failure" };
}

function inputRow(input: Plan["inputs"][number]): Row {
  const { shape: whole, timeAxis } = input;
  const steps = timeAxis === undefined ? [] : [`${whole[timeAxis] ?? "any"} steps`];
  const sizes = whole.slice(timeAxis === undefined ? (whole[0] === null ? 1 : 0) : 2);
  const text = [...steps, ...sizes.map((size) => size ?? "any")].join(" × ");
  const row = plain(input.name, text === "" ? "input" : `input · ${text}`, "arrow-right");
  return { ...row, tooltip: `Input ${code(input.name)}`, context: "input" };
}

function layerRow(layer: PlanLayer, plan: Plan): Row {
  const runs = plan.noGraph === undefined;
  const word = runs ? STATE_WORDS[layer.state] : "";
  const change = layer.change !== undefined && layer.change !== word ? layer.change : "";
  const sizes = change.includes(layer.sizes) ? "" : layer.sizes;
  // A new layer has its sizes first, and then what they were.
  const first = layer.state === "new" ? [sizes, change] : [change, sizes];
  const description = [word, ...first, layer.what, count(layer.parameters)]
    .filter((part) => part !== "")
    .join(" · ");
  const spoken = [
    layer.name,
    word,
    change,
    layer.what,
    sizes,
    plural(layer.parameters, "parameter"),
    layer.state === "partly" ? `${count(layer.trainableParameters)} of them train` : "",
  ];
  const edited = layer.edit !== undefined;
  const context = runs ? ["layer", layer.state] : ["layer"];
  if (layer.isOutput) context.push("output");
  if (layer.units !== undefined) context.push("units");
  if (edited) context.push("edited");
  return {
    label: layer.name,
    description,
    icon: runs ? iconOf(layer.state, change) : "layers",
    tooltip: layerTooltip(layer, plan),
    spoken: spoken
      .filter((part) => part !== "")
      .join(", ")
      .replaceAll("→", "to"),
    context: context.join("."),
    ...(runs && {
      state: change !== "" && layer.state !== "new" ? ("changed" as const) : layer.state,
    }),
  };
}

const iconOf = (state: TrainState, change: string): string =>
  change !== "" && state !== "new" && state !== "frozen" ? "edit" : STATE_ICONS[state];

function layerTooltip(layer: PlanLayer, plan: Plan): string {
  const train =
    layer.trainableParameters === layer.parameters
      ? ""
      : `, ${layer.trainableParameters === 0 ? "none" : count(layer.trainableParameters)} will train`;
  const lines = [
    `**${code(layer.name)}** · ${layer.what}${layer.sizes === "" ? "" : ` · ${layer.sizes}`}`,
    `${plural(layer.parameters, "parameter")}${train}`,
  ];
  if (layer.updater !== undefined) lines.push(`Updater in the checkpoint: ${layer.updater}`);
  if (layer.edit !== undefined) {
    const change = plan.changes[layer.edit];
    lines.push(`Edit ${layer.edit + 1} of the recipe${change === undefined ? "" : `: ${change}`}`);
  }
  return lines.join("\n\n");
}

function cutRow(plan: Plan): Row {
  const { cut } = plan;
  if (!cut) return { ...plain("bottleneck", "", "dash"), context: "cut" };
  const values = plural(cut.valuesPerSample, "value");
  const samples = cut.samples ?? 1000;
  const per = cut.samples === undefined ? "per 1,000 samples" : `for ${plural(samples, "sample")}`;
  const cost = `${bytes(cut.bytesPerSample * samples)} ${per}`;
  const frozen = plan.layers
    .slice(0, cut.beforeLayer)
    .reduce((sum, { parameters }) => sum + parameters, 0);
  const gain = cut.speedUp === undefined ? "" : `training ${faster(cut.speedUp)}`;
  const tensors = cut.tensors.map(({ name, shape: sizes }) => `${code(name)} (${shape(sizes)})`);
  return {
    label: "bottleneck",
    description: [`${values} a sample`, cost, gain].filter((part) => part !== "").join(" · "),
    icon: "dash",
    tooltip: [
      "**Bottleneck** · what is above is frozen, what is below trains",
      `Cost: ${values} a sample are kept on disk, ${cost}.`,
      `Gain: the ${count(frozen)} parameters above run once per sample, not once per sample and epoch.`,
      ...(gain === "" ? [] : [`By the multiply-adds, that makes ${gain}.`]),
      ...(tensors.length > 0 ? [`Kept: ${tensors.join(", ")}`] : []),
    ].join("\n\n"),
    spoken: `Bottleneck: the layers above are frozen and run once per sample, the layers below train. Caching keeps ${values} a sample, ${cost}${gain === "" ? "" : `, and makes ${gain}`}.`,
    context: "cut",
  };
}

function variableRow(variable: PlanVariable, layer: PlanLayer | undefined): Row {
  const { name, dtype, state, shapeBefore, gates = "" } = variable;
  const label =
    layer && name.startsWith(`${layer.name}/`) ? name.slice(layer.name.length + 1) : name;
  const sizes = shape(variable.shape);
  const differs = layer !== undefined && state !== layer.state;
  const was = shapeBefore ? `was ${shape(shapeBefore)}` : "";
  const description = [differs ? STATE_WORDS[state] : "", dtype, sizes, was].filter(
    (part) => part !== "",
  );
  return {
    label,
    description: description.join(" · "),
    icon: differs ? STATE_ICONS[state] : "symbol-array",
    tooltip: `${code(name)}\n\n${dtype} · ${sizes}${was === "" ? "" : `, ${was}`} · ${plural(variable.parameters, "parameter")}${gates === "" ? "" : `\n\n${gates}`}`,
    spoken: [name, layer ? STATE_WORDS[state] : "", dtype, sizes, was, gates]
      .filter((part) => part !== "")
      .join(", "),
    context: "variable",
  };
}

function plain(label: string, description: string, icon: string): Row {
  const spoken = description === "" ? label : `${label}, ${description.replaceAll(" · ", ", ")}`;
  return { label, description, icon, tooltip: label, spoken, context: "" };
}

/** Names as code, so that an underscore or a star in one is not markup. */
function code(text: string): string {
  return `\`${text.replaceAll("`", "'")}\``;
}
