// How often a process that ends by itself is started again. Knows no VS Code.

export class RestartBudget {
  private times: number[] = [];

  constructor(
    private readonly most: number,
    private readonly withinMs: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Uses up one restart; false when there is none left. */
  take(): boolean {
    const now = this.now();
    this.times = this.times.filter((time) => now - time < this.withinMs);
    if (this.times.length >= this.most) return false;
    this.times.push(now);
    return true;
  }

  reset(): void {
    this.times = [];
  }
}
