// What the extension host loads as its tests on the bench: runs the real entry, and writes its console and verdict to files.
// The host's own console ends up in the browser's, between the workbench's messages.
import { Console } from "node:console";
import { appendFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Writable } from "node:stream";

export interface Verdict {
  readonly passed: boolean;
  readonly error?: string;
}

/** Environment variables by which harness/host.ts says where. */
export const TESTS = "GRAFT_HOST_TESTS";
export const OUTPUT = "GRAFT_HOST_OUTPUT";
export const VERDICT = "GRAFT_HOST_VERDICT";

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

function redirectConsole(file: string): void {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      appendFileSync(file, chunk);
      done();
    },
  });
  // Replaced as a whole: VS Code gives console.log a setter that does nothing.
  globalThis.console = new Console({ stdout: stream, stderr: stream, colorMode: false });
  process.stdout.write = stream.write.bind(stream) as typeof process.stdout.write;
}

export async function run(): Promise<void> {
  const tell = (verdict: Verdict) => writeFileSync(given(VERDICT), JSON.stringify(verdict));
  redirectConsole(given(OUTPUT));
  try {
    const tests = createRequire(__filename)(given(TESTS)) as { run(): Promise<void> };
    await tests.run();
    tell({ passed: true });
  } catch (error) {
    tell({ passed: false, error: String(error instanceof Error ? error.stack : error) });
    throw error;
  }
}
