/**
 * Counter-based random numbers: the n-th value of a stream depends on the stream's labels and on n alone.
 *
 * Streams are named, not shared, so the order in which a program asks for them cannot change a result. Only integer
 * arithmetic, `+ - * /` and `Math.sqrt` are used, which IEEE 754 fixes to the last bit: the numbers are the same on every
 * machine, where `Math.log` and `Math.cos` need not be.
 */

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
   * Masks are most of the random numbers of a training step, tens of millions. A decision is therefore made without a branch,
   * which a processor would mispredict every time that it is the rarer one: the sign of a difference, spread over a word, lets
   * the bits of `kept` through or not.
   * @param rate the probability of 0
   */
  fillMask<A extends Uint8Array | Float32Array>(out: A, rate: number, kept = 1): A {
    const words = out instanceof Float32Array ? new Int32Array(out.buffer, out.byteOffset, out.length) : out;
    const bits = out instanceof Float32Array ? new Int32Array(Float32Array.of(kept).buffer)[0]! : kept;
    const below = Math.round(rate * 65536) - 1, even = out.length & ~1, a = this.#a, b = this.#b;
    let counter = this.#counter;
    for (let i = 0; i < even; i += 2) {
      const value = mix(mix(counter++ ^ a) + b);
      words[i] = (below - (value & 0xffff)) >> 31 & bits;
      words[i + 1] = (below - (value >>> 16)) >> 31 & bits;
    }
    this.#counter = counter;
    if (even < out.length) words[even] = (below - (this.uint32() & 0xffff)) >> 31 & bits;
    return out;
  }
}
