// Draws at most once per frame and not more often than `interval`: thousands of events a second cost one drawing each 50 ms.

export interface Clock {
  readonly now: () => number;
  readonly frame: (callback: () => void) => void;
  readonly after: (callback: () => void, milliseconds: number) => void;
}

/** The function returned asks for a drawing; the last one asked for is never lost. */
export function throttled(draw: () => void, interval: number, clock: Clock): () => void {
  let asked = false;
  let last = -Infinity;
  const drawNow = () => {
    asked = false;
    last = clock.now();
    draw();
  };
  return () => {
    if (asked) return;
    asked = true;
    const wait = last + interval - clock.now();
    if (wait > 0) clock.after(() => clock.frame(drawNow), wait);
    else clock.frame(drawNow);
  };
}
