import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { InputError } from "../errors.ts";
import { float32, type HostTensor, type HostTensors, int32, sizeOf } from "../tensor/host_tensor.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

const golden = fileURLToPath(new URL("../../../shared/golden/", import.meta.url));
const missing = !existsSync(golden);
if (missing) console.log("Skipped: files of the safetensors library need ../shared/golden");

/** A file with this header and data. */
function file(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + data.length);
  new DataView(out.buffer).setUint32(0, json.length, true);
  out.set(json, 8);
  out.set(data, 8 + json.length);
  return out;
}

const entry = (dtype: string, shape: number[], ...data_offsets: number[]) => ({ dtype, shape, data_offsets });
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const tensors: fc.Arbitrary<HostTensor> = shapes.chain((shape) => {
  const size = { minLength: sizeOf(shape), maxLength: sizeOf(shape) };
  return fc.oneof<fc.Arbitrary<HostTensor>[]>(
    fc.float32Array(size).map((data) => ({ dtype: "float32", shape, data })),
    fc.int32Array(size).map((data) => ({ dtype: "int32", shape, data })),
    fc.uint8Array({ ...size, max: 1 }).map((data) => ({ dtype: "bool", shape, data })),
  );
});
const names = fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__");
const files = fc.tuple(
  fc.uniqueArray(fc.tuple(names, tensors), { selector: ([name]) => name, maxLength: 6 })
    .map((all): HostTensors => Object.fromEntries(all)),
  fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
);

Deno.test("readSafetensors() gives back what writeSafetensors() was given", () => {
  fc.assert(fc.property(files, ([tensors, metadata]) => {
    const bytes = writeSafetensors(tensors, metadata), read = readSafetensors(bytes, "f");
    assert.deepEqual(read, { tensors, metadata });
    assert.deepEqual(writeSafetensors(read.tensors, read.metadata), bytes);
  }));
});

Deno.test("readSafetensors() keeps a tensor called __proto__", () => {
  const tensors = Object.fromEntries([["__proto__", int32([1], [7])]]);
  assert.deepEqual(Object.entries(readSafetensors(writeSafetensors(tensors), "f").tensors), Object.entries(tensors));
});

Deno.test("readSafetensors() keeps metadata called __proto__", () => {
  const metadata = Object.fromEntries([["__proto__", "text"]]);
  assert.deepEqual(Object.entries(readSafetensors(writeSafetensors({}, metadata), "f").metadata), [
    ["__proto__", "text"],
  ]);
});

Deno.test("writeSafetensors() does not depend on the order of its tensors", () => {
  fc.assert(fc.property(files, ([tensors, metadata]) => {
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    assert.deepEqual(writeSafetensors(reversed, metadata), writeSafetensors(tensors, metadata));
  }));
});

Deno.test("writeSafetensors() puts wider types first and pads the header with spaces to a multiple of 8", () => {
  const bytes = writeSafetensors({
    mask: { dtype: "bool", shape: [1], data: Uint8Array.of(1) },
    ids: int32([], [7]),
    w: float32([2], [1, -2]),
  });
  const header = `{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},` +
    `"ids":{"dtype":"I32","shape":[],"data_offsets":[8,12]},"mask":{"dtype":"BOOL","shape":[1],"data_offsets":[12,13]}}`;
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  assert.deepEqual(bytes, file(padded, [0, 0, 128, 63, 0, 0, 0, 192, 7, 0, 0, 0, 1]));
});

Deno.test({
  name: "writeSafetensors() reproduces the safetensors library's files byte for byte",
  ignore: missing,
  fn() {
    const paths = globSync("**/*.safetensors", { cwd: golden });
    assert.ok(paths.length > 40);
    for (const path of paths) {
      const bytes = new Uint8Array(readFileSync(golden + path)), { tensors, metadata } = readSafetensors(bytes, path);
      assert.deepEqual(writeSafetensors(tensors, metadata), bytes, path);
    }
  },
});

Deno.test("readSafetensors() views aligned data and copies the rest", () => {
  const bytes = writeSafetensors({ w: float32([3], [1, 2, 3]) });
  assert.equal(readSafetensors(bytes, "f").tensors["w"]?.data.buffer, bytes.buffer);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual(readSafetensors(shifted.subarray(1), "f").tensors["w"], float32([3], [1, 2, 3]));
});

Deno.test("readSafetensors() widens every float16 exactly", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const read = readSafetensors(file({ h: entry("F16", [65536], 0, 131072) }, bytesOf(bits)), "f").tensors["h"]!;
  for (let i = 0; i < 65536; i++) {
    const sign = i >> 15 ? -1 : 1, exponent = i >> 10 & 31, fraction = i & 1023;
    const finite = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    assert.equal(read.data[i], exponent < 31 ? sign * finite : fraction === 0 ? sign * Infinity : NaN);
  }
});

