// graft inspect: what a checkpoint stores.
import { inspect } from "../inspect";
import { count, print, printJson, size, table } from "./output";

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
  print("");
  print(
    table(
      summary.layers.map((layer) => [layer.name, layer.kind, count(layer.parameters)]),
      [2],
    ),
  );
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
