/** The CUDA devices of a machine. */
import type { Run } from "../programs.ts";

/** A CUDA device as its driver names it. */
export interface Gpu {
  readonly name: string;
  /** Generation of the instruction set, such as 8.9. */
  readonly capability: number;
}

/** The CUDA devices of this machine; none without a driver. */
export async function cudaDevices(run: Run): Promise<Gpu[]> {
  const listed = await run("nvidia-smi", ["--query-gpu=name,compute_cap", "--format=csv,noheader"]);
  if (listed?.code !== 0) return [];
  return listed.out.split("\n").filter(Boolean).map((line) => {
    const comma = line.lastIndexOf(",");
    return { name: line.slice(0, comma).trim(), capability: Number(line.slice(comma + 1)) };
  });
}
