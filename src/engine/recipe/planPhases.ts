// What the phases of a recipe train, where each one's cut is, and what it costs.
import { GraftError } from "../../protocol/errors";
import type { Optimizer } from "../../protocol/optimizers";
import type { Plan, PlanCut, PlanPhase } from "../../protocol/plan";
import { costOf, speedUp, type Cost } from "../graph/cost";
import { cut, sampleShape, type Cut } from "../graph/cut";
import { elements, trainableElements, type Model } from "../graph/model";
import type { Recipe } from "./schema";
import { isParameter } from "./variableChanges";

/** What each phase trains, where there are several. */
export function planPhases(models: readonly Model[], { train }: Recipe): Pick<Plan, "phases"> {
  if (train.length < 2 || models.length < train.length) return {};
  const phases = models.map((model, index): PlanPhase => {
    const { epochs, optimizer } = train[index];
    const variables = [...model.variables.values()].filter(isParameter);
    const trains = (name: string) => trainableElements(model.variables.get(name)!) > 0;
    const { cut: border } = planCost(model, epochs);
    return {
      ...{ epochs, optimizer: optimizerText(optimizer) },
      trainableParameters: variables.reduce((sum, each) => sum + trainableElements(each), 0),
      layers: model.layers.flatMap(({ name, variables: own }) => (own.some(trains) ? name : [])),
      ...(border && { cut: border }),
    };
  });
  return { phases };
}

/** "momentum 0.02" */
function optimizerText(optimizer: Optimizer): string {
  const [[name, { learningRate }]] = Object.entries(optimizer);
  return `${name} ${learningRate}`;
}

/** The cut of a phase, and what running costs on both sides of it. */
export function planCost(model: Model, epochs: number): Pick<Plan, "cut" | "cost"> {
  const { loss, output } = model.roles;
  if (loss === undefined || output === undefined) return {};
  const where = cut(model, [loss, output]);
  const cost = costOf(model, where);
  const planned = planCut(model, where, cost, epochs);
  return { ...(planned && { cut: planned }), ...(cost && { cost }) };
}

function planCut(
  model: Model,
  { bottlenecks, tail }: Cut,
  cost: Cost | undefined,
  epochs: number,
): PlanCut | undefined {
  if (bottlenecks.length === 0) return undefined;
  try {
    const tensors = bottlenecks.map((name) => ({ name, shape: sampleShape(model, name) }));
    const valuesPerSample = tensors.reduce((sum, { shape }) => sum + elements(shape), 0);
    const above = model.layers.findIndex((layer) => layer.nodes.some((node) => tail.has(node)));
    const beforeLayer = above < 0 ? model.layers.length : above;
    return {
      beforeLayer,
      tensors,
      valuesPerSample,
      bytesPerSample: valuesPerSample * 4,
      ...(cost && cost.training > 0 && { speedUp: speedUp(cost.prefix, cost.training, epochs) }),
    };
  } catch (error) {
    if (error instanceof GraftError) return undefined;
    throw error;
  }
}
