/** What a checker found out about one fixture, key by key. */
import type { HostTensor } from "../tensor/host_tensor.ts";
import { compare, type Deviation, NO_DEVIATION, worse } from "./compare.ts";
import { expectedTensor, type Fixture } from "./fixture.ts";
import { toleranceFor } from "./tolerance.ts";

/** Nothing but "ok" lets a parity run pass. */
export type Verdict = "ok" | "out of tolerance" | "not checked" | "skipped" | "unsupported";

/** One expected key of one fixture; a fixture that is skipped or unsupported has a single row with the key "*". */
export interface ParityRow {
  readonly fixture: string;
  readonly kind: string;
  readonly key: string;
  readonly maxAbs: number;
  readonly maxRel: number;
  readonly verdict: Verdict;
  /** Where the first deviation is, or why nothing was checked; empty if there is nothing to say. */
  readonly note: string;
}

export interface CheckOptions {
  /** The fixture's tolerance group, where neither key nor path shows it. */
  readonly group?: string;
}

export interface TensorOptions extends CheckOptions {
  /** One flag per element: those with 0 mean nothing and are left out. */
  readonly where?: ArrayLike<number>;
}

/** Collects the checks of a fixture. A key may be checked in parts; its row tells the worst of them. */
export class Report {
  readonly #fixture: Fixture;
  readonly #found = new Map<string, { deviation: Deviation; note: string }>();
  #skipped: string | undefined;

  constructor(fixture: Fixture) {
    this.#fixture = fixture;
  }

  /** Compares a tensor with the expected one of that name. Element types may differ, shapes may not. */
  tensor(key: string, got: HostTensor, { where, group }: TensorOptions = {}): void {
    const expected = expectedTensor(this.#fixture, key);
    if (got.shape.join() !== expected.shape.join()) {
      return this.#mismatch(key, `has shape [${got.shape}], expected [${expected.shape}]`);
    }
    const deviation = compare(got.data, expected.data, toleranceFor(this.#fixture, key, key, group), where);
    const { outside: i } = deviation;
    this.#add(key, deviation, i === undefined ? "" : `element ${i} is ${got.data[i]}, expected ${expected.data[i]}`);
  }

  /**
   * Compares a number, or a tree of arrays and objects down to numbers, strings, booleans and null, of which only numbers
   * may deviate. The field names in the tree choose the tolerance of a number where the fixture has one for them.
   *
   * @param expected for a key of `scalars` the value found there, if nothing is given
   */
  value(key: string, got: unknown, expected: unknown = this.#scalar(key), { group }: CheckOptions = {}): void {
    const compareAt = (path: string, got: unknown, expected: unknown): void => {
      if (typeof got === "number" && typeof expected === "number") {
        const deviation = compare([got], [expected], toleranceFor(this.#fixture, key, path, group));
        return this.#add(
          key,
          deviation,
          deviation.outside === undefined ? "" : `${path} is ${got}, expected ${expected}`,
        );
      }
      if (!isTree(got) || !isTree(expected)) {
        if (got === expected) return this.#add(key, NO_DEVIATION, "");
        return this.#mismatch(key, `${path} is ${brief(got)}, expected ${brief(expected)}`);
      }
      const names = Object.keys(expected), list = Array.isArray(expected);
      if (list !== Array.isArray(got) || Object.keys(got).toSorted().join() !== names.toSorted().join()) {
        return this.#mismatch(key, `${path} is ${brief(got)}, expected ${brief(expected)}`);
      }
      this.#add(key, NO_DEVIATION, "");
      for (const name of names) compareAt(list ? `${path}[${name}]` : `${path}.${name}`, got[name], expected[name]);
    };
    compareAt(key, got, expected);
  }

  /** Leaves the fixture alone, and says why. */
  skip(reason: string): void {
    this.#skipped = reason;
  }

  /** One row per expected key, in the fixture's order; keys that nothing was compared with are "not checked". */
  rows(): ParityRow[] {
    const { folder: fixture, kind, expectedKeys } = this.#fixture;
    if (this.#skipped !== undefined) return [wholeFixture(this.#fixture, "skipped", this.#skipped)];
    return expectedKeys.map((key): ParityRow => {
      const found = this.#found.get(key);
      if (found === undefined) return { fixture, kind, key, maxAbs: 0, maxRel: 0, verdict: "not checked", note: "" };
      const { deviation: { maxAbs, maxRel, outside }, note } = found;
      return { fixture, kind, key, maxAbs, maxRel, verdict: outside === undefined ? "ok" : "out of tolerance", note };
    });
  }

  #scalar(key: string): unknown {
    const name = key.replace(/^scalars\./, "");
    if (name !== key && Object.hasOwn(this.#fixture.scalars, name)) return this.#fixture.scalars[name];
    throw new RangeError(`"${this.#fixture.folder}" has no scalar "${key}"`);
  }

  #mismatch(key: string, note: string): void {
    this.#add(key, { maxAbs: Infinity, maxRel: Infinity, outside: 0 }, note);
  }

  #add(key: string, deviation: Deviation, note: string): void {
    if (!this.#fixture.expectedKeys.includes(key)) {
      throw new RangeError(`"${key}" is no expected key of "${this.#fixture.folder}"`);
    }
    const before = this.#found.get(key) ?? { deviation: NO_DEVIATION, note: "" };
    this.#found.set(key, { deviation: worse(before.deviation, deviation), note: before.note || note });
  }
}

/** The only row of a fixture that is not checked at all. */
export function wholeFixture({ folder, kind }: Fixture, verdict: Verdict, note: string): ParityRow {
  return { fixture: folder, kind, key: "*", maxAbs: 0, maxRel: 0, verdict, note };
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
