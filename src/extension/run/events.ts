// The events of a run, kept for the panel: live ones and those from before this window looked. Knows no VS Code.
import type { RunEvent } from "../../protocol/run";

/** Above this, every second step is forgotten; epochs and everything else stay. */
const MOST_STEPS = 10_000;

export class EventLog {
  private events: RunEvent[] = [];
  private steps = 0;
  /** Whether it holds the run's first event, so that nothing is missing. */
  complete = false;

  add(event: RunEvent): void {
    if (event.event === "started" && !event.resumed && this.events.length === 0)
      this.complete = true;
    this.events.push(event);
    if (event.event === "step" && ++this.steps > MOST_STEPS) this.thin();
  }

  all(): readonly RunEvent[] {
    return this.events;
  }

  /** Puts what the engine kept before what was heard since it was asked; what both know counts once. */
  prepend(kept: readonly RunEvent[]): void {
    const known = new Set(kept.slice(-500).map((event) => JSON.stringify(event)));
    const later = this.events.filter((event) => !known.has(JSON.stringify(event)));
    this.events = [...kept, ...later];
    this.steps = this.events.filter(({ event }) => event === "step").length;
    this.complete = true;
    while (this.steps > MOST_STEPS) this.thin();
  }

  private thin(): void {
    let seen = 0;
    this.events = this.events.filter(({ event }) => event !== "step" || seen++ % 2 === 0);
    this.steps = Math.ceil(seen / 2);
  }
}
