// Files that appear all at once or not at all.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { staged, type Staging } from "../../../../src/engine/formats/tf1/staging";
import { OWNER } from "../../../../src/engine/files/owner";
import { temporaryFolder } from "./fixtures";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const at = (name: string): string => join(folder, name);
const contents = (): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(at(name), "utf8")]));
const put = (staging: Staging, name: string, text: string): Promise<void> =>
  staging.create(at(name), (sink) => sink.write(Buffer.from(text)));

test("new files replace old ones, and files to be removed go", async () => {
  writeFileSync(at("a"), "old");
  writeFileSync(at("stale"), "old");
  const files = await staged(at("a"), async (staging) => {
    staging.remove(at("stale"));
    staging.remove(at("never there"));
    await put(staging, "a", "new");
    await put(staging, "b", "new");
  });
  expect(files).toEqual([at("a"), at("b")]);
  expect(contents()).toEqual({ a: "new", b: "new" });
});

test("nothing has a final name before everything is written", async () => {
  await staged(at("a"), async (staging) => {
    await put(staging, "a", "new");
    await staging.create(at("b"), async (sink) => {
      expect(readdirSync(folder)).not.toContain("a");
      await sink.write(Buffer.from("new"));
    });
    expect(readdirSync(folder)).not.toContain("b");
  });
  expect(contents()).toEqual({ a: "new", b: "new" });
});

test("everything is as before when a rename fails halfway", async () => {
  const before = { a: "old", b: "old", stale: "old" };
  for (const [name, text] of Object.entries(before)) writeFileSync(at(name), text);
  const work = staged(at("a"), async (staging) => {
    staging.remove(at("stale"));
    await put(staging, "a", "new");
    await put(staging, "b", "new");
    // The last rename has nothing to move.
    const temporary = readdirSync(folder).find((name) => name.startsWith(".b."))!;
    rmSync(at(temporary));
  });
  await expect(work).rejects.toMatchObject({ code: "write-failed" });
  expect(contents()).toEqual(before);
});

test("what a process that was killed left goes with the next file of that name, and nothing else", async () => {
  const gone = OWNER.replace(/-\d+-/, "-1-");
  const stays = [`.b.old.${gone}.0123abcd.tmp`, `.a.old.${OWNER}.0123abcd.tmp`, ".a.tmp"];
  const goes = [`.a.old.${gone}.0123abcd.tmp`, `.a.${gone}.0123abcd.tmp`];
  for (const name of [...stays, ...goes]) writeFileSync(at(name), "left");
  await staged(at("a"), (staging) => put(staging, "a", "new"));
  expect(readdirSync(folder).sort()).toEqual([...stays, "a"].sort());
});

test("a folder that does not exist is made", async () => {
  await staged(at("deep/er/a"), (staging) => put(staging, "deep/er/a", "new"));
  expect(readFileSync(at("deep/er/a"), "utf8")).toBe("new");
});
