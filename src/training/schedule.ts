/** Learning rates over a run: linear warm-up, then linear decay to zero. */

export interface Schedule {
  readonly warmup: number;
  readonly total: number;
}

/**
 * The factor on the peak rate at a step counted from 0: t / warmup while warming up (so the first step has rate 0, as in
 * transformers' get_linear_schedule_with_warmup), then (total - t) / (total - warmup).
 */
export function linearSchedule(step: number, { warmup, total }: Schedule): number {
  if (step < warmup) return step / warmup;
  return Math.max(0, (total - step) / Math.max(1, total - warmup));
}
