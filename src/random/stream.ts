/**
 * Counter-based random numbers: the n-th value of a stream depends on the stream's labels and on n alone.
 *
 * Streams are named, not shared, so the order in which a program asks for them cannot change a result. Only integer
 * arithmetic, `+ - * /` and `Math.sqrt` are used, which IEEE 754 fixes to the last bit: the numbers are the same on every
 * machine, where `Math.log` and `Math.cos` need not be.
 */
import { fill, memory } from "./mask.wasm";

/** What `fill` fills. */
const PIECE = new Float32Array(memory.buffer);

/** A bijection of 32-bit integers with low bias (constants found by C. Wellons' hash prospector). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

/** Folds a label into a 32-bit key, one UTF-16 unit at a time. */
function fold(key: number, label: string | number): number {
  const text = typeof label === "number" ? `#${label}` : `$${label}`;
  for (let i = 0; i < text.length; i++) key = mix(Math.imul(key, 31) + text.charCodeAt(i));
  return mix(key ^ text.length);
}

/** ln(x) for a positive finite x by the atanh series, from exactly rounded operations alone. */
export function exactLog(x: number): number {
  if (!(x > 0) || x === Infinity) throw new RangeError(`exactLog: "${x}" is not a positive finite number`);
  let exponent = 0;
  while (x > Math.SQRT2) x /= 2, exponent++;
  while (x < Math.SQRT1_2) x *= 2, exponent--;
  const t = (x - 1) / (x + 1);
  let sum = 0;
  for (let k = 25; k >= 1; k -= 2) sum = sum * t * t + 1 / k;
  return 2 * t * sum + exponent * Math.LN2;
}

/** One named stream of random numbers. */
export class Stream {
  readonly #a: number;
  readonly #b: number;
  #counter = 0;

  /** @param labels what the numbers are for, e.g. `new Stream(seed, "dropout", step)` */
  constructor(...labels: (string | number)[]) {
    this.#a = labels.reduce(fold, 0x243f6a88);
    this.#b = labels.reduce(fold, 0x85a308d3 | 0);
  }

  /** The value at a position, independent of what was drawn before. */
  at(counter: number): number {
    return mix(mix(counter ^ this.#a) + this.#b) >>> 0;
  }

  /** The next integer in [0, 2^32). */
  uint32(): number {
    return this.at(this.#counter++);
  }

  /** The next number of the open interval (0, 1), exactly representable in float32 (23 bits and a half). */
  uniform(): number {
    return ((this.uint32() >>> 9) + 0.5) / 8388608;
  }

  /** The next integer in [0, n), without modulo bias. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1) throw new RangeError(`below: "${n}" is not a positive integer`);
    const limit = 4294967296 - (4294967296 % n);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % n;
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uint32() < probability * 4294967296;
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** The items in random order (Fisher-Yates), as a new array. */
  shuffled<T>(items: readonly T[]): T[] {
    const out = items.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }

  /** The next number of N(0, 1) (Marsaglia's polar method). */
  normal(): number {
    for (;;) {
      const u = 2 * this.uniform() - 1, v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt(-2 * exactLog(s) / s);
    }
  }

  /** Fills with numbers of (0, 1). */
  fillUniform(out: Float32Array): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = this.uniform();
    return out;
  }

  /** Fills with numbers of N(0, std^2). */
  fillNormal(out: Float32Array, std: number): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = std * this.normal();
    return out;
  }

  /**
   * Fills with `kept` or 0. Two decisions come from each 32-bit value, so the rate holds to 2^-17.
   *
   * Masks are most of the random numbers of a training step, tens of millions: they are made by `mask.wasm`, four values at a
   * time, in pieces of the size of its memory.
   * @param rate the probability of 0
   */
  fillMask(out: Float32Array, rate: number, kept = 1): Float32Array {
    // 16 bits are compared with this; where none would do, what is kept is 0.
    const least = Math.round(rate * 65536), [bits] = new Int32Array(Float32Array.of(least > 65535 ? 0 : kept).buffer);
    for (let from = 0; from < out.length; from += PIECE.length) {
      const size = Math.min(PIECE.length, out.length - from);
      fill(this.#counter, this.#a, this.#b, least, bits!, 32 * Math.ceil(size / 8));
      out.set(PIECE.subarray(0, size), from);
      this.#counter += Math.ceil(size / 2);
    }
    return out;
  }
}
