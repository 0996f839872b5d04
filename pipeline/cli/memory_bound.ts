/** A generous estimate of what training steps take, which costs nothing: most runs fit by it, and need no other. */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { EngineName } from "../../src/engines/open.ts";
import type { Json, Step } from "../../src/graph/step.ts";
import { EVALUATION_BATCH, rowsAtOnce } from "../../src/training/batches.ts";
import { VOCABULARY } from "../profiles/checkpoints.ts";
import type { Profile } from "../profiles/profile.ts";

/** What decides the shape of a step's training graph. */
export interface Training {
  readonly method: string;
  readonly options: { readonly [key: string]: Json };
  readonly batch: number;
  /** Padded lengths: each has a graph of its own, and what its steps needed stays reserved for it. */
  readonly lengths: readonly number[];
  /** Those of evaluation: none of a step that does not evaluate. */
  readonly evaluationLengths: readonly number[];
  /** Most tokens that go through the network at once [all]. */
  readonly tokensAtOnce?: number;
  /** Whether word embeddings that train do so by rows: in fine-tuning; pre-training keeps the table whole. */
  readonly tableByRows: boolean;
}

/** What decides the shape of a profile's backbone. */
export type Backbone = Pick<Profile, "backbone" | "data">;

export interface Machine {
  /** Bytes of memory. */
  readonly total: number;
  /** Steps side by side. */
  readonly jobs: number;
}

/** Engines whose memory is known: the others hold other copies. */
const PREDICTED: readonly EngineName[] = ["portable", "native"];

/** Whether an engine's memory can be predicted. */
export const predicts = (engine: EngineName): boolean => PREDICTED.includes(engine);

/** Words that a backbone may know: DeBERTaV3's for real text, more than the generator's for its own. */
const WORDS = { glue: VOCABULARY, mini: 1000 } as const;

/** The backbone with as many words as it may know. */
export function configOf({ backbone, data }: Backbone): DebertaConfig {
  return { ...backbone, vocabulary: WORDS[data.kind] };
}

/** The training that a step does; null for a step that trains nothing. */
export function trainingOf({ kind, parameters }: Pick<Step, "kind" | "parameters">): Training | null {
  const { settings, method, options } = parameters as Record<string, Json> as unknown as Training & {
    settings: Pick<Training, "batch" | "lengths" | "tokensAtOnce"> & { evaluationLengths?: readonly number[] };
  };
  if (kind !== "finetune" && kind !== "pretrain") return null;
  const { batch, lengths, tokensAtOnce } = settings, tunes = kind === "finetune";
  const evaluationLengths = tunes ? settings.evaluationLengths ?? lengths : [];
  const shape = { batch, lengths, evaluationLengths, ...(tokensAtOnce && { tokensAtOnce }), tableByRows: tunes };
  // Pre-training trains every weight, as full fine-tuning does.
  return kind === "pretrain" ? { method: "full-ft", options: {}, ...shape } : { method, options, ...shape };
}

/**
 * More bytes than any training of these shapes takes. Of the methods that were measured, B-LoRA at xsmall keeps most for every
 * token, about as many numbers as stand in the inner brackets.
 */
export function boundOf(
  profile: Backbone,
  { batch, lengths, evaluationLengths, tokensAtOnce }: Omit<Training, "method" | "options" | "tableByRows">,
): number {
  const { hidden, ffn, heads, layers, vocabulary } = configOf(profile);
  const perToken = (length: number) => 10 * hidden + 4 * ffn + 5 * heads * length;
  const activations = lengths.reduce((sum, length) => {
    return sum + 4 * rowsAtOnce(batch, length, tokensAtOnce) * length * perToken(length);
  }, 0);
  // Without a backward pass the layers take turns.
  const evaluation = evaluationLengths.reduce((sum, length) => {
    return sum + 4 * rowsAtOnce(EVALUATION_BATCH, length, tokensAtOnce) * length * perToken(length);
  }, 0);
  const weights = vocabulary * hidden + layers * (4 * hidden * hidden + 2 * hidden * ffn);
  // Updates of parts keep copies of the state for each length.
  const updates = tokensAtOnce === undefined ? 0 : lengths.length * 6 * weights;
  return 500e6 + 4 * (activations * layers + evaluation + 24 * weights + updates);
}

/** The most bytes that some of these take side by side. */
export function sideBySide(sizes: readonly number[], jobs: number): number {
  return sizes.toSorted((a, b) => b - a).slice(0, jobs).reduce((a, b) => a + b, 0);
}

/** Whether these steps fit a machine by this estimate. */
export function surelyFits(steps: readonly Step[], profile: Backbone, { total, jobs }: Machine): boolean {
  return sideBySide(steps.flatMap((step) => trainingOf(step) ?? []).map((t) => boundOf(profile, t)), jobs) <= total;
}
