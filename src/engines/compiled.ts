/** Runs programs as one ONNX graph each, on either build of ONNX Runtime. */
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import { optimize } from "../compile/compile.ts";
import { type ElasticGraph, extentsAt, joinSizes, NotElastic, rigid, type Sized } from "../compile/elastic.ts";
import type { Graph, Value } from "../compile/ir.ts";
import { emitOnnx, inputName, outputName } from "../compile/onnx.ts";
import { type TensorSpec, trace } from "../compile/tracer.ts";
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

/**
 * Sizes at which elastic programs are compared, in units: no other extent is likely to be one of them by chance, and what holds
 * for odd multiples alone does not hold for both.
 */
const PROBES = [1009, 1012] as const;

/** A program's graph as a device runs it, for any size if it is elastic. */
export interface Compiled extends ElasticGraph {
  readonly noise: Readonly<Record<string, NoiseSpec>>;
}

/**
 * Traces a program and rewrites its graph.
 * @param adapt what a runtime needs of a graph besides the passes that all engines share
 * @param size for which an elastic graph stands in the first place
 * @throws NotElastic if an elastic program's graphs differ in more than sizes
 */
export function compileProgram(program: Program, adapt: (graph: Graph) => Graph, size?: number): Compiled {
  const finish = (one: Program) => {
    const { graph, noise } = traceProgram(one);
    return { graph: adapt(optimize(graph)), noise };
  };
  const { elastic } = program;
  if (!elastic) {
    const { graph, noise } = finish(program);
    return { ...rigid(graph), noise };
  }
  const sizes = [size ?? PROBES[0] * elastic.unit, PROBES[1] * elastic.unit] as const;
  const [one, other] = sizes.map((size) => ({ ...finish(elastic.at(size)), size })) as [Traced, Traced];
  return { ...joinSizes(one, other, elastic.unit), noise: one.noise };
}

type Traced = Omit<Compiled, keyof ElasticGraph> & Sized;

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
    if (!wrapped) this.#wrapped.set(tensor, wrapped = this.#wrapOnce(tensor));
    return wrapped;
  }

  #wrapOnce({ dtype, data, shape }: HostTensor): OrtTensor {
    return new this.runtime.Tensor(dtype, data as Float32Array, shape);
  }

  async load(program: Program): Promise<Executable> {
    try {
      return await this.#load(program, compileProgram(program, this.adapt));
    } catch (error) {
      if (error instanceof NotElastic) return this.#loadEach(program);
      throw error;
    }
  }

  /** Compiles a program anew for every size that occurs, where one graph cannot serve all. */
  #loadEach({ prepare, elastic }: Program): Executable {
    const { sizeOf, at } = elastic!, loaded = new Map<number, Promise<Executable>>();
    const load = (size: number) => {
      const { prepare: _prepare, elastic: _elastic, ...program } = at(size);
      return this.load(program);
    };
    return {
      run: async (fed, key) => {
        const feeds = prepare?.(fed) ?? fed, size = sizeOf(feeds);
        if (!loaded.has(size)) loaded.set(size, load(size));
        return await (await loaded.get(size)!).run(feeds, key);
      },
      dispose: async () => {
        for (const executable of await Promise.all(loaded.values())) await executable.dispose();
      },
    };
  }

  async #load(program: Program, compiled: Compiled): Promise<Executable> {
    const { prepare = (feeds) => feeds, elastic, writes = {} } = program;
    const { graph } = compiled, model = emitOnnx(compiled);
    const session = await this.runtime.InferenceSession.create(model.bytes, this.options);
    const inputs = Object.keys(program.inputs), drawn = new Map<string, HostTensor>();
    /** A value as it is in a run. */
    const at = (value: Value, size: number): TensorSpec => {
      const extents = compiled.shapeOf(value);
      return extents ? { dtype: value.dtype, shape: extentsAt(extents, size) } : value;
    };

    const run = async (fed: HostTensors, key?: NoiseKey): Promise<HostTensors> => {
      const feeds = prepare(fed), size = elastic?.sizeOf(feeds) ?? 0;
      const given: Record<string, OrtTensor> = {};
      for (const name of inputs) {
        const expected = at(graph.inputs[name]!, size);
        const input = checkedInput(program, name, expected, feeds[name] ?? this.#registers.get(name));
        given[inputName(name)] = this.#wrap(input);
      }
      for (const [name, spec] of Object.entries(compiled.noise)) {
        const { shape } = at(graph.inputs[noiseName(name)]!, size);
        const tensor = drawNoise(name, { ...spec, shape }, needKey(program, name, key), drawn.get(name));
        drawn.set(name, tensor);
        given[inputName(noiseName(name))] = this.#wrapOnce(tensor);
      }
      for (const [name, extents] of Object.entries(model.sizes)) {
        const numbers = BigInt64Array.from(extentsAt(extents, size), BigInt);
        given[name] = new this.runtime.Tensor("int64", numbers, [numbers.length]);
      }
      const results = await session.run(given);
      const returned: HostTensors = {};
      for (const name of Object.keys(graph.outputs)) {
        const { dtype, shape } = at(graph.outputs[name]!, size);
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
