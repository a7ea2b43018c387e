// What `graft verify` found out about a recipe.

export interface VerifyCheck {
  readonly check: "frozen" | "cached" | "function" | "comparison";
  readonly state: "passed" | "failed" | "skipped";
  /** What was seen, with its figures; or why there was nothing to see. */
  readonly text: string;
  /** More of it, a line each. */
  readonly details: readonly string[];
  /** The same figures for programs. */
  readonly figures: Readonly<Record<string, number | null>>;
}

export interface Verification {
  readonly recipe: string;
  /** Training steps of each phase, at most. */
  readonly steps: number;
  readonly backend: string;
  readonly checks: readonly VerifyCheck[];
  /** Whether no check failed. */
  readonly passed: boolean;
}
