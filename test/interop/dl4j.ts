// Real Deeplearning4j, in a Java process of its own. The commands are at the top of dl4j/src/Dl4j.java.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe } from "vitest";

const command = process.env.GRAFT_DL4J;
const skipReason = process.env.GRAFT_DL4J_SKIP_REASON ?? "GRAFT_DL4J is not set";

/** An array in C order. Numbers are exact: a float32 has one double. */
export interface JavaArray {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** What `load`, `make`, `fit` and `transfer` answer. */
export interface JavaNetwork {
  readonly kind: "MultiLayerNetwork" | "ComputationGraph";
  readonly layers: readonly {
    readonly name: string;
    readonly class: string;
    readonly frozen: boolean;
  }[];
  readonly parameters: Readonly<Record<string, JavaArray>>;
  /** The flat state of the updater, in numbers as `blocks` cut it. */
  readonly updater: JavaArray | null;
  readonly blocks: readonly {
    readonly updater: string;
    readonly parameters: readonly string[];
    readonly size: number;
    readonly state: number;
  }[];
  readonly configuration: string;
  readonly score?: number;
}

export interface JavaOutput {
  readonly outputs: readonly JavaArray[];
  readonly activations?: Readonly<Record<string, JavaArray>>;
}

export interface Request {
  readonly command: string;
  readonly [more: string]: unknown;
}

export interface Dl4j {
  /** One command; rejects with what Java threw. Commands are answered in order. */
  ask<Answer = JavaNetwork>(request: Request): Promise<Answer>;
  close(): Promise<void>;
}

/** A `describe` that needs Deeplearning4j; where there is none its title says why it was skipped. */
export function withDl4j(title: string, tests: () => void): void {
  if (command) describe(title, tests);
  else describe.skip(`${title} (skipped: ${skipReason})`, tests);
}

/** How to run another main class, or a source file, with Deeplearning4j. */
export function javaCommand(main: string): readonly string[] {
  if (command === undefined) throw new Error(skipReason);
  return [...(JSON.parse(command) as string[]).slice(0, -1), main];
}

/** Starts Java; it loads for some seconds before it answers. */
export function startDl4j(): Dl4j {
  const [program, ...args] = javaCommand("Dl4j");
  const java = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  let log = "";
  java.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-4000)));
  const ended = new Promise<void>((resolve) => {
    const end = (cause: string) => {
      for (const { reject } of waiting.splice(0)) reject(new Error(`${cause}\n${log}`));
      resolve();
    };
    java.on("error", ({ message }) => end(message));
    java.on("close", (code) => end(`Java ended with exit code ${code}`));
  });
  createInterface({ input: java.stdout }).on("line", (line) => waiting.shift()?.resolve(line));
  return {
    async ask<Answer>(request: Request): Promise<Answer> {
      const line = await new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject });
        java.stdin.write(`${JSON.stringify(request)}\n`);
      });
      const answer = JSON.parse(line) as Answer & { readonly error?: string };
      if (answer.error !== undefined) throw new Error(`${request.command}: ${answer.error}`);
      return answer;
    },
    async close() {
      java.stdin.end();
      await ended;
    },
  };
}

/** Java for the tests of a suite, and a folder for their zips: `at` gives the path of one. */
export function javaForSuite(): {
  readonly java: Pick<Dl4j, "ask">;
  readonly at: (file: string) => string;
} {
  let java: Dl4j;
  let folder: string;
  beforeAll(async () => {
    java = startDl4j();
    folder = await mkdtemp(join(tmpdir(), "graft-dl4j-"));
  });
  afterAll(async () => {
    await java.close();
    await rm(folder, { recursive: true });
  });
  return { java: { ask: (request) => java.ask(request) }, at: (file) => join(folder, file) };
}
