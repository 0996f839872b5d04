/** What engines check of a program's inputs before they run it. */
import { sameShape } from "../compile/ir.ts";
import type { TensorSpec } from "../compile/tracer.ts";
import type { Program } from "./engine.ts";

/**
 * An input as it was fed or lay in a register.
 * @param expected what the program declares, for the size of the run
 * @throws Error naming the input if there is none, or if it has another shape or element type
 */
export function checkedInput<T extends { readonly dtype: string; readonly shape: readonly number[] }>(
  program: Program,
  name: string,
  { dtype, shape }: TensorSpec,
  given: T | undefined,
): T {
  if (!given) throw new Error(`Input "${name}" of ${program.name} was neither fed nor written to a register`);
  if (given.dtype === dtype && sameShape(given.shape, shape)) return given;
  throw new Error(`Input "${name}" of ${program.name} is ${given.dtype} [${given.shape}], not ${dtype} [${shape}]`);
}
