import { describe, expect, it } from "vitest";
import { throttled, type Clock } from "../../../src/webview/schedule";
import { readChoices } from "../../../src/webview/choices";

/** A clock that is advanced by hand; frames come every 16 ms. */
function handClock() {
  let time = 0;
  const due: { at: number; callback: () => void }[] = [];
  const clock: Clock = {
    now: () => time,
    frame: (callback) => due.push({ at: (Math.floor(time / 16) + 1) * 16, callback }),
    after: (callback, milliseconds) => due.push({ at: time + milliseconds, callback }),
  };
  const advance = (to: number) => {
    for (;;) {
      const next = due.filter((one) => one.at <= to).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      due.splice(due.indexOf(next), 1);
      time = next.at;
      next.callback();
    }
    time = to;
  };
  return { clock, advance };
}

describe("throttled", () => {
  it("draws at most every 50 ms, however often it is asked", () => {
    const { clock, advance } = handClock();
    const drawn: number[] = [];
    const ask = throttled(() => drawn.push(clock.now()), 50, clock);
    for (let time = 0; time <= 1000; time++) {
      advance(time);
      ask();
    }
    expect(drawn.length).toBeGreaterThan(10);
    expect(drawn.length).toBeLessThanOrEqual(20);
    expect(drawn.every((at, i) => i === 0 || at - (drawn[i - 1] ?? 0) >= 50)).toBe(true);
  });

  it("never loses the last request", () => {
    const { clock, advance } = handClock();
    let value = 0;
    let drawn = 0;
    const ask = throttled(() => (drawn = value), 50, clock);
    value = 1;
    ask();
    advance(20);
    value = 2;
    ask();
    advance(200);
    expect(drawn).toBe(2);
  });
});

it.each([[undefined], [null], ["x"], [{ curvesAsTable: 1 }]])(
  "reads stored choices %j as none",
  (stored) => expect(readChoices(stored)).toEqual({ curvesAsTable: false, logarithmicLoss: false }),
);
