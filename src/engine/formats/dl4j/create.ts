// Writes a network of another format as a new ModelSerializer zip: its configuration is made from nothing, in the style of
// 1.0.0-M2.1.
import { GraftError } from "../../../protocol/errors";
import type { Model } from "../../graph/model";
import type { ReadVariable, SaveResult } from "../format";
import { adopted } from "./adopt";
import { BLANK_HEADER, blankConfiguration, inputsOf, LEARNING_RATE } from "./blank";
import { parseConfiguration } from "./configuration";
import { COEFFICIENTS, CONFIGURATION } from "./entries";
import { patchConfiguration } from "./patch";
import {
  type Contents,
  parameterPart,
  parametersFor,
  refuseOverwriting,
  writeContents,
  type Writing,
} from "./save";
import { encodeVector } from "./vector";

/** In place of the coefficients where a network has no parameters. */
const NO_PARAMETERS = "noParams.marker";

/** Writes `source` at `as`. Throws `unsupported-op` for what Deeplearning4j has no words for. */
export async function createZip(
  source: Model,
  as: string,
  read: ReadVariable,
): Promise<SaveResult> {
  await refuseOverwriting(undefined, as);
  const { contents, notes } = refusing(() => newContents(source, read));
  await writeContents(as, contents);
  return { files: [as], notes };
}

function newContents(
  source: Model,
  read: ReadVariable,
): { readonly contents: Contents; readonly notes: readonly string[] } {
  const { model, isChain, inputs, notes } = adopted(source);
  const blank = blankConfiguration(isChain, inputs);
  const { text, variables, notes: patchNotes } = patchConfiguration(blank, inputsOf(model), model);
  const configuration = parseConfiguration("the new network", text);
  const writing: Writing = { model, variables, read };
  const parts = parametersFor(configuration, model, variables).map((each) =>
    parameterPart(each, writing, BLANK_HEADER.dtype),
  );
  const contents: Contents = new Map([[CONFIGURATION, Buffer.from(text, "utf8")]]);
  if (parts.length === 0) contents.set(NO_PARAMETERS, new Uint8Array());
  else contents.set(COEFFICIENTS, () => encodeVector({ header: BLANK_HEADER }, parts));
  return { contents, notes: [...notes, ...patchNotes, UPDATER] };
}

const UPDATER = `Deeplearning4j will train it by plain SGD at ${LEARNING_RATE}; the state of the source's optimizer is left out.`;

/** What a configuration has no words for is no edit here. */
function refusing<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== "invalid-edit") throw error;
    throw new GraftError("unsupported-op", error.message, { cause: error });
  }
}
