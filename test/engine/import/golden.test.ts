// Graphs by real TensorFlow (test/fixtures/graphs/make.py) and the checkpoints' own, as Graft reads them.
// The golden files were checked against the programs that made the graphs; vitest -u writes them anew.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FIXTURES } from "../fixture";
import { importFile, summary } from "./summary";

const files = [
  ...readdirSync(join(FIXTURES, "graphs"))
    .filter((name) => name.endsWith(".meta"))
    .map((name) => `graphs/${name}`),
  ...readdirSync(FIXTURES)
    .filter((name) => /^b[128]_/.test(name))
    .flatMap((folder) =>
      readdirSync(join(FIXTURES, folder))
        .filter((name) => name.endsWith(".meta"))
        .map((name) => `${folder}/${name}`),
    ),
].filter((file) => !file.startsWith("b1_dtypes"));

test.each(files)("%s", async (file) => {
  const golden = join(
    __dirname,
    "golden",
    `${file.replace(/\/.*/, "").replace("graphs", "")}${file.startsWith("graphs/") ? file.slice(7, -5) : ""}.txt`,
  );
  await expect(summary(importFile(join(FIXTURES, file)))).toMatchFileSnapshot(golden);
});
