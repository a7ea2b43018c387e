// "Copy Code to Load" of a zip: the lines compile, and what is a comment computes what the zip computes.
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatOf, openCheckpoint } from "../../src/engine/formats/table";
import {
  type Dl4j,
  javaCommand,
  type JavaArray,
  type JavaOutput,
  startDl4j,
  withDl4j,
} from "./dl4j";
import { numbers } from "./dl4jSamples";
import { FIXTURES } from "./fixtures";

interface Case {
  readonly zip: string;
  readonly inputs: readonly JavaArray[];
  readonly normalized?: true;
}

const CASES: readonly Case[] = [
  { zip: "b5_dl4j_mlp_iris/model.zip", inputs: [numbers(4, 4)] },
  { zip: "b5_dl4j_mlp_iris/model_with_normalizer.zip", inputs: [numbers(4, 4)], normalized: true },
  { zip: "b5_dl4j_graph_merge/model.zip", inputs: [numbers(4, 32), numbers(4, 32)] },
  { zip: "b5_dl4j_graves_lstm/model.zip", inputs: [numbers(4, 8, 5)] },
];

/** The lines as a program that prints its output for `inputs`. */
function program(code: string, inputs: readonly JavaArray[]): string {
  const lines = code.split("\n");
  const imports = lines.filter((line) => line.startsWith("import "));
  const statements = lines
    .filter((line) => !line.startsWith("import "))
    .map((line) => line.replace(/^\/\/ (?=normalizer|INDArray)/, ""));
  const samples = inputs.map(({ shape, values }, index) => {
    const name = inputs.length > 1 ? `samples${index + 1}` : "samples";
    return `INDArray ${name} = Nd4j.create(new float[] {${values.map((value) => `${value}f`).join()}}, new long[] {${shape.join()}}, 'c');`;
  });
  return [
    ...imports,
    "import org.nd4j.linalg.api.ndarray.INDArray;",
    "import org.nd4j.linalg.factory.Nd4j;",
    "public class Main {",
    "public static void main(String[] arguments) throws Exception {",
    ...samples,
    ...statements,
    inputs.length > 1 ? "INDArray result = output[0];" : "INDArray result = output;",
    "System.out.println(java.util.Arrays.toString(result.dup('c').data().asDouble()));",
    "System.exit(0);",
    "}}",
  ].join("\n");
}

withDl4j("lines that load a zip", () => {
  let java: Dl4j;
  let folder: string;
  beforeAll(async () => {
    java = startDl4j();
    folder = await mkdtemp(join(tmpdir(), 'graft "load" '));
  });
  afterAll(async () => {
    await java.close();
    await rm(folder, { recursive: true });
  });

  test.each(CASES)("$zip", async ({ zip, inputs, normalized }) => {
    const path = join(folder, "model.zip");
    await copyFile(join(FIXTURES, zip), path);
    const checkpoint = await openCheckpoint(path);
    const { language, code } = await formatOf(checkpoint).loadCode(path, await checkpoint.model());
    await checkpoint.close();
    expect(language).toBe("java");
    const source = join(folder, "Main.java");
    await writeFile(source, program(code, inputs));
    const [command, ...args] = javaCommand(source);
    const { stdout } = await promisify(execFile)(command, args);
    const fed = normalized
      ? (await java.ask<JavaOutput>({ command: "normalize", path, inputs })).outputs
      : inputs;
    const { outputs } = await java.ask<JavaOutput>({ command: "output", path, inputs: fed });
    expect(JSON.parse(stdout)).toEqual(outputs[0].values);
  });
});
