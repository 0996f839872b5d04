/**
 * How much memory a training step takes on an engine that compiles, from the step's graph alone.
 *
 *     resident = RUNTIME + OPERATOR operators + ARENA (weights + state + activations) + GENERATIONS (state in and out) + host
 *
 * - weights: frozen tensors;
 * - state: parameters and moments that the step renews;
 * - activations: what lives at the graph's fullest moment besides those two, which for a training step is what the backward
 *   pass still has to read;
 * - host: word embeddings that train by rows, with their moments (counted as weights).
 *
 * All of them follow from shapes; the constants were fitted by hand to VmHWM of `deno task bench --engine native` (two threads,
 * x86-64, Deno 2.9.6, ONNX Runtime 1.30) for full-ft, lora and blora at the shapes mini (300 steps and more, until it no longer
 * grew) and xsmall (5 steps, full-ft 30), and of steps of blora at xsmall, small and base whose gates go from open through in
 * between to closed. `bench/predicted_memory_test.ts` has the measurements.
 */
import { optimize } from "../compile/compile.ts";
import { operatorsOf, peakBytes } from "../compile/cost.ts";
import type { Graph } from "../compile/ir.ts";
import type { TensorSpec } from "../compile/tracer.ts";
import { sizeOf } from "../tensor/host_tensor.ts";
import { traceProgram } from "./compiled.ts";
import type { Program } from "./engine.ts";

/** Bytes of Deno, TensorFlow.js, the runtime, and of small results of many steps that wait to be collected. */
const RUNTIME = 230e6;
/** Bytes of an operator, most of which are left over from making its graph. */
const OPERATOR = 10e3;
/** Room that the runtime's arena takes for each byte in use: freed pieces do not always fit what comes next. */
const ARENA = 1.1;
/** More copies of the state: as given, and as steps returned it and nobody has collected it yet. */
const GENERATIONS = 1.6;

/** Bytes of a step, by what takes them. */
export interface Demand {
  readonly weights: number;
  readonly state: number;
  readonly activations: number;
  readonly runtime: number;
  readonly total: number;
}

/**
 * Predicts the resident memory of a process that runs a training step.
 * @param programs of the step: one, or those that it runs in turn, each of which keeps what it needed
 * @param host bytes of tensors that stay outside the engine
 */
export function predictMemory(programs: readonly Program[], host = 0): Demand {
  const inputs = Object.assign({}, ...programs.map((program) => program.inputs)) as Record<string, TensorSpec>;
  const renewed = new Set(programs.flatMap(({ writes = {} }) => Object.values(writes)));
  const state = bytes(inputs, (name) => renewed.has(name)), held = bytes(inputs, (name) => !renewed.has(name));
  const graphs = programs.map(graphOf), operators = graphs.reduce((sum, graph) => sum + operatorsOf(graph), 0);
  const parts = {
    weights: ARENA * held + host,
    state: (ARENA + GENERATIONS) * state,
    activations: programs.reduce((sum, program, i) => sum + activationsIn(graphs[i]!, program), 0),
    runtime: RUNTIME + OPERATOR * operators,
  };
  return { ...parts, total: Object.values(parts).reduce((a, b) => a + b) };
}

/** Bytes that a program takes at its fullest moment, but for its weights and state. */
export function activationsOf(program: Program): number {
  return activationsIn(graphOf(program), program);
}

const graphOf = (program: Program): Graph => optimize(traceProgram(program).graph);

function activationsIn(graph: Graph, { inputs }: Program): number {
  return ARENA * Math.max(0, peakBytes(graph) - bytes(inputs, () => true));
}

/** Bytes of those inputs that are kept. */
function bytes(inputs: Program["inputs"], keep: (name: string) => boolean): number {
  return Object.entries(inputs).reduce((sum, [name, spec]) => sum + (keep(name) ? bytesOf(spec) : 0), 0);
}

const bytesOf = ({ shape }: TensorSpec): number => 4 * sizeOf(shape);
