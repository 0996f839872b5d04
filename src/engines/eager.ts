/** Runs programs op by op on a TensorFlow.js backend. On `cpu` it is the oracle the compiled engines are compared with. */
import * as tf from "@tensorflow/tfjs";
import { type DType, type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import type { Device, Executable, Noise, NoiseKey, Program, Tensors } from "./engine.ts";
import { drawNoise, type NoiseSpec } from "./noise.ts";

// Without it TensorFlow.js advises, on every start, to install another backend.
tf.enableProdMode();

function upload({ data, shape, dtype }: HostTensor): tf.Tensor {
  return tf.tensor(data, shape.slice(), dtype);
}

function download(tensor: tf.Tensor): HostTensor {
  return { dtype: tensor.dtype as DType, shape: tensor.shape, data: tensor.dataSync() } as HostTensor;
}

/** Noise drawn where the program asks for it. */
function noiseOf(key: NoiseKey | undefined): Noise {
  const draw = (name: string, spec: NoiseSpec): tf.Tensor => {
    if (!key) throw new Error(`The program draws noise "${name}" and was run without a noise key`);
    return upload(drawNoise(name, spec, key));
  };
  return {
    keep: (name, shape, rate) => tf.cast(draw(name, { kind: "keep", shape, rate }), "float32"),
    uniform: (name, shape) => draw(name, { kind: "uniform", shape }),
  };
}

export class EagerDevice implements Device {
  readonly #registers = new Map<string, tf.Tensor>();

  /** @param backend the registered TensorFlow.js backend to run on */
  constructor(readonly backend: string) {}

  write(registers: HostTensors): void {
    tf.setBackend(this.backend);
    for (const [name, tensor] of Object.entries(registers)) this.#set(name, upload(tensor));
  }

  #set(name: string, tensor: tf.Tensor): void {
    this.#registers.get(name)?.dispose();
    this.#registers.set(name, tf.keep(tensor));
  }

  read(register: string): HostTensor {
    const tensor = this.#registers.get(register);
    if (!tensor) throw new Error(`The register "${register}" was never written`);
    return download(tensor);
  }

  clear(): void {
    for (const tensor of this.#registers.values()) tensor.dispose();
    this.#registers.clear();
  }

  load(program: Program): Promise<Executable> {
    const writes = program.writes ?? {};
    const run = (feeds: HostTensors, key?: NoiseKey): HostTensors => {
      tf.setBackend(this.backend);
      const uploaded: tf.Tensor[] = [];
      const inputs: Tensors = {};
      for (const [name, spec] of Object.entries(program.inputs)) {
        const fed = feeds[name];
        if (fed && fed.data.length !== sizeOf(spec.shape)) {
          throw new Error(`Input "${name}" of ${program.name} has shape [${fed.shape}], not [${spec.shape}]`);
        }
        const tensor = fed ? upload(fed) : this.#registers.get(name);
        if (!tensor) throw new Error(`Input "${name}" of ${program.name} was neither fed nor written to a register`);
        if (fed) uploaded.push(tensor);
        inputs[name] = tensor;
      }
      const outputs = tf.tidy(() => {
        const made = program.apply(inputs, noiseOf(key));
        // An output that is an input as it came would be freed with it.
        return Object.fromEntries(Object.entries(made).map(([name, t]) => [name, tf.keep(t.clone())]));
      }) as Tensors;
      const returned: HostTensors = {};
      for (const [name, tensor] of Object.entries(outputs)) {
        const register = writes[name];
        if (register) {
          this.#set(register, tensor);
        } else {
          returned[name] = download(tensor);
          tensor.dispose();
        }
      }
      for (const tensor of uploaded) tensor.dispose();
      return returned;
    };
    return Promise.resolve({
      run: (feeds, key) => new Promise((resolve) => resolve(run(feeds, key))),
      dispose: () => Promise.resolve(),
    });
  }
}
