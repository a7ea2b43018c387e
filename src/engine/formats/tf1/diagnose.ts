// What a file that is not a checkpoint looks like, so that the error helps.
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { GraftError } from "../../../protocol/errors";
import { corrupt, missingShard, readFailed } from "./errors";
import { fileEnds, metaPath, prefixOfData, prefixOfMeta, startsLikeV1 } from "./prefix";
import { hasMagic } from "./sstable";
import { readState, STATE_FILE } from "./state";

interface Look {
  readonly starts: string | RegExp;
  readonly looksLike: string;
}

/** Over the first bytes as latin1 text; the first that fits. */
const LOOKS: readonly Look[] = [
  { starts: "\x89HDF\r\n\x1a\n", looksLike: "an HDF5 file, as Keras writes models (.h5)" },
  { starts: "PK", looksLike: "a zip archive" },
  { starts: "\x93NUMPY", looksLike: "a NumPy array (.npy)" },
  { starts: /^\x80[\x02-\x05]/, looksLike: "a Python pickle, as older PyTorch checkpoints are" },
  { starts: "\x89PNG", looksLike: "a PNG picture" },
  { starts: "\xff\xd8\xff", looksLike: "a JPEG picture" },
  { starts: "GIF8", looksLike: "a GIF picture" },
  { starts: "%PDF", looksLike: "a PDF document" },
  { starts: "\x1f\x8b", looksLike: "a gzip archive; unpack it first" },
  { starts: /^[^]{257}ustar/, looksLike: "a tar archive; unpack it first" },
  { starts: "GGUF", looksLike: "a GGUF model" },
  { starts: /^[^]{6}\0\0\{"/, looksLike: "a safetensors file" },
  { starts: /^version https:\/\/git-lfs/, looksLike: "a Git LFS pointer; run git lfs pull" },
  { starts: /^\s*</, looksLike: "a web page or XML, perhaps an error page saved by a download" },
  { starts: /^[\t\n\r -~\x80-\xff]+$/, looksLike: "a text file" },
];

/** Why `path` cannot be opened as a TensorFlow 1 checkpoint. */
export async function diagnose(path: string): Promise<GraftError> {
  const ends = await fileEnds(path);
  if (!ends) return diagnoseNoFile(path);
  const { head, tail, size } = ends;
  if (basename(path) === STATE_FILE) return diagnoseState(path);
  if (size === 0) return corrupt(path, "it is empty");
  if (hasMagic(tail) && !startsLikeV1(head))
    return notACheckpoint(path, "a LevelDB table or an index without its data files");
  if (head[0] === 0 && head[1] === 0 && startsLikeV1(head) && head.includes(0x0a))
    return corrupt(path, "it begins like a TensorFlow V1 checkpoint and its end is missing");
  const data = prefixOfData(path);
  if (data !== null) return missingShard(`${data}.index`, `it lists what is in ${path}`);
  const graph = prefixOfMeta(path);
  // A MetaGraphDef begins with its info (field 1) or its graph (field 2).
  if (graph !== null && (head[0] === 0x0a || head[0] === 0x12))
    return new GraftError(
      "missing-shard",
      `${path} is a graph without values: there is no ${graph}.index beside it. Copy it beside the graph.`,
    );
  const text = Buffer.from(head).toString("latin1");
  const look = LOOKS.find(({ starts }) =>
    typeof starts === "string" ? text.startsWith(starts) : starts.test(text),
  );
  return notACheckpoint(path, look?.looksLike ?? "no format that Graft knows");
}

const notACheckpoint = (path: string, looksLike: string): GraftError =>
  new GraftError(
    "not-a-checkpoint",
    `${path} is not a checkpoint that Graft opens: it looks like ${looksLike}. Open a .index or .meta file, a V1 .ckpt file, the checkpoint file of a folder, or a zip of Deeplearning4j.`,
  );

async function diagnoseNoFile(path: string): Promise<GraftError> {
  const found = await stat(path).catch((error: unknown) => readFailed(path, error));
  if (!(found instanceof GraftError))
    return readFailed(path, new Error("it is not a regular file, or access was denied"));
  if (found.code !== "file-not-found") return found;
  const graph = await fileEnds(metaPath(path));
  if (graph) return diagnose(metaPath(path));
  return new GraftError(
    "file-not-found",
    `There is no checkpoint ${path}: neither that file nor ${basename(path)}.index or ${basename(path)}-00000-of-… exists.`,
    { cause: found },
  );
}

async function diagnoseState(path: string): Promise<GraftError> {
  try {
    const { latest } = await readState(path);
    if (latest?.outside)
      return new GraftError(
        "not-a-checkpoint",
        `${path} names ${latest.written}, which is outside its folder. Open that checkpoint itself if you trust it.`,
      );
    return new GraftError(
      "file-not-found",
      `${path} names ${latest?.written ?? "no checkpoint"}, which is not in its folder.`,
    );
  } catch (error) {
    return readFailed(path, error);
  }
}
