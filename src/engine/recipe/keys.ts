// The keys that a recipe may have at a place, and the one that a wrong key was meant to be.
import { recipeJsonSchema } from "./schema";

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

let schema: Schema | undefined;

/** The known key at `path` that is nearest to `wrong`, where one is near enough to be meant. */
export function nearestKey(path: readonly PropertyKey[], wrong: string): string | undefined {
  schema ??= recipeJsonSchema() as Schema;
  let places = alternatives(schema);
  for (const part of path)
    places = places.flatMap((place) => {
      const inner =
        typeof part === "number" ? place.items : (place.properties?.[String(part)] ?? open(place));
      return inner === undefined ? [] : alternatives(inner);
    });
  return nearest(
    wrong,
    places.flatMap(({ properties }) => Object.keys(properties ?? {})),
  );
}

/** Apart by case and underscores alone, or by few letters. */
export function nearest(wrong: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((key) => ({ key, apart: distance(plain(wrong), plain(key)) }))
    .sort((a, b) => a.apart - b.apart);
  return best !== undefined && best.apart <= Math.max(1, wrong.length / 4) ? best.key : undefined;
}

const plain = (key: string): string => key.replace(/[_-]/g, "").toLowerCase();

const alternatives = (place: Schema): readonly Schema[] =>
  place.anyOf === undefined ? [place] : place.anyOf.flatMap(alternatives);

const open = ({ additionalProperties: any }: Schema): Schema | undefined =>
  typeof any === "object" ? any : undefined;

/** Levenshtein: letters to insert, remove or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j] + (a[i] === b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1));
    row = next;
  }
  return row[b.length];
}
