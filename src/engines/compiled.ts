/** Runs programs as one ONNX graph each, on either build of ONNX Runtime. */
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import { optimize } from "../compile/compile.ts";
import type { Graph } from "../compile/ir.ts";
import { emitOnnx, inputName, outputName } from "../compile/onnx.ts";
import { trace } from "../compile/tracer.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";
import type { Device, Executable, NoiseKey, Program } from "./engine.ts";
import { checkedInput } from "./inputs.ts";
import { drawNoise, namedNoise, needKey, noiseInput, type NoiseSpec } from "./noise.ts";

/** The part of ONNX Runtime's interface that both its builds share. */
export interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

/** A traced program: its graph and the noise it declared while it was traced. */
export function traceProgram(program: Program) {
  const noise: Record<string, NoiseSpec> = {};
  const graph = trace(program.inputs, (inputs, input) => {
    const declare = (name: string, spec: NoiseSpec) => input(noiseName(name), noiseInput(noise[name] = spec));
    return program.apply(inputs, namedNoise(program, declare));
  });
  return { graph, noise };
}

const noiseName = (name: string): string => `noise:${name}`;

export class CompiledDevice implements Device {
  readonly #registers = new Map<string, HostTensor>();
  readonly #wrapped = new WeakMap<HostTensor, OrtTensor>();

  /**
   * @param runtime the build of ONNX Runtime
   * @param options of every session
   * @param adapt what a runtime needs of a graph besides the passes that all engines share
   */
  constructor(
    readonly runtime: Runtime,
    readonly options: InferenceSession.SessionOptions,
    readonly adapt: (graph: Graph) => Graph = (graph) => graph,
  ) {}

  write(registers: HostTensors): void {
    for (const [name, tensor] of Object.entries(registers)) this.#registers.set(name, tensor);
  }

  read(register: string): HostTensor {
    const tensor = this.#registers.get(register);
    if (!tensor) throw new Error(`The register "${register}" was never written`);
    return tensor;
  }

  clear(): void {
    this.#registers.clear();
  }

  #wrap(tensor: HostTensor): OrtTensor {
    let wrapped = this.#wrapped.get(tensor);
    if (!wrapped) {
      wrapped = new this.runtime.Tensor(tensor.dtype, tensor.data as Float32Array, tensor.shape);
      this.#wrapped.set(tensor, wrapped);
    }
    return wrapped;
  }

  async load(program: Program): Promise<Executable> {
    const traced = traceProgram(program);
    const graph = this.adapt(optimize(traced.graph));
    const session = await this.runtime.InferenceSession.create(emitOnnx(graph), this.options);
    const writes = program.writes ?? {};
    const inputs = Object.keys(program.inputs);
    const noises = Object.entries(traced.noise).map(([name, spec]) => ({
      name,
      spec,
      input: inputName(noiseName(name)),
    }));
    const drawn = new Map<string, HostTensor>();

    const run = async (feeds: HostTensors, key?: NoiseKey): Promise<HostTensors> => {
      const given: Record<string, OrtTensor> = {};
      for (const name of inputs) {
        given[inputName(name)] = this.#wrap(checkedInput(program, name, feeds[name] ?? this.#registers.get(name)));
      }
      for (const { name, spec, input } of noises) {
        const tensor = drawNoise(name, spec, needKey(program, name, key), drawn.get(name));
        drawn.set(name, tensor);
        given[input] = new this.runtime.Tensor(tensor.dtype, tensor.data as Float32Array, tensor.shape);
      }
      const results = await session.run(given);
      const returned: HostTensors = {};
      for (const name of Object.keys(graph.outputs)) {
        const { dtype, shape } = graph.outputs[name]!;
        const tensor = { dtype, shape, data: results[outputName(name)]!.data } as HostTensor;
        const register = writes[name];
        if (register) this.#registers.set(register, tensor);
        else returned[name] = tensor;
      }
      return returned;
    };
    return { run, dispose: () => session.release() };
  }
}
