// The bench's side of the protocol, against small programs.
import { expect, test } from "vitest";
import { startPeer } from "../../bench/runner.mjs";

const peer = (script: string) => startPeer([process.execPath, "-e", script]);

const ECHO = `
console.log(JSON.stringify({ version: "echo 1" }));
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { folder } = JSON.parse(line);
  if (folder === "die") process.exit(3);
  console.log(JSON.stringify(folder === "bad" ? { error: "no such work" } : { seconds: folder.length }));
});`;

test("a process answers request after request, an error among them, and ends when asked", async () => {
  const { version, ask, stop } = await peer(ECHO);
  expect(version).toBe("echo 1");
  expect(await ask({ folder: "four" })).toEqual({ seconds: 4 });
  await expect(ask({ folder: "bad" })).rejects.toThrow("no such work");
  expect(await ask({ folder: "other" })).toEqual({ seconds: 5 });
  await stop();
});

test("a process that dies, or never starts, says why", async () => {
  const { ask } = await peer(ECHO);
  await expect(ask({ folder: "die" })).rejects.toThrow("exit code 3");
  await expect(peer("throw new Error('out of order')")).rejects.toThrow("out of order");
  await expect(startPeer(["/no/such/program"])).rejects.toThrow("ENOENT");
});
