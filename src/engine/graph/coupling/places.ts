// Where the units of a layer sit along an axis of a tensor: behind a Concat they are a part of it, behind a Flatten
// they come back once per pixel.

/** Unit u fills [start + u · width, start + (u + 1) · width) behind each of the starts, which ascend. */
export interface Places {
  readonly starts: readonly number[];
  readonly width: number;
}

/** How an axis lies in another one. */
export type Embedding =
  /** As a part of it, at an offset: an input of a Concat. */
  | { readonly kind: "part"; readonly offset: number; readonly size: number }
  /** Each element `inner` times in a row, and the whole `times` times: an axis that was flattened with others. */
  | {
      readonly kind: "tiled";
      readonly times: number;
      readonly inner: number;
      readonly size: number;
    };

/** Length of one block of `units`. */
const extent = ({ width }: Places, units: number): number => width * units;

/** The places in the outer axis of what lies at `places` in the inner one. */
export function embed(places: Places, into: Embedding | undefined): Places {
  if (into === undefined) return places;
  if (into.kind === "part")
    return { ...places, starts: places.starts.map((start) => start + into.offset) };
  const { times, inner, size } = into;
  const starts = Array.from({ length: times }, (_, tile) =>
    places.starts.map((start) => (tile * size + start) * inner),
  );
  return { starts: starts.flat(), width: places.width * inner };
}

/**
 * The places in the inner axis; no starts where the units lie beside it, undefined where they do not fit into it: a
 * block that reaches over a border, or tiles that differ.
 */
export function extract(
  places: Places,
  from: Embedding | undefined,
  units: number,
): Places | undefined {
  if (from === undefined) return places;
  if (from.kind === "part") {
    const { offset, size } = from;
    const length = extent(places, units);
    const touching = places.starts.filter(
      (start) => start < offset + size && start + length > offset,
    );
    if (touching.some((start) => start < offset || start + length > offset + size))
      return undefined;
    return { ...places, starts: touching.map((start) => start - offset) };
  }
  const { times, inner, size } = from;
  const first = places.starts.filter((start) => start < size * inner);
  if (places.width % inner !== 0 || first.some((start) => start % inner !== 0)) return undefined;
  const within = { starts: first.map((start) => start / inner), width: places.width / inner };
  const all = embed(within, from);
  return samePlaces(all, places) && times > 0 ? within : undefined;
}

export const samePlaces = (a: Places, b: Places): boolean =>
  a.width === b.width && a.starts.join() === b.starts.join();

/** Both; undefined where blocks overlap without being the same. */
export function union(a: Places, b: Places, units: number): Places | undefined {
  if (a.starts.length === 0) return b;
  if (b.starts.length === 0) return a;
  if (a.width !== b.width) return undefined;
  const starts = [...new Set([...a.starts, ...b.starts])].sort((x, y) => x - y);
  const length = extent(a, units);
  const apart = starts.every((start, index) => index === 0 || start >= starts[index - 1] + length);
  return apart ? { starts, width: a.width } : undefined;
}

/** The elements of an axis that belong to `units`, ascending. */
export const elementsOf = ({ starts, width }: Places, units: readonly number[]): number[] =>
  starts.flatMap((start) =>
    units.flatMap((unit) =>
      Array.from({ length: width }, (_, part) => start + unit * width + part),
    ),
  );

/**
 * Something for each element of an axis of `size` elements after its `before` units were changed into `units`: what
 * `ofUnit` says of each part of each unit, and what `beside` says of the elements between them.
 */
export function alongAxis<Unit, Each>(
  { starts, width }: Places,
  size: number,
  before: number,
  units: readonly Unit[],
  beside: (element: number) => Each,
  /** `element`: where the part of a unit with the number `old` stood before. */
  ofUnit: (unit: Unit, element: (old: number) => number) => Each,
): Each[] {
  const all: Each[] = [];
  let at = 0;
  for (const start of starts) {
    while (at < start) all.push(beside(at++));
    for (const unit of units)
      for (let part = 0; part < width; part++)
        all.push(ofUnit(unit, (old) => start + old * width + part));
    at = start + before * width;
  }
  while (at < size) all.push(beside(at++));
  return all;
}

/**
 * For each element of the axis after the change, the element before it that it comes from; elements of the new units
 * count from `size` on. `units[i]` is the old unit that the new unit i takes, or undefined for a fresh one.
 */
export function rearranged(
  places: Places,
  size: number,
  before: number,
  units: readonly (number | undefined)[],
): number[] {
  let fresh = size;
  return alongAxis(
    places,
    size,
    before,
    units,
    (element) => element,
    (unit, element) => (unit === undefined ? fresh++ : element(unit)),
  );
}

/** The size of an axis of `size` elements with `added` units more. */
export const grown = (size: number, { starts, width }: Places, added: number): number =>
  size + added * width * starts.length;
