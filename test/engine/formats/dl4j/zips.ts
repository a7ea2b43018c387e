// The zips of Deeplearning4j among the fixtures, and zips made by hand.
import { readFileSync } from "node:fs";
import { ZipFile } from "yazl";
import { openArchive } from "../../../../src/engine/formats/dl4j/zip";
import { fixture, json, type ExpectedTensors } from "../tf1/fixtures";

export interface ZipCase {
  /** Its path among the fixtures. */
  readonly zip: string;
  readonly tensors: ExpectedTensors;
}

/** What is recorded beside a zip. */
export const expectedOf = (zip: string): Record<string, unknown> =>
  json(fixture(zip, "../expected.json")) as Record<string, unknown>;

/** Zips of 1.0.0-M2.1, and under which key of expected.json their parameters are. */
const RECORDED: Readonly<Record<string, string>> = {
  "mlp_iris/model.zip": "params",
  "mlp_iris/model_no_updater.zip": "params",
  "mlp_iris/model_with_normalizer.zip": "params",
  "cnn_digits/model.zip": "params",
  "graph_merge/model.zip": "params",
  "graph_merge/transfer_frozen_merge_before_fit.zip": "transfer_before",
  "graph_merge/transfer_frozen_merge_after_fit.zip": "transfer_after_one_sgd_fit_lr0.05",
  "graves_lstm/model.zip": "params",
  "graves_lstm/widened_14_function_preserving.zip": "widened_14",
  "lstm/model.zip": "params",
  "lstm/widened_14_function_preserving.zip": "widened_14",
  "transfer_mini/original.zip": "params",
  "transfer_mini/transfer_before_fit.zip": "transfer_before",
  "transfer_mini/transfer_after_fit.zip": "transfer_after_one_fit",
};

export const RECORDED_ZIPS: readonly ZipCase[] = Object.entries(RECORDED).map(([name, key]) => {
  const zip = `b5_dl4j_${name}`;
  return { zip, tensors: expectedOf(zip)[key] as ExpectedTensors };
});

/** Versions that wrote the zips in dl4j_old. */
export const OLD_VERSIONS = [
  ...["0.5.0", "0.6.0", "0.7.2", "0.9.1", "1.0.0-alpha", "1.0.0-beta3", "1.0.0-beta4"],
];

/** The zips of one of them. Before 0.7 a normalizer was not put into a zip. */
export const oldNames = (version: string): readonly string[] => [
  ...["graves_lstm", "conv", "graph"],
  ...(/^0\.[56]/.test(version) ? [] : ["normalizer"]),
];

export type Entries = Map<string, Uint8Array>;

/** Everything that is in a zip. */
export async function entriesOf(path: string): Promise<Entries> {
  const archive = await openArchive(path);
  const entries: Entries = new Map();
  for (const name of archive.sizes.keys()) entries.set(name, await archive.read(name, 2 ** 30));
  await archive.close();
  return entries;
}

type Pairs = Iterable<readonly [string, Uint8Array | string]>;

/** The bytes of a zip; names may be there twice. */
export async function zipped(
  entries: Pairs,
  options: { readonly compress?: boolean; readonly forceZip64Format?: boolean } = {},
): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, bytes] of entries) zip.addBuffer(Buffer.from(bytes), name, options);
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export const bytesOf = (zip: string): Buffer => readFileSync(fixture(zip));
