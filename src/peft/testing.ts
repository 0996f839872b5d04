/** A tiny backbone with a method in it: what the contract of methods is tested on. */
import * as tf from "@tensorflow/tfjs";
import { type DebertaConfig, encoderShapes, headShapes } from "../deberta/config.ts";
import { packTokens } from "../deberta/packing.ts";
import type { Device, Noise } from "../engines/engine.ts";
import { cpu, normal, runOnce, whole } from "../engines/testing.ts";
import { float32, type HostTensor, type HostTensors, int32 } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "../training/adamw.ts";
import { initializeModel } from "../training/initialize.ts";
import { unflatten } from "../training/layout.ts";
import {
  calibrateProgram,
  fineTuneProgram,
  frozenRegister,
  frozenShapes,
  layoutOf,
  logitsOf,
  type Model,
  openPass,
  taskLoss,
  trainablesOf,
} from "../training/model.ts";
import { calibrates, startingTensors, startRegisters } from "../training/start.ts";
import { stateRegisters, stepFeeds } from "../training/step.ts";
import { attachMethod } from "./registry.ts";

export const config: DebertaConfig = {
  vocabulary: 20,
  hidden: 8,
  layers: 2,
  heads: 2,
  ffn: 12,
  maxPosition: 8,
  positionBuckets: 4,
  layerNormEps: 1e-7,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
};

const BATCH = 3, LENGTH = 5, optimizer = { ...ADAMW_DEFAULTS, maxNorm: 1 };

/** Backbone and head, with weights large enough for every gradient to be felt. */
export const weights: HostTensors = initializeModel({ ...encoderShapes(config), ...headShapes(config, 2) }, 0.5, 3);

/** Every token occurs, so that every row of the embedding trains; the second text is padded. */
export const batch: HostTensors = {
  ids: int32([BATCH, LENGTH], [2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 10, 11, 12, 13, 14]),
  mask: float32([BATCH, LENGTH], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]),
};
export const labels: HostTensors = {
  labels: whole([BATCH], 0, 2),
  weights: float32([BATCH], [0.5, 0.25, 0.25]),
};

export function modelOf(method: string, options: unknown, dropout = 0.1): Model {
  const quiet = { ...config, hiddenDropout: dropout, attentionDropout: dropout };
  return { config: quiet, adapter: attachMethod(method, quiet, options), labels: 2, classifierDropout: dropout };
}

/** Starting values of every tensor, by name. Activations are measured on the batch. */
export async function initialTensors(model: Model, device: Device): Promise<HostTensors> {
  return startingTensors(model, weights, 5, await calibrated(model, device, {}));
}

/** What calibration measures at some values of the parameters. */
async function calibrated(model: Model, device: Device, tensors: HostTensors): Promise<HostTensors> {
  if (!calibrates(model.adapter)) return {};
  load(model, device, { ...startingTensors(model, weights, 5, null), ...tensors });
  const seen = await runOnce(device, calibrateProgram(model, BATCH, LENGTH), batch);
  device.clear();
  return seen;
}

/** The tensors with the quantizers' steps measured anew. */
export async function withRanges(model: Model, device: Device, tensors: HostTensors): Promise<HostTensors> {
  const measured = Object.entries(model.adapter.parameters).filter(([, { initial }]) => initial.kind === "log-step");
  if (measured.length === 0) return tensors;
  const fresh = startingTensors(model, weights, 5, await calibrated(model, device, tensors));
  return { ...tensors, ...Object.fromEntries(measured.map(([name]) => [name, fresh[name]!])) };
}

/** Fills a device's registers: frozen tensors, what trains, a fresh optimizer. */
export function load(model: Model, device: Device, tensors: HostTensors): void {
  device.clear();
  device.write(structuredClone(startRegisters(model, tensors)));
}

/** Trains for some steps. @returns the losses */
export async function train(model: Model, device: Device, steps: number): Promise<number[]> {
  const layout = layoutOf(model), losses: number[] = [];
  const executable = await device.load(fineTuneProgram(model, optimizer, BATCH, LENGTH));
  const rates = {
    weights: { lr: 1e-2, weightDecay: 0.01 },
    biases: { lr: 1e-2, weightDecay: 0 },
    gates: { lr: 1e-2, weightDecay: 0 },
  };
  for (let step = 1; step <= steps; step++) {
    const feeds = { ...batch, ...labels, ...stepFeeds(layout, rates, step, optimizer) };
    losses.push((await executable.run(feeds, { seed: 1, step })).loss!.data[0]!);
  }
  await executable.dispose();
  return losses;
}

