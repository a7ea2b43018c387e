// What a recipe makes of its checkpoint, asked by commands.
import type { Plan } from "../../protocol/plan";
import type { App } from "../app";
import type { Target } from "../recipe/target";

export const planOf = (app: App, { path, text }: Target): Promise<Plan> =>
  app.engine.call("plan", { path, text });
