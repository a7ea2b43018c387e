// Which of the recipe's files feeds which input of the graph: by name, or by being the only one.
import { GraftError, type ErrorCode } from "../../protocol/errors";
import { listText } from "./array";
import type { ModelInput } from "../graph/inputs";
import type { Data, Source } from "./schema";

/** `part` and `optional`: data need not name it. */
type Input = Pick<ModelInput, "name" | "part" | "optional">;

interface Misfit {
  readonly code: ErrorCode;
  readonly message: string;
  /** The name in the recipe that the graph does not have. */
  readonly key?: string;
}

/** TensorFlow's own name of a placeholder's value ends in :0. */
const inputName = (key: string): string => key.replace(/:0$/, "");

/** The key under which `given` names an input. */
export const keyOf = (given: Data["inputs"], name: string): string =>
  Object.keys(given).find((key) => inputName(key) === name) ?? name;

/** What keeps `given` from feeding every one of the graph's `inputs`, and nothing else. */
export function misfit(given: Data["inputs"], inputs: readonly Input[]): Misfit | undefined {
  const all = inputs.map(({ name }) => name);
  const needed = inputs.filter(isNeeded).map(({ name }) => name);
  const names = listText(all);
  if (needed.length === 0)
    return {
      code: "data-missing",
      message: "The network has no input that samples can be fed to.",
    };
  if (isSource(given)) {
    if (needed.length === 1) return undefined;
    const example = needed.map((input) => `${JSON.stringify(input)}: "…"`).join(", ");
    return {
      code: "data-missing",
      message: `The network has ${needed.length} inputs, ${listText(needed)}, and "inputs" names one file. Name one for each: "inputs": { ${example} }.`,
    };
  }
  const keys = Object.keys(given);
  const unknown = keys.find((key) => !all.includes(inputName(key)));
  if (unknown !== undefined)
    return {
      code: "unknown-node",
      message: `The network has no input ${JSON.stringify(unknown)}; its inputs are ${names}. Correct the name under "inputs".`,
      key: unknown,
    };
  const unfed = needed.find((input) => !keys.some((key) => inputName(key) === input));
  if (unfed === undefined) return undefined;
  return {
    code: "data-missing",
    message: `Input ${unfed} has no data. Add ${JSON.stringify(unfed)} under "inputs"; the network's inputs are ${names}.`,
  };
}

const isNeeded = ({ part, optional }: Input): boolean => part === undefined && optional !== true;

/** The source of every input that the data names. Throws what `misfit` finds. */
export function assignSources<Given extends Input>(
  given: Data["inputs"],
  inputs: readonly Given[],
): readonly (readonly [Given, Source])[] {
  const wrong = misfit(given, inputs);
  if (wrong !== undefined) throw new GraftError(wrong.code, wrong.message);
  if (isSource(given)) return [[inputs.find(isNeeded)!, given]];
  const byName = new Map(Object.entries(given).map(([key, source]) => [inputName(key), source]));
  return inputs.flatMap((input) => {
    const source = byName.get(input.name);
    return source === undefined ? [] : [[input, source] as const];
  });
}

export function isSource(given: Data["inputs"]): given is Source {
  return typeof given === "string" || typeof given["file"] === "string" || isList(given["file"]);
}

const isList = (value: unknown): boolean => Array.isArray(value);
