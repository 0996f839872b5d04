/**
 * A table that trains although a step sees few of its rows: the embeddings of 128,100 words, of which a batch reads some hundred.
 *
 * AdamW changes every row in every step, for weight decay and moments go on where the gradient is zero. But nobody looks at a
 * row before it is read again, and what the steps between do to it follows from their sizes alone. So the table stays on the
 * host with the step up to which each row is current; a run gets the rows that its tokens name, brought up to date, as a small
 * table of its own. The numbers are those of training the whole table, bit for bit, on engines that keep subnormal numbers:
 * float32 operations in the order of `adamw`, each of them exact in double precision and then rounded. (Where gradients are
 * clipped, their common norm is summed in another order, which may change its last bit.)
 */
import type { Executable } from "../engines/engine.ts";
import type { Group } from "../peft/method.ts";
import { float32, type HostTensor, type HostTensors, int32 } from "../tensor/host_tensor.ts";
import type { AdamWOptions, StepSizes } from "./adamw.ts";
import { fedSizes, ROWS, stateRegisters } from "./step.ts";

const PARTS = stateRegisters(ROWS), { fround, sqrt } = Math;

export class RowTable {
  readonly #p: Float32Array;
  readonly #m: Float32Array;
  readonly #v: Float32Array;
  /** Steps that each row has seen. */
  readonly #seen: Int32Array;
  /** Whether a row ever had a gradient; without one its moments are zero. */
  readonly #moved: Uint8Array;
  readonly #steps: StepSizes[] = [];
  readonly #rows: number;
  readonly #width: number;

  /**
   * @param start values before the first step, [rows, width]
   * @param group whose sizes of steps the table trains with
   */
  constructor({ shape, data }: HostTensor, readonly group: Group, readonly options: AdamWOptions) {
    [this.#rows, this.#width] = shape as [number, number];
    this.#p = Float32Array.from(data);
    this.#m = new Float32Array(data.length);
    this.#v = new Float32Array(data.length);
    this.#seen = new Int32Array(this.#rows);
    this.#moved = new Uint8Array(this.#rows);
  }

  /** A training program over the rows of its batch as one over the table. */
  trains({ run, dispose }: Executable): Executable {
    return {
      dispose,
      run: async (feeds, noise) => {
        const { ids, rows, size } = this.#localize(feeds.ids!);
        const part = (of: Float32Array) => this.#gather(of, rows, size);
        const given = { [PARTS.p]: part(this.#p), [PARTS.m]: part(this.#m), [PARTS.v]: part(this.#v) };
        const { [PARTS.p]: p, [PARTS.m]: m, [PARTS.v]: v, ...results } = await run({ ...feeds, ids, ...given }, noise);
        this.#steps.push(fedSizes(feeds, this.group));
        this.#put(this.#p, p!, rows);
        this.#put(this.#m, m!, rows);
        this.#put(this.#v, v!, rows);
        for (const row of rows) {
          this.#seen[row] = this.#steps.length;
          this.#moved[row] = 1;
        }
        return results;
      },
    };
  }

  /** A program that reads the rows of its batch as one that reads the table. */
  reads({ run, dispose }: Executable): Executable {
    return {
      dispose,
      run: (feeds, noise) => {
        const { ids, rows, size } = this.#localize(feeds.ids!);
        return run({ ...feeds, ids, [PARTS.p]: this.#gather(this.#p, rows, size) }, noise);
      },
    };
  }

  /** All that it holds, as views: what `resume` goes on from. */
  snapshot(): HostTensors {
    const shape = [this.#rows, this.#width], steps = this.#steps.flatMap(({ keep, rate, root }) => [keep, rate, root]);
    return {
      p: float32(shape, this.#p),
      m: float32(shape, this.#m),
      v: float32(shape, this.#v),
      seen: int32([this.#rows], this.#seen),
      moved: { dtype: "bool", shape: [this.#rows], data: this.#moved },
      steps: float32([this.#steps.length, 3], steps),
    };
  }

  /** Goes on from where another table's snapshot was taken. */
  resume({ p, m, v, seen, moved, steps }: HostTensors): void {
    const sizes = steps!.data;
    this.#p.set(p!.data);
    this.#m.set(m!.data);
    this.#v.set(v!.data);
    this.#seen.set(seen!.data);
    this.#moved.set(moved!.data);
    this.#steps.length = 0;
    for (let i = 0; i < sizes.length; i += 3) {
      this.#steps.push({ keep: sizes[i]!, rate: sizes[i + 1]!, root: sizes[i + 2]! });
    }
  }

  /** The whole table as it is now, [rows, width], as a copy. */
  values(): HostTensor {
    for (let row = 0; row < this.#rows; row++) this.#catchUp(row);
    return float32([this.#rows, this.#width], this.#p.slice());
  }

  /** Numbers the rows that ids name, in order of appearance, and brings them up to date. */
  #localize({ shape, data }: HostTensor): { ids: HostTensor; rows: number[]; size: number } {
    const places = new Map<number, number>();
    const local = Int32Array.from(data, (row) => {
      if (!places.has(row)) places.set(row, places.size);
      return places.get(row)!;
    });
    const rows = [...places.keys()];
    for (const row of rows) this.#catchUp(row);
    return { ids: int32(shape, local), rows, size: rowsOfBatch(this.#rows, shape) };
  }

  #gather(from: Float32Array, rows: readonly number[], size: number): HostTensor {
    const width = this.#width, data = new Float32Array(size * width);
    rows.forEach((row, i) => data.set(from.subarray(row * width, (row + 1) * width), i * width));
    return float32([size * width], data);
  }

  #put(into: Float32Array, { data }: HostTensor, rows: readonly number[]): void {
    const width = this.#width;
    rows.forEach((row, i) => into.set(data.subarray(i * width, (i + 1) * width), row * width));
  }

  /** Does to a row what the steps did in which it had no gradient. */
  #catchUp(row: number): void {
    const p = this.#p, m = this.#m, v = this.#v, from = row * this.#width, to = from + this.#width;
    const beta1 = fround(this.options.beta1), beta2 = fround(this.options.beta2), eps = fround(this.options.epsilon);
    for (let step = this.#seen[row]!; step < this.#steps.length; step++) {
      const { keep, rate, root } = this.#steps[step]!;
      if (!this.#moved[row]) {
        for (let i = from; i < to && keep !== 1; i++) p[i] = p[i]! * keep;
        continue;
      }
      for (let i = from; i < to; i++) {
        const first = m[i] = fround(m[i]! * beta1), second = v[i] = fround(v[i]! * beta2);
        const denominator = fround(fround(fround(sqrt(second)) / root) + eps);
        p[i] = fround(p[i]! * keep) - fround(fround(first / denominator) * rate);
      }
    }
    this.#seen[row] = this.#steps.length;
  }
}

/** Rows of the small table: as many as a batch can name. */
export function rowsOfBatch(rows: number, [batch, length]: readonly number[]): number {
  return Math.min(rows, batch! * length!);
}
