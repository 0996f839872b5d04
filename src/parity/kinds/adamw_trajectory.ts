/** `adamw-trajectory`: full fine-tuning step by step, with clipping, AdamW and a learning rate schedule, as torch does it. */
import { z } from "zod";
import type { Device } from "../../engines/engine.ts";
import { openEngine, parseEngineName } from "../../engines/open.ts";
import { InputError } from "../../errors.ts";
import type { HostTensor, HostTensors } from "../../tensor/host_tensor.ts";
import { flatten, type Layout, unflatten } from "../../training/layout.ts";
import { fineTuneProgram, layoutOf } from "../../training/model.ts";
import { linearSchedule } from "../../training/schedule.ts";
import { freshState, stateRegisters, stepFeeds } from "../../training/step.ts";
import type { Checker } from "../checker.ts";
import { configOf, tensorsOf } from "../fixture.ts";
import { ModelConfig, plainModel, readBatch } from "../model_fixture.ts";

const Config = z.object({
  model: ModelConfig,
  optimizer: z.object({
    name: z.literal("AdamW"),
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    decoupled_weight_decay: z.number(),
  }),
  schedule: z.object({ name: z.literal("linear with warmup"), warmup_steps: z.int(), total_steps: z.int() }),
  clip: z.object({ max_norm: z.number() }),
});
const Steps = z.array(z.object({ batch: z.int() }));

export const check: Checker = async (fixture, report, context) => {
  const { model: parsed, optimizer, schedule, clip } = configOf(fixture, Config);
  const model = plainModel(parsed), layout = layoutOf(model), [beta1, beta2] = optimizer.betas;
  const options = { beta1, beta2, epsilon: optimizer.eps, maxNorm: clip.max_norm };
  const inputs = tensorsOf(fixture, "inputs"), steps = Steps.safeParse(fixture.scalars.steps);
  if (!steps.success) throw new InputError(`Cannot check "${fixture.folder}": its "steps" name no batches`);

  const device = await openEngine(parseEngineName(context.engine));
  device.write(freshState(flatten(layout, tensorsOf(fixture, "weights"))));
  const [examples, length] = readBatch(inputs, "input.batch.0.").ids.shape as [number, number];
  const program = await device.load(fineTuneProgram(model, options, examples, length));
  const trace: unknown[] = [];
  for (const [step, { batch }] of steps.data.entries()) {
    const { warmup_steps: warmup, total_steps: total } = schedule;
    const lr = optimizer.lr * linearSchedule(step, { warmup, total });
    const rates = { weights: { lr, weightDecay: optimizer.decoupled_weight_decay }, biases: { lr, weightDecay: 0 } };
    const { loss, norm } = await program.run({
      ...readBatch(inputs, `input.batch.${batch}.`),
      ...stepFeeds(layout, rates, step + 1, options),
    });
    trace.push({ step, batch, loss: number(loss), lr, grad_norm_before_clip: number(norm) });
    compareWith(`expected.after_step.${step}.`, read(device, layout, "p"));
  }
  report.value("scalars.steps", trace);
  compareWith("expected.final.", read(device, layout, "p"));
  compareWith("expected.adam_m.", read(device, layout, "m"));
  compareWith("expected.adam_v.", read(device, layout, "v"));
  await program.dispose();

  function compareWith(prefix: string, tensors: HostTensors): void {
    for (const [name, tensor] of Object.entries(tensors)) {
      if (fixture.expectedKeys.includes(prefix + name)) report.tensor(prefix + name, tensor);
    }
  }
};

const number = (scalar: HostTensor | undefined): number | undefined => scalar?.data[0];

/** Parameters (`p`) or their moments (`m`, `v`) by name. */
function read(device: Device, layout: Layout, part: "p" | "m" | "v"): HostTensors {
  return unflatten(layout, (group) => device.read(stateRegisters(group)[part]).data);
}
