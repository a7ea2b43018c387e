// Frozen stays frozen: hashes before and after training steps, and the bytes of a result.
import type { VerifyCheck } from "../../protocol/verify";
import type { Checkpoint } from "../formats/format";
import { storedName } from "../graph/model";
import type { Trial } from "./trial";

/** `result`: a checkpoint that the recipe made, whose frozen tensors must be the bytes that training began with. */
export async function checkFrozen(
  { trainer, frozen, steps }: Trial,
  result: Checkpoint | undefined,
): Promise<VerifyCheck> {
  const changed = frozen.flatMap(({ before, after }, phase) =>
    [...before]
      .filter(([name, { hash }]) => after.get(name)?.hash !== hash)
      .map(([name]) => `${name} changed in phase ${phase + 1}`),
  );
  const always = [...trainer.live.names()].filter((name) => !trainer.moved.has(name));
  const other = result === undefined ? [] : await otherBytes(result, always, trainer.start);
  const wrong = [...changed, ...other];
  const kept = frozen.flatMap(({ before }) => [...before]);
  const names = new Set(kept.map(([name]) => name));
  const parts = new Set(kept.flatMap(([name, { part }]) => (part ? [name] : [])));
  const figures = { tensors: names.size, changed: wrong.length };
  if (names.size === 0)
    return { check: "frozen", state: "skipped", text: "nothing is frozen", details: [], figures };
  const where = result === undefined ? "" : ", and in the result";
  const some = parts.size === 0 ? "" : ` (${parts.size} of them in part)`;
  const tensors = `${names.size} frozen ${names.size === 1 ? "tensor" : "tensors"}${some}`;
  return {
    check: "frozen",
    state: wrong.length === 0 ? "passed" : "failed",
    text:
      wrong.length === 0
        ? `${tensors} unchanged, bit for bit, after ${steps}${where}`
        : `${tensors}, and ${wrong.length} changed`,
    details: wrong,
    figures,
  };
}

async function otherBytes(
  result: Checkpoint,
  names: readonly string[],
  start: ReadonlyMap<string, Uint8Array>,
): Promise<string[]> {
  const { variables } = await result.model();
  const wrong: string[] = [];
  for (const name of names) {
    const variable = variables.get(name);
    if (variable === undefined) wrong.push(`${name} is not in the result`);
    else if (Buffer.compare(await result.read(storedName(variable)), start.get(name)!) !== 0)
      wrong.push(`${name} has other bytes in the result`);
  }
  return wrong;
}
