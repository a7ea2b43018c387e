// An object of a DL4J configuration that says which class it is of, and its fields.
import { GraftError } from "../../../protocol/errors";
import { isArray, isObject, JsonNumber, type Json, type JsonObject, type Path } from "./json";
import { classOfShort, withoutPackage, type Family } from "./names";

export interface Typed {
  /** The class's name without its package: "DenseLayer". */
  readonly type: string;
  readonly fields: JsonObject;
  /** Of `fields`, in the document. */
  readonly path: Path;
}

/** What `value` at `path` is; undefined where it is no object that names a class. */
export function typed(family: Family, value: Json | undefined, path: Path): Typed | undefined {
  if (!isObject(value)) return undefined;
  const name = value.get("@class");
  if (typeof name === "string") return { type: withoutPackage(name), fields: value, path };
  // { "dense": { … } }
  const [short, ...others] = value.keys();
  if (short === undefined || others.length > 0) return undefined;
  const fields = value.get(short)!;
  if (!isObject(fields)) return undefined;
  return { type: classOfShort(family, short), fields, path: [...path, short] };
}

/** The value in the document that `typed` was made of. */
export const rawOf = ({ fields, path }: Typed): Json =>
  fields.has("@class") ? fields : new Map([[String(path.at(-1)), fields]]);

/** The object in a field of `owner`. */
export const typedField = (family: Family, owner: Typed, key: string): Typed | undefined =>
  typed(family, owner.fields.get(key), [...owner.path, key]);

/** The objects of the list in a field; none where there is no list. Throws `corrupt-file` for an item that is none. */
export function typedItems(family: Family, owner: Typed, key: string): readonly Typed[] {
  const value = owner.fields.get(key);
  if (!isArray(value)) return [];
  return value.map((item, index) => {
    const found = typed(family, item, [...owner.path, key, index]);
    if (found === undefined) throw wrongField(owner, key, "a list of objects that name a class");
    return found;
  });
}

/** A whole number of at least `least`; `otherwise` where the field is not there, or null. */
export function whole(owner: Typed, key: string, least: number, otherwise?: number): number {
  const value = owner.fields.get(key) ?? null;
  if (value === null && otherwise !== undefined) return otherwise;
  const number = value instanceof JsonNumber ? value.value : Number.NaN;
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw wrongField(owner, key, `a whole number of at least ${least}`);
}

/** As many whole numbers as `count` says; one number stands for all of them. */
export function wholes(
  owner: Typed,
  key: string,
  count: number,
  least: number,
  otherwise?: readonly number[],
): readonly number[] {
  const value = owner.fields.get(key) ?? null;
  if (value === null && otherwise !== undefined) return otherwise;
  const items = isArray(value) ? value : [value];
  const numbers = items.map((item) => (item instanceof JsonNumber ? item.value : Number.NaN));
  if (numbers.every((number) => Number.isSafeInteger(number) && number >= least)) {
    if (numbers.length === 1) return new Array<number>(count).fill(numbers[0]);
    if (numbers.length === count) return numbers;
  }
  throw wrongField(owner, key, `${count} whole numbers of at least ${least}`);
}

/** A number; Jackson writes those that JSON has none for as text. `otherwise` where the field is not there. */
export function real(owner: Typed, key: string, otherwise: number): number {
  const value = owner.fields.get(key) ?? null;
  if (value === null) return otherwise;
  if (value instanceof JsonNumber) return value.value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  throw wrongField(owner, key, "a number");
}

export function flag(owner: Typed, key: string, otherwise: boolean): boolean {
  const value = owner.fields.get(key) ?? null;
  if (value === null) return otherwise;
  if (typeof value === "boolean") return value;
  throw wrongField(owner, key, "true or false");
}

/** Undefined where the field is not there, or null. */
export function text(owner: Typed, key: string): string | undefined {
  const value = owner.fields.get(key) ?? null;
  if (value === null) return undefined;
  if (typeof value === "string") return value;
  throw wrongField(owner, key, "a text");
}

export const wrongField = (owner: Typed, key: string, expected: string): GraftError =>
  new GraftError(
    "corrupt-file",
    `The configuration is damaged: "${key}" of the ${owner.type} at /${owner.path.join("/")} must be ${expected}, and is ${shown(owner.fields.get(key))}.`,
  );

function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return "not there";
  if (value instanceof JsonNumber) return value.text;
  if (isArray(value)) return `[${value.map(shown).join(", ")}]`;
  if (isObject(value)) return "an object";
  return JSON.stringify(value).slice(0, 100);
}
