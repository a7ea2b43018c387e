// What a person chose, not what a run is: kept when the panel is hidden and rebuilt.

export interface ViewChoices {
  readonly curvesAsTable: boolean;
  readonly logarithmicLoss: boolean;
}

/** The stored value may be another version's. */
export function readChoices(stored: unknown): ViewChoices {
  const has = (key: keyof ViewChoices) =>
    typeof stored === "object" && stored !== null && Reflect.get(stored, key) === true;
  return { curvesAsTable: has("curvesAsTable"), logarithmicLoss: has("logarithmicLoss") };
}
