// Which of the recipe's files feeds which input of the graph: by name, or by being the only one.
import { GraftError, type ErrorCode } from "../../protocol/errors";
import { listText } from "./array";
import type { Data, Source } from "./schema";

interface Misfit {
  readonly code: ErrorCode;
  readonly message: string;
  /** The name in the recipe that the graph does not have. */
  readonly key?: string;
}

/** TensorFlow's own name of a placeholder's value ends in :0. */
const inputName = (key: string): string => key.replace(/:0$/, "");

/** What keeps `given` from feeding every one of the graph's `inputs`, and nothing else. */
export function misfit(given: Data["inputs"], inputs: readonly string[]): Misfit | undefined {
  const names = listText(inputs);
  if (inputs.length === 0)
    return {
      code: "data-missing",
      message: "The graph has no input that samples can be fed to.",
    };
  if (isSource(given)) {
    if (inputs.length === 1) return undefined;
    const example = inputs.map((input) => `${JSON.stringify(input)}: "…"`).join(", ");
    return {
      code: "data-missing",
      message: `The graph has ${inputs.length} inputs, ${names}, and "inputs" names one file. Name one for each: "inputs": { ${example} }.`,
    };
  }
  const keys = Object.keys(given);
  const unknown = keys.find((key) => !inputs.includes(inputName(key)));
  if (unknown !== undefined)
    return {
      code: "unknown-node",
      message: `The graph has no input ${JSON.stringify(unknown)}; its inputs are ${names}. Correct the name under "inputs".`,
      key: unknown,
    };
  const unfed = inputs.find((input) => !keys.some((key) => inputName(key) === input));
  if (unfed === undefined) return undefined;
  return {
    code: "data-missing",
    message: `Input ${unfed} has no data. Add ${JSON.stringify(unfed)} under "inputs"; the graph's inputs are ${names}.`,
  };
}

/** The source of every input. Throws what `misfit` finds. */
export function assignSources<Input extends { readonly name: string }>(
  given: Data["inputs"],
  inputs: readonly Input[],
): readonly (readonly [Input, Source])[] {
  const wrong = misfit(
    given,
    inputs.map(({ name }) => name),
  );
  if (wrong !== undefined) throw new GraftError(wrong.code, wrong.message);
  if (isSource(given)) return [[inputs[0]!, given]];
  const byName = new Map(Object.entries(given).map(([key, source]) => [inputName(key), source]));
  return inputs.map((input) => [input, byName.get(input.name)!]);
}

function isSource(given: Data["inputs"]): given is Source {
  return typeof given === "string" || typeof given["file"] === "string";
}
