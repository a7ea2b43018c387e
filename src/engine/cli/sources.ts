// Data on the command line: what a recipe has under "data", an option for each field.
import { GraftError } from "../../protocol/errors";

/** The options that say how samples are read. */
export interface SequenceOptions {
  readonly layout?: string;
  readonly mask?: string;
  readonly lengths?: string;
  readonly normalize: boolean;
}

/** The fields of a recipe's data that they are. */
export const sequenceFields = ({ layout, mask, lengths, normalize }: SequenceOptions) => ({
  ...(layout !== undefined && { layout }),
  ...(mask !== undefined && { mask: sourceOf("--mask", mask) }),
  ...(lengths !== undefined && { lengths: sourceOf("--lengths", lengths) }),
  ...(!normalize && { normalize }),
});

/** A file, or an object as a recipe has it: '{ "file": "digits.npz", "array": "X" }'. */
export function sourceOf(option: string, text: string): unknown {
  if (!text.trimStart().startsWith("{")) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GraftError(
      "invalid-option",
      `${option} is neither a file nor JSON: ${(cause as Error).message}.`,
      { cause },
    );
  }
}