/** What trains, out of all tensors. */
export function trainedOf(model: Model, tensors: HostTensors): HostTensors {
  return Object.fromEntries(trainablesOf(model).map(({ name }) => [name, tensors[name]!]));
}

/** What trains, as the registers hold it. */
export function trainedTensors(model: Model, device: Device): HostTensors {
  return unflatten(layoutOf(model), (group) => device.read(stateRegisters(group).p).data);
}

/** The frozen tensors, as the registers hold them. */
export function frozenTensors(model: Model, device: Device): HostTensors {
  return Object.fromEntries(Object.keys(frozenShapes(model)).map((name) => [name, device.read(frozenRegister(name))]));
}

/** Moves every number a little, so that nothing is zero by construction. */
export function shaken(tensor: HostTensor, name: string, std: number): HostTensor {
  const noise = normal(tensor.shape, std, name);
  return float32(tensor.shape, Array.from(tensor.data, (x, i) => x + noise.data[i]!));
}

/**
 * The training loss without dropout and with gates drawn from 0.9, and its gradient to everything that trains, by name.
 * @param tensors of the whole model
 */
export function lossAndGradient(model: Model, tensors: HostTensors, gradient: boolean) {
  const noise: Noise = {
    dropout: (_, shape) => tf.ones(shape.slice()),
    uniform: (_, shape) => tf.fill(shape.slice(), 0.9),
  };
  tf.setBackend("cpu");
  const upload = ({ data, shape, dtype }: HostTensor) => tf.tensor(data, shape.slice(), dtype);
  return tf.tidy(() => {
    const trained = trainedOf(model, tensors), names = Object.keys(trained);
    const fixed = Object.fromEntries(
      Object.entries({ ...tensors, ...packTokens(batch.ids!, batch.mask!), ...labels }).map(([k, t]) => [k, upload(t)]),
    );
    const loss = (...given: tf.Tensor[]) => {
      const tensor = (name: string) => given[names.indexOf(name)] ?? fixed[name]!;
      const { pass, penalty } = openPass(model, { mode: "train", noise, tensor });
      const made = logitsOf(model, pass, fixed);
      const task = taskLoss(made, fixed.labels!, fixed.weights!), extra = penalty();
      return extra ? tf.add(task, extra) : task;
    };
    const given = names.map((name) => upload(trained[name]!));
    const value = loss(...given).dataSync()[0]!;
    const gradients: Record<string, Float32Array> = {};
    if (gradient) tf.grads(loss)(given).forEach((g, i) => gradients[names[i]!] = Float32Array.from(g.dataSync()));
    return { value, gradients };
  });
}

/** Each row's numbers in the same order, a tenth apart. */
function ranked({ shape, data }: HostTensor): HostTensor {
  const width = shape.at(-1)!, made = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += width) {
    const order = Array.from({ length: width }, (_, i) => i).sort((a, b) => data[from + a]! - data[from + b]!);
    order.forEach((i, place) => made[from + i] = 0.1 * place);
  }
  return float32(shape, made);
}

/**
 * A point at which the loss is smooth: gates that samples of 0.9 open fully, ranges that clip nothing, no two logits so close
 * that a small step changes which is the larger.
 * @returns every tensor of the model
 */
export async function smoothPoint(model: Model): Promise<HostTensors> {
  const start = await initialTensors(model, cpu);
  const moved = Object.entries(trainedOf(model, start)).map(([name, tensor]) => {
    if (name.includes("logits")) return [name, ranked(shaken(tensor, name, 0.1))] as const;
    const gates = name.endsWith("gates");
    return [name, shaken(gates ? float32(tensor.shape, tensor.data.map(() => 0.3)) : tensor, name, 0.1)] as const;
  });
  const point = await withRanges(model, cpu, { ...start, ...Object.fromEntries(moved) });
  const wider = Object.entries(point).map(([name, tensor]) => {
    return [name, name.endsWith("log_scales") ? float32(tensor.shape, tensor.data.map((x) => x + 0.5)) : tensor];
  });
  return Object.fromEntries(wider);
}
