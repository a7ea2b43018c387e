// What training moves in a phase: variables, their parts that move in different ways, and the optimizers' state.
import type { PhaseGroup } from "../../protocol/run";
import { elements, type Model, type Shape } from "../graph/model";
import { trainableMask } from "../graph/regions";
import { listVariables, shares, sizeOf, type Moving, type Share } from "../recipe/groups";
import type { OptimizerRule } from "./optimizers/rule";
import { optimizerRule } from "./optimizers/table";

/** Elements of a variable that one optimizer moves. */
interface Part {
  /** 1 where an element is of the part; undefined when all of them are. */
  readonly mask: Uint8Array | undefined;
  readonly rule: OptimizerRule;
  /** The share of a weight that is added to its gradient. */
  readonly l2: number;
  /** Updates that the part's slots have seen before this phase. */
  readonly updates: number;
}

export interface Trainable {
  readonly name: string;
  readonly shape: Shape;
  /** Disjoint. */
  readonly parts: readonly Part[];
  /** Those of the parts, one after the other: each of the variable's size. */
  slots: readonly Float32Array[];
}

/**
 * What a phase moves in `model`, with fresh slots. `updates` tells, of slots that hold the same, how many updates they
 * have seen before; none where they do not go on from a phase before.
 */
export function trainables(
  model: Model,
  moving: Moving,
  updates: (holds: string) => number = () => 0,
): Trainable[] {
  return shares(model, moving).map((all) => {
    const { name, shape } = all[0].variable;
    const parts = all.map(({ regions, optimizer, l2 }): Part => {
      const rule = optimizerRule(optimizer);
      const mask = trainableMask({ shape, trainable: regions });
      return { mask, rule, l2, updates: updates(rule.holds) };
    });
    const starts = parts.flatMap(({ rule }) => rule.slots);
    const slots = starts.map((start) => new Float32Array(elements(shape)).fill(start));
    return { name, shape, parts, slots };
  });
}

/** The slots of each part, out of all of a variable. */
export function slotsByPart<T>(parts: readonly Part[], slots: readonly T[]): readonly T[][] {
  let at = 0;
  return parts.map(({ rule }) => slots.slice(at, (at += rule.slots.length)));
}

/** Gives every element the slots that an optimizer of the phase before kept for it, where they hold the same. */
export function takeOver(training: readonly Trainable[], before: readonly Trainable[]): void {
  for (const each of training) {
    const old = before.find(({ name }) => name === each.name);
    if (old === undefined) continue;
    const kept = slotsByPart(old.parts, old.slots);
    each.slots = slotsByPart(each.parts, each.slots).flatMap((fresh, index) =>
      old.parts.reduce((slots, { mask, rule }, part) => {
        if (rule.holds !== each.parts[index].rule.holds) return slots;
        return slots.map((slot, at) => choose(mask, kept[part][at], slot));
      }, fresh),
    );
  }
}

const choose = (mask: Uint8Array | undefined, a: Float32Array, b: Float32Array): Float32Array =>
  mask === undefined ? a : b.map((value, index) => (mask[index] === 1 ? a[index] : value));

/** The ways in which a phase moves numbers, in the order of its groups: one where nothing has settings of its own. */
export function movements(model: Model, moving: Moving): readonly PhaseGroup[] {
  const all = shares(model, moving).flat();
  const ways = new Map<string, Share[]>();
  for (const group of [...(moving.groups ?? []), undefined])
    for (const share of all.filter((each) => each.group === group)) {
      const way = kindOf(share) + textOf(share);
      const alike = ways.get(way) ?? [];
      ways.set(way, alike);
      alike.push(share);
    }
  return [...ways.values()].map((alike) => {
    const count = alike.reduce((sum, share) => sum + sizeOf(share), 0);
    const variables = alike.map(({ variable }) => variable);
    return {
      numbers: `${count.toLocaleString("en-US")} ${kindOf(alike[0])}numbers of ${listVariables(model, variables)}`,
      optimizer: textOf(alike[0]),
    };
  });
}

const kindOf = ({ group }: Share): string => (group?.numbers ? `${group.numbers} ` : "");

const textOf = ({ optimizer, l2 }: Share): string =>
  `${optimizerRule(optimizer).text}${l2 > 0 ? `, L2 ${l2}` : ""}`;
