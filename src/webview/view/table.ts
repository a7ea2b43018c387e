// A plain table: headings, right-aligned numbers, and no more rows than a person reads unless asked for.
import { formatCount } from "../format";
import { createButton } from "../toolkit";
import { h, onChange, setVisible, type Child, type View } from "./dom";

interface TableColumn<Row> {
  readonly title: string;
  readonly numeric?: boolean;
  /** Dropped where the panel is narrow. */
  readonly optional?: boolean;
  /** The first cell names its row. */
  readonly cell: (row: Row) => Child;
}

export interface TableOptions<Row> {
  readonly caption: string;
  readonly columns: readonly TableColumn<Row>[];
  readonly limit: number;
  readonly rowClass?: (row: Row) => string;
}

export function createTable<Row>(options: TableOptions<Row>): View<readonly Row[]> {
  const body = h("tbody");
  const more = createButton("", () => {
    all = true;
    fill(rows);
    // The button is gone; the rows that it brought are where to go on.
    element.querySelector<HTMLElement>(".table-scroll")?.focus();
  });
  const element = h("div", { class: "table" }, frame(options, body), more.element);
  let rows: readonly Row[] = [];
  let all = false;

  function fill(next: readonly Row[]): void {
    const shown = all ? next : next.slice(0, options.limit);
    body.replaceChildren(...shown.map((row) => tableRow(options, row)));
    more.set({ label: `Show All ${formatCount(next.length)}` });
    setVisible(more.element, shown.length < next.length);
  }
  const update = onChange((next: readonly Row[]) => {
    rows = next;
    fill(next);
  });
  return { element, update };
}

/** A region that scrolls sideways must be reachable by keyboard. */
export function frame<Row>(
  { caption, columns }: TableOptions<Row>,
  body: HTMLElement,
): HTMLElement {
  const headings = columns.map((column) =>
    h("th", { scope: "col", class: cellClass(column) }, column.title),
  );
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, ...headings)),
      body,
    ),
  );
}

export function tableRow<Row>({ columns, rowClass }: TableOptions<Row>, row: Row): HTMLElement {
  const cells = columns.map((column, i) => {
    const attributes = { class: cellClass(column) };
    return i === 0
      ? h("th", { ...attributes, scope: "row" }, column.cell(row))
      : h("td", attributes, column.cell(row));
  });
  return h("tr", { class: rowClass?.(row) ?? "" }, ...cells);
}

function cellClass({ numeric, optional }: TableColumn<never>): string {
  return [numeric ? "number" : "", optional ? "optional" : ""].join(" ").trim();
}
