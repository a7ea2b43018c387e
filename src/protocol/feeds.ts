// The kinds of scalars that training reads, in words and in numbers: for the engine's messages and the extension's questions.
import type { ScalarFeed } from "./plan";

export interface FeedKind {
  readonly what: string;
  readonly range: string;
  readonly example: number;
  readonly isPossible: (value: number) => boolean;
}

export const FEEDS: Readonly<Record<ScalarFeed["kind"], FeedKind>> = {
  rate: {
    what: "the share of units that dropout drops while training",
    range: "from 0 to less than 1",
    example: 0.5,
    isPossible: (value) => value >= 0 && value < 1,
  },
  keep: {
    what: "the share of units that dropout keeps while training",
    range: "more than 0, up to 1",
    example: 0.5,
    isPossible: (value) => value > 0 && value <= 1,
  },
  number: {
    what: "a number that the loss depends on",
    range: "a number",
    example: 0,
    isPossible: Number.isFinite,
  },
};
