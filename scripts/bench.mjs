// Measures Graft and its peers side by side.   npm run bench [-- --work NAME] [--peer NAME] [--rounds N] [--backend NAME] [--json] [--write]
// test/bench/README.md says what is measured and how.
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { ensure } from "./ensure.mjs";

function oneOf(what, wanted, known) {
  const strange = wanted?.find((name) => !known.includes(name));
  if (strange) throw new Error(`There is no ${what} ${strange}. There are ${known.join(", ")}.`);
  return wanted ?? known;
}

async function main() {
  const { values } = parseArgs({
    options: {
      work: { type: "string", multiple: true },
      peer: { type: "string", multiple: true },
      rounds: { type: "string", default: "5" },
      backend: { type: "string", default: "auto" },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  await ensure();
  // Imported once everything is installed.
  const { PEERS } = await import("../test/bench/peers.mjs");
  const { WORKS } = await import("../test/bench/works.mjs");
  const { buildPrograms } = await import("../test/bench/programs.mjs");
  const { measureWork } = await import("../test/bench/measure.mjs");
  const { jsonLine, loadNow, textLine, writeResults } = await import("../test/bench/report.mjs");
  const works = oneOf("work", values.work, Object.keys(WORKS));
  const peers = oneOf(
    "peer",
    values.peer,
    Object.keys(PEERS).filter((name) => name !== "graft"),
  );
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds takes a whole number from 1, not ${values.rounds}.`);
  if (values.write && (values.work || values.peer))
    throw new Error("--write is for all works and peers: RESULTS.md is written whole.");

  await build();
  await buildPrograms();
  const load = loadNow();
  const rows = [];
  for (const work of works) {
    const chosen = WORKS[work].peers.filter((peer) => peers.includes(peer));
    if (chosen.length === 0) continue;
    const tell = (text) => console.error(text);
    try {
      for await (const row of measureWork(work, chosen, {
        rounds,
        backend: values.backend,
        tell,
      })) {
        rows.push(row);
        if (row.wrong) process.exitCode = 1;
        const line = values.json ? jsonLine(row) : textLine(row);
        console[line ? "log" : "error"](line ?? textLine(row));
      }
    } catch (error) {
      console.error(`${work} was not measured. ${error.message}`);
      for (const peer of chosen) rows.push({ work, peer, skipped: error.message });
      process.exitCode = 1;
    }
  }
  if (rows.length === 0) throw new Error("None of these works has any of these peers.");
  if (values.write) console.error(`Written: ${await writeResults(rows, { rounds, load })}`);
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
