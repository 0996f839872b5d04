/**
 * Reading and writing safetensors files: 8 bytes of header length, a JSON header, then the tensors without gaps.
 *
 * Everything the header says is checked before a byte of data is looked at. Numbers are little-endian, in the file and
 * on every processor Deno runs on, so a tensor is a view of the file wherever its bytes are aligned.
 *
 * Format: https://huggingface.co/docs/safetensors; order of tensors and padding as in the safetensors library 0.8.
 */
import { Buffer } from "node:buffer";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { type DType, type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { duplicateKey } from "./json_keys.ts";

/** Bytes per element of the element types that can be read. */
const WIDTHS: Readonly<Record<string, number>> = { BOOL: 1, F16: 2, BF16: 2, I32: 4, F32: 4, I64: 8 };

/** Names of our element types in a file. */
const NAMES: Readonly<Record<DType, string>> = { float32: "F32", int32: "I32", bool: "BOOL" };

/** The library refuses longer headers, as a guard against files that are something else. */
const LONGEST_HEADER = 100_000_000;

const METADATA = "__metadata__";

const Entry = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
/** Only to check with: Zod's copy of an object has no place for a key called "__proto__". */
const JsonObject = z.record(z.string(), z.unknown());
const Texts = z.array(z.string());

/** What a safetensors file holds. */
export interface Safetensors {
  readonly tensors: HostTensors;
  readonly metadata: Record<string, string>;
}

/**
 * Reads a safetensors file. F32, F16 and BF16 become float32, I32 and I64 become int32, BOOL becomes bool; F32, I32 and
 * BOOL are views of `bytes` where alignment allows.
 *
 * @param bytes the whole file
 * @param name what to call the file in an error
 * @throws InputError if the file is cut short, its header lies, or it holds what cannot be represented
 */
export function readSafetensors(bytes: Uint8Array, name: string): Safetensors {
  const fail = (why: string): never => {
    throw new InputError(`Cannot read "${name}" as safetensors: ${why}`);
  };
  const { header, data } = split(bytes, fail);
  let metadata: Record<string, string> = {};
  const entries: { key: string; dtype: string; width: number; shape: number[]; start: number; end: number }[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key === METADATA) {
      metadata = value as Record<string, string>;
      const valid = JsonObject.safeParse(value).success && Texts.safeParse(Object.values(metadata)).success;
      if (!valid) fail(`"${METADATA}" is not an object of strings`);
      continue;
    }
    const parsed = Entry.safeParse(value);
    if (!parsed.success) {
      const entry = JSON.stringify(value).slice(0, 100);
      return fail(`tensor "${key}" is described by ${entry}, expected dtype, shape and data_offsets`);
    }
    const { dtype, shape, data_offsets: [start, end] } = parsed.data;
    const width = Object.hasOwn(WIDTHS, dtype) ? WIDTHS[dtype] : undefined;
    if (width === undefined) {
      return fail(`tensor "${key}" has dtype "${dtype}", expected one of ${Object.keys(WIDTHS).join(", ")}`);
    }
    const size = width * sizeOf(shape);
    if (size !== end - start) {
      fail(
        `tensor "${key}" of dtype "${dtype}" and shape [${shape}] takes ${size} bytes, its offsets give ${end - start}`,
      );
    }
    entries.push({ key, dtype, width, shape, start, end });
  }
  let at = 0;
  for (const { key, start, end } of entries.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== at) fail(`tensor "${key}" starts at byte ${start} of the data, expected ${at} (an overlap or a gap)`);
    at = end;
  }
  if (at > data.length) fail(`its header describes ${at} bytes of data, but only ${data.length} follow (cut short?)`);
  if (at < data.length) fail(`its header describes ${at} bytes of data, but ${data.length} follow`);
  const tensors = entries.map(({ key, dtype, width, shape, start, end }): [string, HostTensor] => {
    const part = data.subarray(start, end);
    return [key, decode(dtype, shape, part.byteOffset % width === 0 ? part : part.slice(), key, fail)];
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** Takes a file apart into its parsed header and its data. */
function split(bytes: Uint8Array, fail: (why: string) => never): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < 8) fail(`it has ${bytes.length} bytes, expected at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > LONGEST_HEADER) {
    fail(`its first 8 bytes say that the header has ${length} bytes (not a safetensors file?)`);
  }
  if (8 + length > bytes.length) {
    fail(`its header has ${length} bytes, but only ${bytes.length - 8} follow (cut short, or not a safetensors file)`);
  }
  let text = "", parsed: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length));
    parsed = JSON.parse(text);
  } catch {
    fail("its header is not JSON");
  }
  if (!JsonObject.safeParse(parsed).success || !text.startsWith("{")) fail("its header is not a JSON object");
  const twice = duplicateKey(text);
  if (twice !== undefined) fail(`its header has the key "${twice}" twice`);
  return { header: parsed as Record<string, unknown>, data: bytes.subarray(8 + length) };
}

/** One tensor from its bytes, which are aligned to its element type. */
function decode(
  dtype: string,
  shape: number[],
  bytes: Uint8Array,
  key: string,
  fail: (why: string) => never,
): HostTensor {
  const { buffer, byteOffset: offset } = bytes, length = sizeOf(shape);
  switch (dtype) {
    case "F32":
      return { dtype: "float32", shape, data: new Float32Array(buffer, offset, length) };
    case "F16":
      return { dtype: "float32", shape, data: new Float32Array(new Float16Array(buffer, offset, length)) };
    case "BF16": {
      // bfloat16 is the upper half of a float32.
      const bits = new Uint32Array(new Uint16Array(buffer, offset, length));
      for (let i = 0; i < length; i++) bits[i]! <<= 16;
      return { dtype: "float32", shape, data: new Float32Array(bits.buffer) };
    }
    case "I32":
      return { dtype: "int32", shape, data: new Int32Array(buffer, offset, length) };
    case "I64": {
      const wide = new BigInt64Array(buffer, offset, length);
      const bad = wide.find((value) => BigInt.asIntN(32, value) !== value);
      if (bad !== undefined) fail(`tensor "${key}" holds ${bad}, which does not fit 32 bits`);
      return { dtype: "int32", shape, data: Int32Array.from(wide, Number) };
    }
    default: {
      const bad = bytes.find((value) => value > 1);
      if (bad !== undefined) fail(`tensor "${key}" of dtype "BOOL" holds the byte ${bad}, expected 0 or 1`);
      return { dtype: "bool", shape, data: bytes };
    }
  }
}

/**
 * Writes tensors as the safetensors library does, byte for byte: wider element types first (F32, then I32, then BOOL),
 * then by the UTF-8 bytes of the name; the header padded with spaces so that the data starts at a multiple of 8.
 * Where the library leaves the order of several metadata keys to chance, they are sorted.
 *
 * @throws RangeError if a tensor has no valid shape, or is called "__metadata__"
 */
export function writeSafetensors(tensors: HostTensors, metadata: Record<string, string> = {}): Uint8Array {
  const pieces = safetensorsPieces(tensors, metadata);
  const out = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** The same in pieces that follow each other: the header, then views of the tensors' data. */
export function safetensorsPieces(tensors: HostTensors, metadata: Record<string, string> = {}): Uint8Array[] {
  const rank = { float32: 0, int32: 1, bool: 2 } satisfies Record<DType, number>;
  const ordered = Object.entries(tensors).map(([name, tensor]) => ({ name, utf8: Buffer.from(name), tensor }))
    .toSorted((a, b) => rank[a.tensor.dtype] - rank[b.tensor.dtype] || Buffer.compare(a.utf8, b.utf8));
  const header: [string, unknown][] = [];
  const labels = Object.entries(metadata).toSorted(([a], [b]) => a < b ? -1 : 1);
  if (labels.length > 0) header.push([METADATA, Object.fromEntries(labels)]);
  let end = 0;
  for (const { name, tensor: { dtype, shape, data } } of ordered) {
    const whole = shape.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (name === METADATA || !whole || sizeOf(shape) !== data.length) {
      throw new RangeError(`Cannot write "${name}" of shape [${shape}] with ${data.length} values as a tensor`);
    }
    const start = end;
    end += data.byteLength;
    header.push([name, { dtype: NAMES[dtype], shape, data_offsets: [start, end] }]);
  }
  // Joined by hand: an object would move names that look like integers to the front.
  const json = Buffer.from(`{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20, 8 + json.length);
  new DataView(head.buffer).setUint32(0, length, true);
  head.set(json, 8);
  const bytesOf = ({ tensor: { data } }: typeof ordered[number]) =>
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [head, ...ordered.map(bytesOf)];
}
