/** The methods by name: one line each. */
import type { z } from "zod";
import type { DebertaConfig } from "../deberta/config.ts";
import { InputError, unknownName } from "../errors.ts";
import { adalora } from "./adalora.ts";
import { apiq } from "./apiq.ts";
import { bitfit } from "./bitfit.ts";
import { blora, bloraQ, bloraRa } from "./blora.ts";
import { dylora } from "./dylora.ts";
import { fullFt } from "./full_ft.ts";
import { houlsby } from "./houlsby.ts";
import { hydralora } from "./hydralora.ts";
import { intrinsic } from "./intrinsic.ts";
import { lora } from "./lora.ts";
import { loraXs } from "./lora_xs.ts";
import { lqLora } from "./lq_lora.ts";
import type { Adapter, Method } from "./method.ts";
import { mora } from "./mora.ts";
import { pfeiffer } from "./pfeiffer.ts";
import { prefixTuning } from "./prefix_tuning.ts";
import { promptTuning } from "./prompt_tuning.ts";
import { qBara } from "./q_bara.ts";
import { qaHira } from "./qa_hira.ts";
import { qlora } from "./qlora.ts";
import { roselora } from "./roselora.ts";
import { vbLora } from "./vb_lora.ts";

// deno-lint-ignore no-explicit-any -- each method has options of its own type, checked by its own schema
const METHODS: readonly Method<any>[] = [
  fullFt,
  bitfit,
  houlsby,
  pfeiffer,
  lora,
  dylora,
  adalora,
  blora,
  bloraQ,
  bloraRa,
  promptTuning,
  prefixTuning,
  loraXs,
  vbLora,
  mora,
  intrinsic,
  qlora,
  lqLora,
  apiq,
  roselora,
  qBara,
  qaHira,
  hydralora,
];

export const METHOD_NAMES: readonly string[] = METHODS.map(({ name }) => name);

/** @throws UsageError naming the methods there are */
export function findMethod(name: string): Method {
  const method = METHODS.find((m) => m.name === name);
  if (!method) throw unknownName("method", name, METHOD_NAMES);
  return method as Method;
}

/**
 * A method's options, complete.
 * @param options as a person writes them; missing ones take their defaults
 * @throws InputError naming the option that is unknown or out of range
 */
export function parseOptions(name: string, options: unknown = {}): Readonly<Record<string, string | number | boolean>> {
  const parsed = findMethod(name).options.safeParse(options);
  if (!parsed.success) throw new InputError(`Options of method "${name}": ${describeIssue(parsed.error)}`);
  return parsed.data as Record<string, string | number | boolean>;
}

/** Binds a method to a backbone. @throws InputError as parseOptions() does */
export function attachMethod(name: string, config: DebertaConfig, options: unknown = {}): Adapter {
  return findMethod(name).attach(config, parseOptions(name, options));
}

function describeIssue({ issues }: z.ZodError): string {
  const { path, message } = issues[0]!;
  return path.length > 0 ? `${path.join(".")}: ${message}` : message;
}
