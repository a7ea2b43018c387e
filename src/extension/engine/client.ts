// The extension's side of the engine: typed requests and notifications, and a process that is started when it is
// first needed, started again a bounded number of times, and never leaves a caller waiting.
import * as vscode from "vscode";
import type { EngineMethod, EngineNotifications, Params, Result } from "../../protocol/engine";
import { Disposables } from "../disposables";
import { RestartBudget } from "./budget";
import { engineDown, engineStopped, fromWire } from "./errors";
import { startProcess, type EngineProcess } from "./process";

/** Five restarts in five minutes; then a person decides. */
const MOST_RESTARTS = 5;
const WITHIN_MS = 5 * 60_000;

export class EngineClient implements vscode.Disposable {
  private readonly store = new Disposables();
  private readonly runEvents = this.store.add(
    new vscode.EventEmitter<EngineNotifications["progress"]>(),
  );
  private readonly stopped = this.store.add(new vscode.EventEmitter<string>());
  private readonly restarted = this.store.add(new vscode.EventEmitter<void>());
  private readonly gaveUp = this.store.add(new vscode.EventEmitter<string>());
  private readonly budget = new RestartBudget(MOST_RESTARTS, WITHIN_MS);
  private engine: EngineProcess | undefined;
  /** Why no process is started any more. */
  private down: string | undefined;
  private disposed = false;

  readonly onRunEvents = this.runEvents.event;
  /** The process ended by itself; every request that was under way has been rejected. */
  readonly onStopped = this.stopped.event;
  /** A new process is there; what was asked of the old one must be asked again. */
  readonly onRestarted = this.restarted.event;
  readonly onGaveUp = this.gaveUp.event;

  constructor(
    private readonly script: string,
    private readonly environment: () => Readonly<Record<string, string>>,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** The process, while there is one. */
  get pid(): number | undefined {
    return this.engine?.pid;
  }

  /** Rejects with a `GraftError`, always: with `engine-stopped` when the process ends first. */
  async call<M extends EngineMethod>(
    method: M,
    params: Params<M>,
    token?: vscode.CancellationToken,
  ): Promise<Result<M>> {
    if (this.disposed) throw engineStopped();
    if (this.down !== undefined) throw engineDown(this.down);
    const { connection } = (this.engine ??= this.start());
    try {
      // A token that is not there would be sent as a second parameter.
      return await (token
        ? connection.sendRequest<Result<M>>(method, params, token)
        : connection.sendRequest<Result<M>>(method, params));
    } catch (error) {
      const failure = fromWire(error);
      this.log.debug(`${method}: ${failure.code}: ${failure.message}`);
      throw failure;
    }
  }

  /** Ends the process, if there is one, and starts another. */
  restart(): void {
    this.down = undefined;
    this.budget.reset();
    const old = this.engine;
    this.engine = this.start();
    old?.close();
    this.restarted.fire();
  }

  restartIfStarted(): void {
    if (this.engine || this.down !== undefined) this.restart();
  }

  dispose(): void {
    this.disposed = true;
    this.engine?.close();
    this.engine = undefined;
    this.store.dispose();
  }

  private start(): EngineProcess {
    const environment = this.environment();
    const engine = startProcess(this.script, environment, (line) => this.log.info(line));
    this.log.info(`The engine is process ${engine.pid}, run by ${process.execPath}`);
    const on = <N extends keyof EngineNotifications>(
      name: N,
      handle: (value: EngineNotifications[N]) => void,
    ) => engine.connection.onNotification(name, handle);
    on("progress", (progress) => this.runEvents.fire(progress));
    on("log", ({ level, text }) => this.log[level](text));
    engine.connection.listen();
    void engine.ended.then((why) => this.ended(engine, why));
    return engine;
  }

  private ended(engine: EngineProcess, why: string): void {
    engine.close();
    if (this.disposed || this.engine !== engine) return;
    this.engine = undefined;
    this.log.error(`The engine ended: ${why}`);
    this.stopped.fire(why);
    if (this.budget.take()) {
      this.engine = this.start();
      this.restarted.fire();
    } else {
      this.down = why;
      this.log.error(`The engine ended too often; it is not started again`);
      this.gaveUp.fire(why);
    }
  }
}
