// stand-in
import { wholeRegion, type Node, type Variable } from "../../../graph/model";
import type { StoredTensor } from "../../format";
import type { SourceGraph } from "./source";
import type { SourceVariable } from "./variables";
export function variablesOf({ declared, tensors, nodes }: { graph?: SourceGraph; declared?: ReadonlyMap<string, SourceVariable>; tensors: ReadonlyMap<string, StoredTensor>; nodes: readonly Node[] }): Map<string, Variable> {
  const used = new Set(nodes.flatMap((n) => n.inputs.flatMap((i) => "variable" in i ? [i.variable] : [])));
  const out = new Map<string, Variable>();
  for (const v of declared?.values() ?? []) {
    const role = /\/(Adam|Adam_1|Momentum|RMSProp)$/.test(v.name) ? "slot" : /power$|global_step/.test(v.name) ? "counter" : /moving_/.test(v.name) ? "statistic" : used.has(v.name) ? "weight" : "unused";
    out.set(v.name, { name: v.name, dtype: v.dtype, shape: v.shape, role, value: { from: "stored", name: v.stored }, trainable: role === "weight" && v.trainable !== false ? [wholeRegion(v.shape)] : [] });
  }
  for (const t of tensors.values()) if (!out.has(t.name) && ![...out.values()].some((v) => v.value.from === "stored" && v.value.name === t.name)) out.set(t.name, { name: t.name, dtype: t.dtype, shape: t.shape, role: declared ? "unused" : "weight", value: { from: "stored", name: t.name }, trainable: [] });
  return out;
}
