// Owns what must be given back. Whoever makes something that lives on adds it to a store.

interface Disposable {
  dispose(): unknown;
}

export class Disposables implements Disposable {
  private readonly items: Disposable[] = [];

  add<T extends Disposable>(item: T): T {
    this.items.push(item);
    return item;
  }

  dispose(): void {
    for (const item of this.items.splice(0).reverse()) item.dispose();
  }
}

/** Runs `action` once, `ms` after the last call. */
export function debounce(ms: number, action: () => void): { (): void; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  const call = () => {
    clearTimeout(timer);
    timer = setTimeout(action, ms);
  };
  return Object.assign(call, { dispose: () => clearTimeout(timer) });
}

/** Runs `action` at once, then at most every `ms`; the last call is never lost. */
export function throttle(ms: number, action: () => void): { (): void; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  const run = () => {
    again = false;
    action();
    timer = setTimeout(() => {
      timer = undefined;
      if (again) run();
    }, ms);
  };
  const call = () => {
    if (timer) again = true;
    else run();
  };
  return Object.assign(call, { dispose: () => clearTimeout(timer) });
}
