// Test projects that run in plain Node. The tests inside VS Code are in test/vscode and do not use vitest.
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

const seconds = 1000;

const project = (
  name: string,
  testTimeout: number,
  more: TestProjectInlineConfiguration["test"] = {},
): TestProjectInlineConfiguration => ({
  extends: true,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, ...more },
});

export default defineConfig({
  // As in the bundles: TensorFlow.js' gradients exist as modules only, and must share its engine.
  resolve: { mainFields: ["module", "main"] },
  ssr: { resolve: { mainFields: ["module", "main"] } },
  test: {
    // A process per file: native libraries and TensorFlow.js' global backend stay apart.
    pool: "forks",
    hookTimeout: 60 * seconds,
    server: { deps: { inline: [/@tensorflow\/tfjs-(core|backend)/] } },
    projects: [
      project("unit", 10 * seconds),
      project("engine", 60 * seconds),
      project("architecture", 60 * seconds),
      // Real frameworks: each process takes a gigabyte, and their import alone takes seconds.
      project("interop", 300 * seconds, { hookTimeout: 300 * seconds, fileParallelism: false }),
    ],
  },
});
