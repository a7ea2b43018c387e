// JSON as Jackson wrote it, so that a patched document keeps all that is not patched: the order of keys, whole numbers
// beyond 2^53, and how a number was spelt. Objects are maps: a key may be any text, "__proto__" and "0" among them.
import { visit } from "jsonc-parser";
import { GraftError } from "../../../protocol/errors";

/** A number with its text. */
export class JsonNumber {
  constructor(readonly text: string) {}
  get value(): number {
    return Number(this.text);
  }
}

export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

/** What `json` makes of plain data: the way to write a new part of a document. */
export type Plain = null | boolean | string | number | readonly Plain[] | { [key: string]: Plain };

/** Levels of a document; a network of wrapped layers has a dozen. */
const DEEPEST = 100;

/** Throws `corrupt-file` where `text` is no JSON object, or nested too deeply to be a configuration. */
export function parseObject(file: string, text: string): JsonObject {
  const root = parse(file, text);
  if (root instanceof Map) return root as JsonObject;
  throw damaged(file, "it holds no JSON object");
}

function parse(file: string, text: string): Json {
  const roots: Json[] = [];
  const open: (Json[] | Map<string, Json>)[] = [roots];
  const keys: string[] = [];
  const put = (value: Json): void => {
    const parent = open.at(-1)!;
    if (parent instanceof Map) parent.set(keys.pop()!, value);
    else parent.push(value);
  };
  const begin = (value: Json[] | Map<string, Json>): void => {
    if (open.length > DEEPEST) throw damaged(file, `it is nested more than ${DEEPEST} levels deep`);
    put(value);
    open.push(value);
  };
  const end = (): void => void open.pop();
  visit(
    text,
    {
      onObjectBegin: () => begin(new Map<string, Json>()),
      onArrayBegin: () => begin([]),
      onObjectEnd: end,
      onArrayEnd: end,
      onObjectProperty: (key) => void keys.push(key),
      onLiteralValue: (value: null | boolean | string | number, offset, length) =>
        put(
          typeof value === "number" ? new JsonNumber(text.slice(offset, offset + length)) : value,
        ),
      onError: (_, offset) => {
        throw damaged(file, `it is no JSON from character ${offset} on`);
      },
    },
    { disallowComments: true },
  );
  if (roots.length !== 1) throw damaged(file, "it holds no JSON value");
  return roots[0];
}

/** As Jackson prints it: two spaces a level, short arrays in one line, " : " behind a key. */
export function stringify(value: Json, indent = ""): string {
  if (value instanceof JsonNumber) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value))
    return value.length === 0
      ? "[ ]"
      : `[ ${value.map((each) => stringify(each, indent)).join(", ")} ]`;
  if (value.size === 0) return "{ }";
  const inner = `${indent}  `;
  const lines = [...value].map(
    ([key, each]) => `${inner}${JSON.stringify(key)} : ${stringify(each, inner)}`,
  );
  return `{\n${lines.join(",\n")}\n${indent}}`;
}

export function json(plain: Plain): Json {
  if (typeof plain === "number") return new JsonNumber(String(plain));
  if (plain === null || typeof plain !== "object") return plain;
  if (Array.isArray(plain)) return plain.map(json);
  return new Map(Object.entries(plain).map(([key, value]) => [key, json(value)]));
}

export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

export const isObject = (value: Json | undefined): value is JsonObject => value instanceof Map;

/** `object` with one key set; at the end where it is new. */
export const withKey = (object: JsonObject, key: string, value: Json): JsonObject =>
  new Map(object).set(key, value);

/** `root` with the value at `path` replaced by `change` of it. */
export function changed(root: Json, path: Path, change: (value: Json) => Json): Json {
  if (path.length === 0) return change(root);
  const [step, ...rest] = path;
  if (typeof step === "number") {
    const array = root as readonly Json[];
    return array.with(step, changed(array[step], rest, change));
  }
  const object = root as JsonObject;
  return withKey(object, step, changed(object.get(step) ?? null, rest, change));
}

/** Keys and indices from the root of a document. */
export type Path = readonly (string | number)[];

export const damaged = (file: string, what: string): GraftError =>
  new GraftError(
    "corrupt-file",
    `The configuration of ${file} is damaged: ${what}. Save the model again with ModelSerializer.writeModel.`,
  );
