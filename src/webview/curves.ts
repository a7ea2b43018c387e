// The epochs so far, in columns, as the charts want them.
// Seen from outside immutable; inside, `append` extends the newest value's arrays in place, because copying
// five columns for each of 10,000 epochs would be quadratic. An older value only ever sees its own first `length` points.

export interface Point {
  readonly phase: number;
  /** Within the phase, from 1. */
  readonly epoch: number;
  /** Epochs of the phases before, plus `epoch`. */
  readonly x: number;
  readonly loss: number | null;
  readonly accuracy: number | null;
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
}

type Column = keyof Point;

type Columns = { readonly [Name in Column]: Point[Name][] };

export interface Curves {
  readonly length: number;
  readonly columns: Columns;
}

const COLUMNS: readonly Column[] = [
  "phase",
  "epoch",
  "x",
  "loss",
  "accuracy",
  "validationLoss",
  "validationAccuracy",
];

export function noCurves(): Curves {
  return { length: 0, columns: firstPoints(null, 0) };
}

/** A resumed run repeats the epochs after its last saved state: a point replaces those from its own epoch on. */
export function append(curves: Curves, point: Point): Curves {
  let kept = curves.length;
  while (kept > 0 && !isBefore(curves, kept - 1, point)) kept--;
  const owned = kept === curves.columns.x.length;
  const columns = owned ? curves.columns : firstPoints(curves.columns, kept);
  for (const name of COLUMNS) push(columns, name, point);
  return { length: kept + 1, columns };
}

export function pointAt(curves: Curves, index: number): Point {
  const { columns } = curves;
  const value = <Name extends Column>(name: Name) => columns[name][index] as Point[Name];
  return {
    phase: value("phase"),
    epoch: value("epoch"),
    x: value("x"),
    loss: value("loss"),
    accuracy: value("accuracy"),
    validationLoss: value("validationLoss"),
    validationAccuracy: value("validationAccuracy"),
  };
}

export function column<Name extends Column>(curves: Curves, name: Name): readonly Point[Name][] {
  const values = curves.columns[name];
  return values.length === curves.length ? values : values.slice(0, curves.length);
}

/** Whether the series has anything to draw; a network without labels has no accuracy. */
export function hasValues(curves: Curves, name: Column): boolean {
  const values = curves.columns[name];
  for (let i = 0; i < curves.length; i++) if (values[i] !== null) return true;
  return false;
}

/**
 * Where the epoch axis ends: at the last planned epoch once a fair part of it is done, so that the empty part reads as
 * what is left; before, at a round number not far ahead, so that 100 of 10,000 epochs are not a sliver.
 */
export function axisEnd(done: number, planned: number): number {
  if (planned <= 100 || done * 4 >= planned) return Math.max(done, planned, 1);
  const wanted = Math.max(done * 1.5, 50);
  const magnitude = 10 ** Math.floor(Math.log10(wanted));
  const round = [1, 2, 5, 10].map((factor) => factor * magnitude).find((end) => end >= wanted);
  return Math.min(planned, round ?? planned);
}

function isBefore(curves: Curves, index: number, point: Point): boolean {
  const phase = curves.columns.phase[index] ?? 0;
  const epoch = curves.columns.epoch[index] ?? 0;
  return phase < point.phase || (phase === point.phase && epoch < point.epoch);
}

function firstPoints(columns: Columns | null, length: number): Columns {
  const first = <Name extends Column>(name: Name) =>
    columns ? (columns[name].slice(0, length) as Point[Name][]) : [];
  return {
    phase: first("phase"),
    epoch: first("epoch"),
    x: first("x"),
    loss: first("loss"),
    accuracy: first("accuracy"),
    validationLoss: first("validationLoss"),
    validationAccuracy: first("validationAccuracy"),
  };
}

function push<Name extends Column>(columns: Columns, name: Name, point: Point): void {
  columns[name].push(point[name]);
}
