// Tests of what a person sees and clicks, in VS Code with the packaged extension.
import { join } from "node:path";
import { defineConfig } from "@playwright/test";
import { artifacts } from "../harness/paths";

export default defineConfig({
  testDir: ".",
  outputDir: join(artifacts, "ui"),
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: process.env.GRAFT_TEST_RESULTS
    ? [["list"], ["json", { outputFile: process.env.GRAFT_TEST_RESULTS }]]
    : [["list"]],
});
