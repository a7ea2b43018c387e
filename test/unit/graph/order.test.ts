import { expect, test } from "vitest";
import type { Node } from "../../../src/engine/graph/model";
import { ancestors, consumers, dependencyOrder } from "../../../src/engine/graph/order";

const order = (graph: Readonly<Record<string, readonly string[]>>): string[] =>
  dependencyOrder(Object.keys(graph), (name) => graph[name] ?? []);

test("what others depend on comes first, and otherwise the order stays", () =>
  expect(order({ d: ["b", "c"], c: ["a"], b: ["a"], a: [], e: [] })).toEqual([
    "a",
    "b",
    "c",
    "d",
    "e",
  ]));

test("a cycle is told by its nodes, along the way that data takes", () => {
  expect(() => order({ x: ["a"], a: ["b"], b: ["c"], c: ["a"] })).toThrow(
    '"a" depends on itself (a → c → b → a)',
  );
  expect(() => order({ a: ["a"] })).toThrow('"a" depends on itself (a → a)');
});

test("a long cycle is told in short", () => {
  const ring = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, index) => [`n${index}`, [`n${(index + 1) % 50_000}`]]),
  );
  expect(() => order(ring)).toThrow(/^.{1,200}$/);
});

const model = (nodes: Readonly<Record<string, readonly string[]>>) => ({
  nodes: new Map(
    Object.entries(nodes).map(([name, inputs]): [string, Node] => [
      name,
      {
        name,
        op: "Relu",
        attributes: {},
        inputs: inputs.map((input) => ({ node: input })),
        origin: [name],
      },
    ]),
  ),
});

test("ancestors include the names asked for, and nothing that only reads them", () => {
  const graph = model({ a: [], b: ["a"], c: ["b"], d: ["b"], e: [] });
  expect(ancestors(graph, ["c"])).toEqual(new Set(["c", "b", "a"]));
  expect(ancestors(graph, ["nowhere"])).toEqual(new Set());
});

test("a node that reads another twice is one consumer", () => {
  const graph = model({ a: [], b: ["a", "a"], c: ["a"] });
  expect([...consumers(graph)]).toEqual([
    ["a", ["b", "c"]],
    ["b", []],
    ["c", []],
  ]);
});
