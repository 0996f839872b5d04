/** Runs a function of tensors on the engine of a parity run. */
import type { Tensors } from "../engines/engine.ts";
import { openEngine, parseEngineName } from "../engines/open.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import type { ParityContext } from "./checker.ts";

/**
 * Computes a pure function once, with every feed as an input of the program.
 *
 * @param apply gets the feeds by name and gives the outputs by name
 * @throws UsageError if there is no such engine
 */
export async function compute(
  { engine }: ParityContext,
  name: string,
  feeds: HostTensors,
  apply: (given: Tensors) => Tensors,
): Promise<HostTensors> {
  const device = await openEngine(parseEngineName(engine));
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
  const executable = await device.load({ name, inputs, apply });
  try {
    return await executable.run(feeds);
  } finally {
    await executable.dispose();
  }
}
