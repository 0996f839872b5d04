/** Slurm's commands. Partition, account, time and memory of jobs are whatever its own SBATCH_* variables say. */
import { InputError } from "../../errors.ts";
import { complaint, type Run } from "../../programs.ts";

/** States in which a job still may give a result. */
const ALIVE = ["PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "STOPPED"];

/**
 * Submits a script.
 * @returns the job's id
 * @throws InputError if Slurm is not here, or refuses
 */
export async function submit(run: Run, name: string, script: string, log: string, gpu: boolean): Promise<string> {
  const resources = gpu ? ["--gres=gpu:1"] : [];
  const done = await run("sbatch", ["--parsable", `--job-name=${name}`, `--output=${log}`, ...resources, script]);
  if (done === null) throw new InputError("There is no sbatch here: use a machine of the cluster, or --executor local");
  if (done.code === 0) return done.out.split(";")[0]!;
  throw new InputError(
    `Slurm refused the job "${name}" (${complaint(done)}): set SBATCH_PARTITION, SBATCH_ACCOUNT and the like`,
  );
}

/** A job's state, and whether a result of it may still come. A cluster that does not answer leaves that open. */
export async function stateOf(run: Run, id: string): Promise<{ readonly state: string; readonly alive: boolean }> {
  const told = await run("scontrol", ["show", "job", "--oneliner", id]);
  const state = /\bJobState=([A-Z_]+)/.exec(told?.out ?? "")?.[1];
  if (state !== undefined) return { state, alive: ALIVE.includes(state) };
  // Slurm forgets a job some minutes after its end.
  const forgotten = /invalid job id/i.test(`${told?.err} ${told?.out}`);
  return { state: forgotten ? "forgotten" : "unknown", alive: !forgotten };
}

export async function cancel(run: Run, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await run("scancel", ids);
}
