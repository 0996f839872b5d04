/**
 * A TensorFlow.js backend that computes nothing: its kernels record ONNX nodes.
 *
 * Any function of tensors, gradients included, run while this backend is active leaves behind the graph of what it would
 * have computed. Reading a value is an error: a traced function must be pure.
 */
import * as tf from "@tensorflow/tfjs";
import type { DType, HostTensor } from "../tensor/host_tensor.ts";
import { Builder, type Graph, type Value } from "./ir.ts";

/** The name under which the tracing backend and its kernels are registered with TensorFlow.js. */
export const TRACE = "trace";

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

class TracingBackend extends tf.KernelBackend {
  build = new Builder();
  inputs: Record<string, Value> = {};
  // TensorFlow.js names data by an opaque object; ours stand for values of the graph.
  #values = new WeakMap<object, Value>();
  readonly #storage = new tf.DataStorage<Value>(this, tf.engine());
  #count = 0;

  /** Begins an empty graph; tensors of an earlier one mean nothing in it. @returns what goes back to the one begun before */
  start(): () => void {
    const { build, inputs } = this, values = this.#values;
    this.build = new Builder();
    this.inputs = {};
    this.#values = new WeakMap();
    return () => {
      this.build = build;
      this.inputs = inputs;
      this.#values = values;
    };
  }

  lookUp(info: tf.TensorInfo): Value {
    const value = this.#values.get(info.dataId);
    if (!value) {
      throw new Error(
        `A tensor of shape [${info.shape}] made outside the traced function was used in it: pass it as an input`,
      );
    }
    return value;
  }

  infoOf(value: Value): tf.TensorInfo {
    const dataId = {};
    this.#values.set(dataId, value);
    this.#storage.set(dataId, value);
    this.#count++;
    return { dataId, shape: value.shape.slice(), dtype: value.dtype };
  }

  override write(data: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    return this.infoOf(this.constant(data, shape, dtype)).dataId;
  }

  override move(dataId: object, data: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): void {
    this.#values.set(dataId, this.constant(data, shape, dtype));
    this.#count++;
  }

  constant(data: tf.backend_util.BackendValues, shape: readonly number[], type: tf.DataType): Value {
    const dtype = type as DType;
    const numbers = data as ArrayLike<number>;
    const first = numbers[0];
    let uniform = first !== undefined;
    for (let i = 1; uniform && i < numbers.length; i++) uniform = Object.is(numbers[i], first);
    if (uniform) return this.build.fill({ dtype, shape }, Number(first));
    const array = dtype === "float32" ? Float32Array : dtype === "int32" ? Int32Array : Uint8Array;
    return this.build.constant({ dtype, shape: shape.slice(), data: array.from(numbers) } as HostTensor);
  }

  override readSync(): never {
    throw new Error("A tensor's value was read while tracing: a traced function may only compute, not look");
  }
  override read(): never {
    return this.readSync();
  }
  override disposeData(): boolean {
    this.#count--;
    return true;
  }
  override numDataIds(): number {
    return this.#count;
  }
  override refCount(): number {
    return 1;
  }
  override incRef(): void {}
  override timerAvailable(): boolean {
    return false;
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override dispose(): void {}
}

tf.registerBackend(TRACE, () => new TracingBackend(), 0);

/** What a kernel gets to record with. */
export interface KernelContext {
  readonly build: Builder;
  /** The graph's name for a TensorFlow.js tensor. */
  value(info: tf.TensorInfo): Value;
  /** The TensorFlow.js tensor for a value of the graph. */
  info(value: Value): tf.TensorInfo;
}

/** Registers how a TensorFlow.js kernel is written as ONNX nodes. */
export function registerTraceKernel(
  kernelName: string,
  record: (
    inputs: Readonly<Record<string, tf.TensorInfo>>,
    attrs: tf.NamedAttrMap,
    context: KernelContext,
  ) => Value | readonly Value[],
): void {
  tf.registerKernel({
    kernelName,
    backendName: TRACE,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const tracing = backend as TracingBackend;
      const context: KernelContext = {
        build: tracing.build,
        value: (info) => tracing.lookUp(info),
        info: (value) => tracing.infoOf(value),
      };
      const result = record(inputs as Record<string, tf.TensorInfo>, attrs ?? {}, context);
      return Array.isArray(result) ? result.map(context.info) : context.info(result as Value);
    },
  });
}

/**
 * Runs a pure function of tensors once, symbolically. A traced function may itself have another one traced.
 * @param specs the function's named inputs
 * @param apply the function; `input` declares a further graph input where it is called (noise, for instance)
 * @returns the graph as recorded, before any pass
 * @throws Error naming the kernel if the function uses one that has no ONNX form here
 */
export function trace(
  specs: Readonly<Record<string, TensorSpec>>,
  apply: (
    inputs: Record<string, tf.Tensor>,
    input: (name: string, spec: TensorSpec) => tf.Tensor,
  ) => Record<string, tf.Tensor>,
): Graph {
  const before = tf.getBackend();
  // TensorFlow.js goes through all kernels there are at each change.
  if (before !== TRACE) tf.setBackend(TRACE);
  const backend = tf.backend() as TracingBackend;
  const goBack = backend.start();
  const input = (name: string, spec: TensorSpec): tf.Tensor => {
    if (backend.inputs[name]) throw new Error(`The graph input "${name}" was declared twice`);
    const value: Value = { dtype: spec.dtype, shape: spec.shape.slice(), node: null };
    backend.inputs[name] = value;
    return tf.engine().makeTensorFromTensorInfo(backend.infoOf(value));
  };
  try {
    const outputs: Record<string, Value> = {};
    tf.engine().startScope("trace");
    try {
      const given = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, input(name, spec)]));
      for (const [name, tensor] of Object.entries(apply(given, input))) outputs[name] = backend.lookUp(tensor);
    } finally {
      tf.engine().endScope();
    }
    return { inputs: backend.inputs, outputs, nodes: backend.build.nodes };
  } catch (error) {
    throw unmapped(error) ?? error;
  } finally {
    goBack();
    // Where nothing was chosen before, what comes after must not be recorded, either.
    if (before !== TRACE) tf.setBackend(before || "cpu");
  }
}

/** TensorFlow.js's complaint about a kernel that the backend lacks, in words that help. */
function unmapped(error: unknown): Error | undefined {
  const kernel = /^Kernel '(\w+)' not registered/.exec((error as Error).message)?.[1];
  if (!kernel) return undefined;
  return new Error(
    `The TensorFlow.js kernel "${kernel}" has no ONNX form: write the function with other operations, ` +
      "or register it in src/compile/kernels.ts",
    { cause: error },
  );
}