Deno.test("readSafetensors() widens bfloat16 and narrows 64-bit integers that fit", () => {
  const bits = Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7f80);
  const { b } = readSafetensors(file({ b: entry("BF16", [2, 2], 0, 8) }, bytesOf(bits)), "f").tensors;
  assert.deepEqual(b, float32([2, 2], [1, -2, 2 ** -133, Infinity]));
  const wide = BigInt64Array.of(5n, -2147483648n);
  const { i } = readSafetensors(file({ i: entry("I64", [2], 0, 16) }, bytesOf(wide)), "f").tensors;
  assert.deepEqual(i, int32([2], [5, -2147483648]));
});

const whole = writeSafetensors({ a: float32([2]), b: float32([2]) });
const big = bytesOf(BigInt64Array.of(2147483648n));
const refused: [string, Uint8Array, RegExp][] = [
  ["an empty file", new Uint8Array(0), /has 0 bytes, expected at least 8/],
  ["a header beyond the end", whole.subarray(0, 40), /header has \d+ bytes, but only 32 follow/],
  ["a header of absurd length", new TextEncoder().encode("<!doctype html>"), /say that the header has \d+ bytes/],
  ["data cut short", whole.subarray(0, whole.length - 1), /describes 16 bytes of data, but only 15 follow/],
  ["data too long", file({ a: entry("F32", [1], 0, 4) }, [0, 0, 0, 0, 0]), /describes 4 bytes of data, but 5 follow/],
  ["a header that is not JSON", file("{,}"), /header is not JSON/],
  ["a header that is not UTF-8", file({}).with(8, 0xff), /header is not JSON/],
  ["a header that is a list", file([]), /header is not a JSON object/],
  ["a header that starts with a space", file(" {}"), /header is not a JSON object/],
  ["a key that stands twice", file(`{"a":{},"\\u0061" :{}}`), /has the key "a" twice/],
  ["a key that stands twice inside", file(`{"b":{"dtype":"F32","shape":[],"shape":[]}}`), /has the key "shape" twice/],
  ["metadata called __proto__ that is no string", file('{"__metadata__":{"__proto__":1}}'), /not an object of strings/],
  ["metadata that is no strings", file({ __metadata__: { a: 1 } }), /not an object of strings/],
  ["an entry without offsets", file({ a: { dtype: "F32", shape: [] } }), /"a" is described by .*expected dtype/],
  ["an entry with more", file({ a: { ...entry("F32", [], 0, 4), x: 1 } }, [0, 0, 0, 0]), /"a" is described by/],
  ["a negative size", file({ a: entry("F32", [-1], 0, 0) }), /"a" is described by/],
  ["a fractional offset", file({ a: entry("F32", [1], 0.5, 4.5) }), /"a" is described by/],
  ["an unknown dtype", file({ a: entry("F64", [1], 0, 8) }), /dtype "F64", expected one of BOOL, F16/],
  ["a dtype named like a method", file({ a: entry("toString", [1], 0, 8) }), /dtype "toString", expected/],
  [
    "a shape that does not fit",
    file({ a: entry("F32", [2], 0, 4) }, [0, 0, 0, 0]),
    /takes 8 bytes, its offsets give 4/,
  ],
  [
    "offsets that run backwards",
    file({ a: entry("F32", [0], 4, 0) }, [0, 0, 0, 0]),
    /takes 0 bytes, its offsets give -4/,
  ],
  [
    "an overlap",
    file({ a: entry("F32", [1], 0, 4), b: entry("F32", [1], 2, 6) }, Array(6).fill(0)),
    /"b" starts at byte 2 of the data, expected 4/,
  ],
  [
    "a gap",
    file({ a: entry("F32", [1], 0, 4), b: entry("F32", [1], 8, 12) }, Array(12).fill(0)),
    /"b" starts at byte 8 of the data, expected 4/,
  ],
  ["an integer beyond 32 bits", file({ a: entry("I64", [1], 0, 8) }, big), /"a" holds 2147483648/],
  ["a boolean beyond 1", file({ a: entry("BOOL", [1], 0, 1) }, [2]), /"a" of dtype "BOOL" holds the byte 2/],
];
for (const [what, bytes, message] of refused) {
  Deno.test(`readSafetensors() refuses ${what}`, () => {
    assert.throws(() => readSafetensors(bytes, "some.safetensors"), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /^Cannot read "some.safetensors" as safetensors: [^\n]*[^.]$/);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("readSafetensors() gives whole tensors or an InputError for whatever bytes", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(files, damage, fc.option(fc.nat()), ([tensors, metadata], changes, cut) => {
      const bytes = writeSafetensors(tensors, metadata);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      try {
        const read = readSafetensors(cut === null ? bytes : bytes.subarray(0, cut % bytes.length), "f");
        for (const { shape, data } of Object.values(read.tensors)) assert.equal(data.length, sizeOf(shape));
      } catch (error) {
        assert.ok(error instanceof InputError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("writeSafetensors() refuses what is not a tensor", () => {
  const data = Float32Array.of(1);
  assert.throws(() => writeSafetensors({ a: { dtype: "float32", shape: [2], data } }), RangeError);
  assert.throws(() => writeSafetensors({ a: { dtype: "float32", shape: [-1, -1], data } }), RangeError);
  assert.throws(() => writeSafetensors({ __metadata__: { dtype: "float32", shape: [1], data } }), RangeError);
});
