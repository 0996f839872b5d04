/** Runs programs op by op on a TensorFlow.js backend. On `cpu` it is the oracle the compiled engines are compared with. */
import * as tf from "@tensorflow/tfjs";
import type { DType, HostTensor, HostTensors } from "../tensor/host_tensor.ts";
import type { Device, Executable, NoiseKey, Program, Tensors } from "./engine.ts";
import { checkedInput } from "./inputs.ts";
import { drawNoise, namedNoise, needKey } from "./noise.ts";

// Without it TensorFlow.js advises, on every start, to install another backend.
tf.enableProdMode();

function upload({ data, shape, dtype }: HostTensor): tf.Tensor {
  return tf.tensor(data, shape.slice(), dtype);
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

function download(tensor: tf.Tensor): HostTensor {
  const dtype = tensor.dtype as DType, data = tensor.dataSync(), array = ARRAYS[dtype];
  // After a cast the cpu backend still holds the array of the old type.
  return { dtype, shape: tensor.shape, data: data instanceof array ? data : array.from(data) } as HostTensor;
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

  load(largest: Program): Promise<Executable> {
    const { prepare = (feeds) => feeds, elastic, writes = {} } = largest;
    const run = (given: HostTensors, key?: NoiseKey): HostTensors => {
      const feeds = prepare(given), program = elastic?.at(elastic.sizeOf(feeds)) ?? largest;
      tf.setBackend(this.backend);
      const outputs = tf.tidy(() => {
        const inputs = Object.fromEntries(
          Object.entries(program.inputs).map(([name, spec]) => {
            const fed = feeds[name] && upload(feeds[name]);
            return [name, checkedInput(program, name, spec, fed ?? this.#registers.get(name))];
          }),
        );
        const noise = namedNoise(program, (name, spec) => upload(drawNoise(name, spec, needKey(program, name, key))));
        // An output that is an input as it came would be freed with it.
        const made = Object.entries(program.apply(inputs, noise));
        return Object.fromEntries(made.map(([name, tensor]) => [name, tf.keep(tensor.clone())]));
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
      return returned;
    };
    return Promise.resolve({
      run: (feeds, key) => new Promise((resolve) => resolve(run(feeds, key))),
      dispose: () => Promise.resolve(),
    });
  }
}
