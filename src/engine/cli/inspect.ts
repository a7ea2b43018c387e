// graft inspect: what a checkpoint stores.
import { inspect } from "../inspect";
import type { NormalizerSummary } from "../../protocol/checkpoint";
import { count, counted, print, printJson, size, table } from "./output";

export async function inspectCommand(
  file: string,
  { json, hash }: { readonly json: boolean; readonly hash: boolean },
): Promise<void> {
  const summary = await inspect(file, hash);
  if (json) {
    printJson(summary);
    return;
  }
  const parameters = summary.layers.reduce((sum, layer) => sum + layer.parameters, 0);
  print(
    `${file}: ${summary.format}, ${count(parameters)} parameters in ${summary.layers.length} layers`,
  );
  if (summary.normalizer !== undefined) print(`normalizer: ${normalizerText(summary.normalizer)}`);
  print("");
  const layers = summary.layers.map(({ name, kind, parameters: size, frozen, updater = "" }) => [
    name,
    kind,
    count(size),
    frozen ? "frozen" : updater,
  ]);
  print(table(layers, [2]));
  print("");
  const rows = summary.variables.map(({ name, dtype, shape, bytes, sha256, problem }) => [
    name,
    dtype,
    shape.join(" × ") || "scalar",
    Number.isFinite(bytes) ? size(bytes) : "",
    problem === undefined ? (sha256 ?? "") : `! ${problem}`,
  ]);
  print(table(rows, [3]));
}

/** What becomes of samples. */
function normalizerText(normalizer: NormalizerSummary): string {
  if (normalizer.kind === "unknown") return `not one that Graft applies: ${normalizer.reason}`;
  const how = normalizer.kind === "standardize" ? "standardizes" : "scales";
  return `${how} ${counted(normalizer.features, "feature")}`;
}
