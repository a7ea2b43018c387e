// What the run was made from: result, notes, data, phases. Read once, so it comes last and is rebuilt as a whole.
import { baseName, formatCount, formatOf, formatPhase } from "../format";
import type { EventOf, PanelState, Phase } from "../state";
import { besideRecipe, groupWords } from "../words";
import { h, onChange, section, setVisible, type Child, type View } from "./dom";

export function createSaved(): View<PanelState> {
  const element = h("section", {});
  const update = onChange(
    (path: string | undefined, saved: EventOf<"saved"> | null, recipe: string) => {
      setVisible(element, path !== undefined);
      if (path === undefined) return;
      const event = saved?.path === path ? saved : null;
      const files = event?.files ?? [];
      element.replaceChildren(
        h("h2", {}, "Saved"),
        h("p", { class: "path", title: path }, besideRecipe(path, { recipe })),
        ...(files.length > 1
          ? [
              h(
                "details",
                {},
                h("summary", {}, formatOf(files.length, "file")),
                list(files.map(baseName)),
              ),
            ]
          : []),
        ...(event && event.notes.length > 0 ? [list(event.notes)] : []),
      );
    },
  );
  return { element, update: (state) => update(state.run.saved, state.saved, state.run.recipe) };
}

export function createNotes(): View<PanelState> {
  const body = h("div", {});
  const element = section("Notes", body);
  const update = onChange((notes: readonly string[]) => {
    setVisible(element, notes.length > 0);
    body.replaceChildren(list(notes));
  });
  return { element, update: (state) => update(state.notes) };
}

export function createDetails(): View<PanelState> {
  const terms = h("dl", {});
  const element = section("Run", terms);
  const update = onChange(
    (
      run: string,
      data: PanelState["data"],
      phases: readonly Phase[],
      seed: number | null,
      prefix: string | null,
      checkpoint: string,
      started: string,
    ) => {
      const rows: [string, ...Child[]][] = [["checkpoint", path(checkpoint)]];
      if (data) {
        rows.push(["data", ...data.bound.map((line) => h("div", {}, line))]);
        rows.push(["samples", samples(data)]);
        if (data.classes.length > 0)
          rows.push([formatOf(data.classes.length, "class", "classes"), classes(data.classes)]);
      }
      for (const phase of phases)
        rows.push([`phase ${formatPhase(phase.phase)}`, ...phaseWords(phase)]);
      if (prefix) rows.push(["frozen layers ran on", prefix]);
      if (seed !== null) rows.push(["seed", String(seed)]);
      const date = new Date(started);
      if (!Number.isNaN(date.getTime())) rows.push(["started", date.toLocaleString()]);
      rows.push(["run", run]);
      terms.replaceChildren(
        ...rows.flatMap(([term, ...content]) => [h("dt", {}, term), h("dd", {}, ...content)]),
      );
    },
  );
  return {
    element,
    update: (state) => {
      const { run, data, phases, seed } = state;
      update(run.run, data, phases, seed, prefixWords(state), run.checkpoint, run.started);
    },
  };
}

function list(lines: readonly string[]): HTMLElement {
  return h("ul", {}, ...lines.map((line) => h("li", {}, line)));
}

function path(full: string): HTMLElement {
  return h("span", { title: full }, baseName(full));
}

function samples({ training, validation }: EventOf<"data">): string {
  const held = validation > 0 ? `, ${formatCount(validation)} validation` : ", no validation";
  return `${formatCount(training)} training${held}`;
}

/** ImageNet has a thousand. */
function classes(names: readonly string[]): Child {
  const words = names.join(", ");
  if (words.length <= 200) return words;
  return h("details", {}, h("summary", {}, "names"), words);
}

function phaseWords(phase: Phase): Child[] {
  const words = [
    formatOf(phase.epochs, "epoch"),
    phase.optimizer,
    phase.cached ? "on bottlenecks" : "not cached",
    `${formatOf(phase.trainableParameters, "parameter")} trained`,
  ].join(" · ");
  const groups = groupWords(phase);
  const told = [words, ...(groups === "" ? [] : [h("div", {}, groups)])];
  const text = phase.text.trim();
  if (text === "") return told;
  return [...told, h("details", {}, h("summary", {}, "as in the recipe"), h("pre", {}, text))];
}

/** What caching saved: how many samples the frozen layers had to run on. */
function prefixWords({ ended, data, bottlenecks }: PanelState): string | null {
  if (!ended) return null;
  const cached = bottlenecks !== null && bottlenecks.reused >= bottlenecks.total;
  if (ended.prefixSamples === 0) return cached ? "no sample, all came from the cache" : "no sample";
  const once = data !== null && ended.prefixSamples === data.training + data.validation;
  return `${formatOf(ended.prefixSamples, "sample")}${once ? ", once each" : ""}`;
}
