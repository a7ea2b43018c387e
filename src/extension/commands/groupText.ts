// A parameter group in words, and its place in a phase. Knows no VS Code.
import { optimizerLabel, type OptimizerName } from "../../protocol/optimizers";

/** As the recipe has it. */
export interface Group {
  readonly layers?: string;
  readonly numbers?: "new" | "old";
  readonly optimizer?: Readonly<Record<string, unknown>>;
  readonly learningRate?: number;
  readonly l2?: number;
}

type Phase = Readonly<Record<string, unknown>>;

/** "new numbers: learning rate 0.001" */
export function groupText({ layers, numbers, optimizer, learningRate, l2 }: Group): string {
  const what = [numbers === undefined ? "" : `${numbers} numbers`, layers].filter(Boolean);
  const how = [
    optimizer && optimizerLabel(Object.keys(optimizer)[0] as OptimizerName).toLowerCase(),
    learningRate !== undefined && `learning rate ${learningRate}`,
    l2 !== undefined && `L2 ${l2}`,
  ].filter(Boolean);
  return `${what.join(" of ") || "all numbers"}: ${how.join(", ")}`;
}

/** The phase with the group; one for the same numbers gets what is new in it, so that answers add up. */
export function withGroup(phase: Phase, group: Group): Phase {
  const groups = (phase["groups"] as readonly Group[] | undefined) ?? [];
  const same = groups.findIndex(
    ({ layers, numbers }) => layers === group.layers && numbers === group.numbers,
  );
  return {
    ...phase,
    groups: same < 0 ? [...groups, group] : groups.with(same, { ...groups[same], ...group }),
  };
}
