import assert from "node:assert/strict";
import type { Step } from "../../src/graph/step.ts";
import { predictMemory } from "../../src/engines/memory.ts";
import { attachMethod, METHOD_NAMES } from "../../src/peft/registry.ts";
import { ADAMW_DEFAULTS } from "../../src/training/adamw.ts";
import { fineTuneProgram } from "../../src/training/model.ts";
import { VOCABULARY, XSMALL } from "../profiles/checkpoints.ts";
import { glueMini } from "../profiles/glue_mini.ts";
import { mini } from "../profiles/mini.ts";
import { memoryTold, Predictor, refuseTooLarge, SIZELESS } from "./memory.ts";
import { boundOf, configOf, surelyFits, trainingOf } from "./memory_bound.ts";

const xsmall = {
  backbone: { ...XSMALL.backbone, vocabulary: VOCABULARY },
  data: { kind: "glue" },
} as const;

const step = (name: string, method: string): Step => ({
  name,
  kind: "finetune",
  version: 1,
  parameters: { method, options: {}, settings: { batch: 16, lengths: [12, 28] } },
  inputs: {},
  outputs: [],
});
const steps = [step("finetune/lora/rte/seed-0", "lora"), step("finetune/blora/rte/seed-0", "blora")];
const predictor = new Predictor(mini);

Deno.test("refuseTooLarge() names the step that takes most and what to type instead", () => {
  const { total } = predictor.predict(trainingOf(steps[1]!)!);
  refuseTooLarge(steps, predictor, { total: 2 * total, jobs: 2 });
  refuseTooLarge(steps, predictor, { total: total, jobs: 1 });
  assert.throws(() => refuseTooLarge(steps, predictor, { total: total + 1, jobs: 2 }), {
    name: "InputError",
    message:
      /^The step "finetune\/blora\/rte\/seed-0" needs about 0\.\d GB, and 2 steps run side by side: this machine has 0\.\d GB; type the same with --jobs 1$/,
  });
  assert.throws(() => refuseTooLarge(steps, predictor, { total: total - 1, jobs: 1 }), {
    message: /needs about 0\.\d GB: this machine has 0\.\d GB; choose a profile with a smaller backbone, or narrow/,
  });
});

Deno.test("a batch that comes in parts takes less, and surelyFits() knows a bound of that as well", () => {
  const predictor = new Predictor(xsmall);
  for (const method of ["full-ft", "lora", "blora"]) {
    const totalOf = (tokensAtOnce?: number) => {
      const settings = { batch: 32, lengths: [128], ...(tokensAtOnce && { tokensAtOnce }) };
      const training = trainingOf({ kind: "finetune", parameters: { method, options: {}, settings } })!;
      const { total } = predictor.predict(training);
      assert.ok(boundOf(xsmall, training) >= total, `${method} with ${tokensAtOnce} tokens at once`);
      return total;
    };
    assert.ok(totalOf(1024) < 0.9 * totalOf(), method);
  }
});

Deno.test("surelyFits() never lets pass what refuseTooLarge() would refuse, whatever the method", () => {
  for (const method of METHOD_NAMES) {
    const training = trainingOf(step("finetune/x", method))!;
    assert.ok(boundOf(mini, training) >= predictor.predict(training).total, method);
  }
  const large = new Predictor(xsmall), parameters = { options: {}, settings: { batch: 16, lengths: [128] } };
  for (const method of ["full-ft", "lora", "blora"]) {
    const training = trainingOf({ kind: "finetune", parameters: { ...parameters, method } })!;
    assert.ok(boundOf(xsmall, training) >= large.predict(training).total, `${method} at xsmall`);
  }
  assert.equal(surelyFits(steps, mini, { total: 64e9, jobs: 2 }), true);
  assert.equal(surelyFits(steps, mini, { total: 1e8, jobs: 2 }), false);
});

Deno.test("options that a prediction leaves out give no tensor of a step another size", () => {
  const config = { ...mini.backbone, vocabulary: 600 }, batch = 16, length = 32, tested = new Set<string>();
  const adalora = { alpha: 3, orthogonality: 0.7, tInit: 5, tFinal: 6, deltaT: 2 };
  for (const [method, sizeless] of Object.entries({ lora: { alpha: 3 }, adalora })) {
    for (const name of Object.keys(sizeless)) tested.add(name);
    const [usual, other] = [{}, sizeless].map((options) => {
      const model = { config, adapter: attachMethod(method, config, options), labels: 2, classifierDropout: 0.1 };
      return predictMemory([fineTuneProgram(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length)]);
    });
    assert.deepEqual(other, usual, method);
    const training = trainingOf(step("finetune/x", method))!;
    assert.deepEqual(predictor.predict({ ...training, options: sizeless }), predictor.predict(training));
  }
  assert.deepEqual([...tested].sort(), SIZELESS.toSorted());
});

Deno.test("pre-training is predicted with its whole table: values, moments and a gradient of every word", () => {
  const parameters = { settings: { batch: 32, lengths: [64] } }, predictor = new Predictor(glueMini);
  const training = trainingOf({ kind: "pretrain", parameters })!, { vocabulary, hidden } = configOf(glueMini);
  const { total } = predictor.predict(training), byRows = predictor.predict({ ...training, tableByRows: true }).total;
  assert.ok(total > 4 * 4 * vocabulary * hidden && total > byRows, `${total} bytes, by rows ${byRows}`);
  assert.ok(boundOf(glueMini, training) >= total);
});

Deno.test("memory of a training with several lengths is that of the longest, and the activations of the others", () => {
  const training = (lengths: number[], evaluationLengths: number[] = []) => {
    return { ...trainingOf(steps[0]!)!, lengths, evaluationLengths };
  };
  const evaluated = predictor.predict(training([12], [28])), trained = predictor.predict(training([12]));
  assert.ok(evaluated.activations > trained.activations, "evaluation takes memory, too");
  assert.equal(evaluated.total - evaluated.activations, trained.total - trained.activations);
  const [short, long, both] = [[12], [28], [12, 28]].map((lengths) => predictor.predict(training(lengths)));
  assert.ok(Math.abs(both!.total - long!.total - short!.activations) < 1);
  assert.deepEqual([both!.weights, both!.state], [long!.weights, long!.state]);
});

Deno.test("memory is told of steps that train on an engine that is predicted, and of no others", () => {
  assert.match(
    memoryTold({ profile: mini, engine: "native" })(steps[0]!)!.words,
    /^about \d+ MB \(weights \d+ MB, state/,
  );
  assert.equal(memoryTold({ profile: mini, engine: "native" })({ ...steps[0]!, kind: "table" }), null);
  assert.equal(memoryTold({ profile: mini, engine: "tensorflow" })(steps[0]!), null);
});
