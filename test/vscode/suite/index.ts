// Entry of the tests inside the extension host. Knows nothing of how that host was started.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Mocha from "mocha";
import { cleanUp } from "./support/window";

export async function run(): Promise<void> {
  const mocha = new Mocha({
    ui: "bdd",
    color: false,
    timeout: 60_000,
    reporter: "spec",
    rootHooks: { afterEach: cleanUp },
    ...(process.env.GRAFT_TEST_GREP ? { grep: process.env.GRAFT_TEST_GREP } : {}),
  });
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith(".test.js")) mocha.addFile(join(__dirname, name));
  }
  const tests: { title: string; state: string }[] = [];
  const failures = await new Promise<number>((resolve) => {
    const note = (test: Mocha.Test) =>
      tests.push({
        title: test.fullTitle(),
        state: test.isPending() ? "skipped" : (test.state ?? "failed"),
      });
    mocha.run(resolve).on("pass", note).on("fail", note).on("pending", note);
  });
  if (process.env.GRAFT_TEST_RESULTS) {
    writeFileSync(process.env.GRAFT_TEST_RESULTS, JSON.stringify(tests));
  }
  if (failures > 0) throw new Error(`${failures} failed`);
}
