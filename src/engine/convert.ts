// A checkpoint of one format as one of another.
import { GraftError } from "../protocol/errors";
import { formatOf, FORMATS, openCheckpoint } from "./formats/table";
import type { SaveResult } from "./formats/format";
import { evaluate } from "./graph/value";

/**
 * Writes the network in `file` as a checkpoint of the format `to` at `as`. Throws `unsupported-op` where that format
 * has no such op, `invalid-option` where it is of that format already, `cancelled` with nothing written.
 */
export async function convert(
  file: string,
  to: string,
  as: string,
  cancelled?: AbortSignal,
): Promise<SaveResult> {
  const target = FORMATS.find(({ name }) => name === to)!;
  const source = await openCheckpoint(file);
  try {
    const { label, name } = formatOf(source);
    if (name === to)
      throw new GraftError("invalid-option", `${file} is a checkpoint of ${label} already.`);
    return await target.create(await source.model(), as, (variable) => {
      if (cancelled?.aborted) throw new GraftError("cancelled", "The conversion was stopped.");
      return evaluate(variable, source.read, 0);
    });
  } finally {
    await source.close();
  }
}
