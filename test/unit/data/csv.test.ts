import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import type { DataArray } from "../../../src/engine/data/array";
import { type CsvValues, describeCsv, readCsv, selectColumns } from "../../../src/engine/data/csv";
import { errorOf, mutate, seeded, temporaryFolder } from "./helpers";

const temporary = temporaryFolder();

async function read(
  content: string | Buffer,
  patterns: readonly string[] = ["*"],
  values: CsvValues = "numbers",
  flat = false,
): Promise<DataArray> {
  const path = temporary.write("t.csv", content);
  const table = await describeCsv(path);
  const columns = selectColumns(table, patterns, basename(path));
  return readCsv(path, table, columns, values, flat);
}

describe("what the beginning of a file says", () => {
  const iris = "5.1,3.5,setosa\n4.9,3.0,setosa\n6.1,2.8,versicolor\n";
  const cases: readonly (readonly [string, string, string, boolean, string])[] = [
    ["commas and names", "a,b\n1,2\n", ",", true, "a|b"],
    ["semicolons with decimal commas", "a;b\n1,5;2,5\n", ";", true, "a|b"],
    ["semicolons with decimal commas, no names", "1,5;2,5\n3,5;4,5\n", ";", false, "1|2"],
    ["tabs", "a\tb c\n1\t2\n", "\t", true, "a|b c"],
    ["tabs with an empty value", "a\tb\tc\n1\t\t2\n", "\t", true, "a|b|c"],
    ["no names", "1,2\n3,4\n", ",", false, "1|2"],
    ["no names, numbers in scientific notation", "1e-3,.5\n-2.,+4\n", ",", false, "1|2"],
    ["one column", "label\n3\n", ",", true, "label"],
    ["one column of text without a name", "cat\ndog\ncat\n", ",", false, "1"],
    ["a byte order mark, CR LF and spaces", "\ufeffa , b\r\n1, 2\r\n", ",", true, "a|b"],
    ["quoted names with a delimiter", '"a,1";"b"\n1;2\n', ";", true, "a,1|b"],
    ["an unnamed index of pandas", ",a,y\n0,1.5,3\n1,2.5,4\n", ",", true, "|a|y"],
    ["names that are numbers", "label,0,1,2\n5,0,0,9\n", ",", true, "label|0|1|2"],
    ["names that count beside text", "0,1,species\n5.1,3.5,setosa\n", ",", true, "0|1|species"],
    ["text beside numbers in the first sample", iris, ",", false, "1|2|3"],
    [
      "text beside numbers in the first sample, which does not occur again",
      "5.1,3.5,setosa\n4.9,3.0,virginica\n",
      ",",
      false,
      "1|2|3",
    ],
    ["names only", "a,b\n", ",", true, "a|b"],
    ["empty lines before the names", "\n\na,b\n1,2\n", ",", true, "a|b"],
  ];
  it.each(cases)("%s", async (_, content, delimiter, header, columns) => {
    const table = await describeCsv(temporary.write("d.csv", content));
    expect([table.delimiter, table.header, table.columns.join("|")]).toEqual([
      delimiter,
      header,
      columns,
    ]);
  });

  it("tells columns of numbers from columns of text", async () => {
    const path = temporary.write("n.csv", "id,name,x,late\n1,a,nan,1\n2,b,2.5,?\n");
    expect((await describeCsv(path)).numeric).toEqual([true, false, true, false]);
  });

  it("looks at the beginning of a large file only", async () => {
    const row = `${"1.25,".repeat(99)}7\n`;
    const path = temporary.write("large.csv", row.repeat(4000) + "broken");
    expect((await describeCsv(path)).columns.length).toBe(100);
  });
});

describe("choosing columns", () => {
  const table = {
    delimiter: ",",
    header: true,
    columns: ["id", "pixel_0", "pixel_1", "pixel_10", "a*b", "twice", "twice"],
    numeric: [],
  };
  const cases: readonly (readonly [readonly string[], readonly number[] | RegExp])[] = [
    [["id"], [0]],
    [["pixel_*"], [1, 2, 3]],
    [["pixel_1"], [2]],
    [["pixel_1*"], [2, 3]],
    [["*_*0"], [1, 3]],
    [["*"], [0, 1, 2, 3, 4, 5, 6]],
    [
      ["pixel_1", "id"],
      [2, 0],
    ],
    [
      ["pixel_1", "pixel_*"],
      [2, 1, 3],
    ],
    [["pixel"], /^data-missing: t\.csv has no column "pixel"\. Its columns: id, pixel_0/],
    [["x*"], /^data-missing: t\.csv has no column that matches "x\*"/],
    [["twice"], /^data-format: t\.csv has 2 columns called "twice"/],
    [["pixel_*pixel_0"], /no column that matches/],
    [["*1*_*"], /no column that matches/],
  ];
  it.each(cases)("%j", async (patterns, expected) => {
    if (expected instanceof RegExp) {
      expect(await errorOf(() => selectColumns(table, patterns, "t.csv"))).toMatch(expected);
    } else {
      expect(selectColumns(table, patterns, "t.csv")).toEqual(expected);
    }
  });

  it("is quick with a hostile pattern", () => {
    const columns = ["a".repeat(50_000)];
    const pattern = `${"a*".repeat(2000)}b`;
    expect(() => selectColumns({ ...table, columns }, [pattern], "t.csv")).toThrow(/no column/);
  });
});

