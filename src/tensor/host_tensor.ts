/** Tensors outside any engine: a shape and a typed array, row-major. What files hold and what engines are fed. */

/** Element types used here. `bool` is stored as one byte, 0 or 1. */
export type DType = "float32" | "int32" | "bool";

/** The array type behind each element type. */
export interface ArrayOf {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}

export type HostTensor = {
  [T in DType]: { readonly dtype: T; readonly shape: readonly number[]; readonly data: ArrayOf[T] };
}[DType];

/** Tensors by name. */
export type HostTensors = Record<string, HostTensor>;

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Builds a float32 tensor; zeros without data. @throws RangeError if the data does not fill the shape */
export function float32(shape: readonly number[], data?: ArrayLike<number>): HostTensor {
  return checked({
    dtype: "float32",
    shape,
    data: data instanceof Float32Array ? data : data ? Float32Array.from(data) : new Float32Array(sizeOf(shape)),
  });
}

/** Builds an int32 tensor; zeros without data. @throws RangeError if the data does not fill the shape */
export function int32(shape: readonly number[], data?: ArrayLike<number>): HostTensor {
  return checked({
    dtype: "int32",
    shape,
    data: data instanceof Int32Array ? data : data ? Int32Array.from(data) : new Int32Array(sizeOf(shape)),
  });
}

function checked(tensor: HostTensor): HostTensor {
  if (tensor.data.length === sizeOf(tensor.shape)) return tensor;
  throw new RangeError(`A tensor of shape [${tensor.shape}] cannot hold ${tensor.data.length} values`);
}
