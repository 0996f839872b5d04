/** Runs the programs that the setup needs, which a machine may not have. */

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs programs found on one path. @returns null if the program is not there */
export type Run = (program: string, args: readonly string[]) => Promise<Outcome | null>;

/** @param path folders to look in, as in PATH; by default this process's */
export function runner(path?: string): Run {
  return async (program, args) => {
    const env = path === undefined ? {} : { env: { PATH: path } };
    try {
      const command = new Deno.Command(program, { args: [...args], stdout: "piped", stderr: "piped", ...env });
      const { code, stdout, stderr } = await command.output(), text = new TextDecoder();
      return { code, out: text.decode(stdout).trim(), err: text.decode(stderr).trim() };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return null;
      throw error;
    }
  };
}

/** What a program said was wrong: its last line that mentions an error, else its last line. */
export function complaint({ out, err }: Outcome): string {
  const lines = (err || out).split("\n").map((line) => line.trim()).filter(Boolean);
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "it said nothing").replace(/\.$/, "");
}

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