describe("values", () => {
  it("are rows × columns", async () => {
    expect(await read("a,b,c\n1,2,x\n-3.5,4e2,y\n", ["b", "a"])).toEqual({
      shape: [2, 2],
      dtype: "float64",
      data: Float64Array.of(2, 1, 400, -3.5),
    });
  });

  it("are one number a row where one column is named", async () => {
    expect((await read("a,b\n1,2\n3,4\n", ["b"], "numbers", true)).shape).toEqual([2]);
  });

  it("are all there in a long file", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},${i % 7}`);
    const { shape, data } = await read(`x,y\n${lines.join("\n")}\n`, ["x"], "numbers", true);
    expect(shape).toEqual([20_000]);
    expect(data.every((value, i) => value === i)).toBe(true);
  });

  it("that are not finite are left to who uses them", async () => {
    const { data } = await read("a\nNaN\n-inf\nInfinity\n");
    expect([...data]).toEqual([NaN, -Infinity, Infinity]);
  });

  const labels: readonly (readonly [string, string, string, readonly (string | number)[]])[] = [
    ["text", "y\ncat\ndog\n", "string", ["cat", "dog"]],
    ["numbers", "y\n3\n4.0\n", "float64", [3, 4]],
    ["numbers and text", "y\n3\n4a\n", "string", ["3", "4a"]],
    ["codes with leading zeros", "y\n007\n010\n", "string", ["007", "010"]],
    ["quoted text over two lines", 'y,z\n"a\nb",1\nc,2\n', "string", ["a\nb", "c"]],
    ["UTF-16 with a byte order mark is not text here", "y\n\u732b\n", "string", ["\u732b"]],
  ];
  it.each(labels)("as labels: %s", async (_, content, dtype, expected) => {
    const array = await read(content, ["y"], "labels", true);
    expect([array.dtype, [...array.data]]).toEqual([dtype, expected]);
  });
});

describe("errors name line, column and what was found", () => {
  const cases: readonly (readonly [string, string | Buffer, string])[] = [
    [
      "text for a number",
      "a,b\n1,2\n3,oops\n",
      't.csv line 3 column "b": expected a number, found "oops".',
    ],
    ["nothing", "a,b\n1,2\n,4\n", 't.csv line 3 column "a": expected a number, found nothing.'],
    [
      "a decimal comma",
      "a;b\n1;2,5\n",
      't.csv line 2 column "b": expected a number, found "2,5". Write a decimal point, not a comma.',
    ],
    ["hexadecimal", "a\n0x10\n", 't.csv line 2 column "a": expected a number, found "0x10".'],
    [
      "a thousands separator",
      "a\n1_000\n",
      't.csv line 2 column "a": expected a number, found "1_000".',
    ],
    [
      "a long text",
      `a\n${"z".repeat(90)}\n`,
      `t.csv line 2 column "a": expected a number, found "${"z".repeat(40)}…".`,
    ],
    [
      "a line end in quotes: the line where the row ends",
      'a,b,c\n1,"2\n2",3\n5,6,x\n',
      't.csv line 3 column "b": expected a number, found "2\\n2".',
    ],
    [
      "a short row",
      "a,b,c\n1,2,3\n4,5\n",
      't.csv line 3 has 2 values; the first row has 3. Delimiter: ",".',
    ],
    [
      "a long row",
      "a,b\n1,2\n4,5,6\n",
      't.csv line 3 has 3 values; the first row has 2. Delimiter: ",".',
    ],
    [
      "an empty line in a column of values",
      "a\n1\n\n2\n",
      "t.csv line 3 is empty, but rows follow. Write a value or delete the line.",
    ],
    ["an empty file", "", "t.csv has no rows. Expected one row per sample."],
    ["empty lines only", "\n\n", "t.csv has no rows. Expected one row per sample."],
    ["bytes", Buffer.from([1, 0, 2]), "t.csv is not text, so it is not a CSV file."],
    [
      "UTF-16",
      Buffer.from("\ufeffa,b\n1,2\n", "utf16le"),
      "t.csv is UTF-16 text. Save it as CSV in UTF-8.",
    ],
    [
      "one endless line",
      "1".repeat(2 ** 20 + 1),
      "t.csv has a first line of more than 1 MB; it is not a table.",
    ],
  ];
  it.each(cases)("%s", async (_, content, message) => {
    expect(await errorOf(() => read(content))).toBe(`data-format: ${message}`);
  });

  it("a quote that does not end", async () => {
    expect(await errorOf(() => read('a,b\n1,"2\n3,4\n'))).toMatch(
      /^data-format: t\.csv (is not a CSV file: Quote Not Closed|has no rows)/,
    );
  });
});

it("ignores empty lines between rows of several columns and at the end", async () => {
  expect((await read("a,b\n1,2\n\n3,4\n\n\n")).shape).toEqual([2, 2]);
});

it("seeded mutations throw nothing but a GraftError", async () => {
  const original = Buffer.from('id,"x 1",y\n1,2.5,cat\n2,-3e1,"dog"\n3,4,cat\n'.repeat(3));
  const random = seeded(3);
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    const content = mutate(original, random);
    if ((await errorOf(() => read(content, ["*"], "labels"))) !== "no error") refused++;
    await errorOf(() => read(content, ["1", "*x*"], "numbers"));
  }
  expect(refused).toBeGreaterThan(50);
});
