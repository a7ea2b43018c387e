// Runs with parameter groups on the digits sample, 8 units wider: what is told, and that they stop, resume and continue.
import { afterAll, beforeAll, expect, test } from "vitest";
import { bitsOf } from "../compile/network";
import { digits, recipe, train, type Trained, type Workplace } from "./world";

let place: Workplace;
beforeAll(() => {
  place = digits();
});
afterAll(() => place.dispose());

const wider = (phases: readonly object[]) =>
  recipe({
    edits: [
      { freeze: "hidden[12]" },
      { replaceOutput: { classes: 5 } },
      { addUnits: { layer: "hidden3", units: 8 } },
    ],
    train: phases,
  });
const valuesOf = ({ states }: Trained) =>
  Object.fromEntries([...states.at(-1)!.values].map(([name, value]) => [name, bitsOf(value)]));
const slotsOf = ({ states }: Trained) =>
  Object.fromEntries([...states.at(-1)!.slots].map(([name, all]) => [name, all.map(bitsOf)]));

const adam = { adam: { learningRate: 0.002 } };
const two = [
  { epochs: 2, batch: 50, optimizer: adam, groups: [{ numbers: "new", learningRate: 0.01 }] },
  {
    unfreeze: "hidden2",
    epochs: 2,
    batch: 64,
    optimizer: { sgd: { learningRate: 0.01 } },
    groups: [
      { layers: "hidden3", optimizer: { momentum: { learningRate: 0.01 } }, l2: 0.001 },
      { layers: "outputs", optimizer: adam },
    ],
    continue: true,
  },
];

test("which optimizer moves what is told", async () => {
  const run = await train(place, wider(two.map((phase) => ({ ...phase, epochs: 1 }))));
  expect(run.of("phase").map(({ optimizer, groups }) => [optimizer, groups])).toEqual([
    [
      "2 parameter groups",
      [
        {
          numbers:
            "1,103 new numbers of hidden3/weights, hidden3/biases, outputs/weights and outputs/biases",
          optimizer: "adam, learning rate 0.01",
        },
        {
          numbers: "5,050 numbers of hidden3/weights and hidden3/biases",
          optimizer: "adam, learning rate 0.002",
        },
      ],
    ],
    [
      "3 parameter groups",
      [
        {
          numbers: "5,858 numbers of hidden3/weights and hidden3/biases",
          optimizer: "momentum 0.9, learning rate 0.01, L2 0.001",
        },
        {
          numbers: "295 numbers of outputs/weights and outputs/biases",
          optimizer: "adam, learning rate 0.002",
        },
        {
          numbers: "30,100 numbers of hidden2/weights and hidden2/biases",
          optimizer: "sgd, learning rate 0.01",
        },
      ],
    ],
  ]);
});

// 557 training samples: 12 steps an epoch in the first phase, 9 in the second.
test.each([0, 7, 23, 24, 25, 30])(
  "stopped after %i checks and resumed: the same bits",
  async (stopAfter) => {
    const whole = await train(place, wider(two));
    const stopped = await train(place, wider(two), { stopAfter });
    expect(stopped.of("ended")[0].state).toBe("stopped");
    const resumed = await train(place, wider(two), { resume: stopped.states.at(-1)! });
    expect(valuesOf(resumed)).toEqual(valuesOf(whole));
    expect(slotsOf(resumed)).toEqual(slotsOf(whole));
  },
);

test("groups that say what the phase says change no bit, also where the phase continues", async () => {
  const optimizer = { momentum: { learningRate: 0.002 } };
  const phase = { epochs: 2, batch: 100, optimizer };
  const values = async (more: object) =>
    valuesOf(await train(place, wider([phase, { ...phase, ...more }]), { backend: "cpu" }));
  const split = [
    { numbers: "new", learningRate: 0.002 },
    { layers: "hidden3/weights", optimizer },
  ];
  const plain = await values({ continue: true });
  expect(await values({ continue: true, groups: split })).toEqual(plain);
  expect(await values({ groups: split })).not.toEqual(plain);
  const other = [{ numbers: "new", learningRate: 0.003 }];
  expect(await values({ continue: true, groups: other })).not.toEqual(plain);
});
