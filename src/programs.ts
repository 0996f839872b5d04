/** Runs other programs, which a machine may not have. */

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
