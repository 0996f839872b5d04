/** `deno task bench` without PyTorch: milliseconds per training step for engines, methods and shapes. */
import { ENGINE_NAMES, isEngineName } from "../src/engines/open.ts";
import { UsageError } from "../src/errors.ts";
import { METHOD_NAMES, parseOptions } from "../src/peft/registry.ts";
import type { Against } from "./against.ts";
import { measure, ours, resultOf, resultText } from "./child.ts";
import { machine } from "./machine.ts";
import { expectedSeconds, Progress } from "./progress.ts";
import type { Request, Row } from "./request.ts";
import { SHAPES } from "./shapes.ts";

/** Rows measured when nothing narrows them: what takes seconds, and what a user waits for. */
export const DEFAULTS = { engines: ["native", "portable"], shapes: ["mini", "xsmall"] };

export interface RowOptions {
  readonly engine?: string;
  readonly method?: string;
  readonly shape?: string;
  readonly target?: string;
  readonly gateLogit?: number;
  readonly length?: number;
  readonly tokensAtOnce?: number;
  readonly threads: number;
  readonly steps?: number;
  readonly json?: boolean;
}

const requestOf = (engine: string, method: string, shape: string, options: RowOptions): Request => ({
  ...SHAPES[shape]!,
  ...(options.length && { length: options.length }),
  ...(options.tokensAtOnce && { tokensAtOnce: options.tokensAtOnce }),
  engine,
  method,
  target: options.target && "target" in parseOptions(method) ? options.target : null,
  ...(options.gateLogit !== undefined && "gateLogit" in parseOptions(method) && { gateLogit: options.gateLogit }),
  shape,
  threads: engine === "native" ? options.threads : 1,
  steps: options.steps ?? (shape === "mini" ? 40 : 7),
});

/** @throws UsageError if a start of gates was asked for, and no method that is timed has gates */
function refuseGateless(requests: readonly Request[], { gateLogit }: RowOptions): void {
  if (gateLogit === undefined || requests.some((request) => request.gateLogit !== undefined)) return;
  const methods = [...new Set(requests.map(({ method }) => method))].join(" and ");
  throw new UsageError(`--gate-logit does nothing for ${methods}, without gates: leave it out`);
}

/** Shows where the time of one training step goes, measured in a process of its own. */
export async function profile(options: RowOptions): Promise<void> {
  const { engine = "native", method = "lora", shape = "mini", json = false, steps = 5 } = options;
  const request = { ...requestOf(engine, method, shape, { ...options, steps }), threads: options.threads, json };
  refuseGateless([request], options);
  console.log(await resultText(`${engine} ${method} ${shape}`, ours("./profile.ts", request)));
}

/** What another method or engine can be called. */
export const RIVALS: readonly string[] = [...METHOD_NAMES, ...ENGINE_NAMES];

/** Times a step in turn with that of another method on the same engine, or of the same method on another engine. */
export async function against({ against, ...options }: RowOptions & { readonly against?: string }): Promise<void> {
  const { engine = "native", method = "blora", shape = "mini", json, steps = shape === "mini" ? 40 : 15 } = options;
  const rival = against!, other = isEngineName(rival) ? [rival, method] as const : [engine, rival] as const;
  const sides = [requestOf(engine, method, shape, options), requestOf(...other, shape, options)] as const;
  refuseGateless(sides, options);
  const what = `${method} on ${engine} and ${rival}, ${shape}`;
  const expected = sides.reduce((sum, side) => sum + expectedSeconds({ ...side, steps }), 0);
  const result = await new Progress([expected]).during(
    `Timing ${what}`,
    (tell) => resultOf<Against>(what, ours("./against.ts", { sides, steps }), (share) => tell(share as number)),
  );
  if (json) {
    console.log(
      JSON.stringify({
        machine: machine(),
        shape,
        sides: sides.map(({ engine, method, threads }) => ({ engine, method, threads })),
        steps,
        ...result,
      }),
    );
  } else console.log(againstText(sides.map(({ engine, method }) => `${method} on ${engine}`), result));
}

function againstText([one, other]: readonly string[], { ms_per_step: [a, b], ratio }: Against): string {
  const between = `half of the pairs of steps between ${ratio.lower_quartile} and ${ratio.upper_quartile}`;
  return `${one} ${a} ms, ${other} ${b} ms: ${ratio.median} times as long (${between})`;
}

export async function rows(options: RowOptions): Promise<void> {
  const { engine, method, shape, json } = options;
  const requests = (shape ? [shape] : DEFAULTS.shapes).flatMap((shape) =>
    (engine ? [engine] : DEFAULTS.engines).flatMap((engine) =>
      (method ? [method] : METHOD_NAMES).map((method) => requestOf(engine, method, shape, options))
    )
  );
  refuseGateless(requests, options);
  const measured: Row[] = [], progress = new Progress(requests.map(expectedSeconds));
  for (const request of requests) {
    const { engine, method, shape } = request;
    const row = await progress.during(`Timing ${method} on ${engine}, ${shape}`, () => measure(request));
    measured.push(row);
    if (!json) console.log(lineOf(row));
  }
  if (json) console.log(JSON.stringify({ machine: machine(), rows: measured }));
}

const lineOf = ({ shape, engine, method, ...row }: Row): string =>
  `${shape.padEnd(8)} ${engine.padEnd(9)} ${method.padEnd(13)} ${row.ms_per_step.toFixed(1).padStart(9)} ms ` +
  `${String(row.tokens_per_second).padStart(8)} tokens/s ${String(row.peak_rss_mb).padStart(6)} MB`;
