/** What engines check of a program's inputs before they run it. */
import { sameShape } from "../compile/ir.ts";
import type { TensorSpec } from "../compile/tracer.ts";
import type { Program } from "./engine.ts";

/**
 * An input as it was fed or lay in a register.
 * @throws Error naming the input if there is none, or if it has another shape or element type than the program declares
 */
export function checkedInput<T extends { readonly dtype: string; readonly shape: readonly number[] }>(
  program: Program,
  name: string,
  given: T | undefined,
): T {
  if (!given) throw new Error(`Input "${name}" of ${program.name} was neither fed nor written to a register`);
  const { dtype, shape } = program.inputs[name] as TensorSpec;
  if (given.dtype === dtype && sameShape(given.shape, shape)) return given;
  throw new Error(`Input "${name}" of ${program.name} is ${given.dtype} [${given.shape}], not ${dtype} [${shape}]`);
}
