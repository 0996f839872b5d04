/** `deno task bench`: milliseconds per training step for engines, methods and shapes, one process per row. */
import { Command } from "commander";
import { explain, positive } from "../pipeline/cli/usage.ts";
import { InputError, unknownName } from "../src/errors.ts";
import { parseEngineName } from "../src/engines/open.ts";
import { type Target, TARGET_NAMES } from "../src/peft/method.ts";
import { findMethod, METHOD_NAMES, parseOptions } from "../src/peft/registry.ts";
import { SHAPES } from "./shapes.ts";

interface Row {
  readonly engine: string;
  readonly method: string;
  /** The preset of adapted matrices, where one was asked for and the method has a choice. */
  readonly target: string | null;
  readonly shape: string;
  readonly batch: number;
  readonly length: number;
  readonly threads: number;
  readonly ms_per_step: number;
  readonly tokens_per_second: number;
  readonly peak_rss_mb: number;
}

interface Options {
  readonly engine?: string;
  readonly method?: string;
  readonly shape?: string;
  readonly target?: string;
  readonly threads: number;
  readonly steps?: number;
  readonly json?: boolean;
  readonly profile?: boolean;
}

/** Shows where the time of one training step goes, measured in a process of its own. */
async function profile({ engine = "native", method = "lora", shape = "mini", threads, steps, json, target }: Options) {
  const script = new URL("./profile.ts", import.meta.url).href, chosen = target ? [target] : [];
  const args = [
    engine,
    findMethod(method).name,
    shape,
    `${threads}`,
    `${steps ?? 5}`,
    json ? "json" : "table",
    ...chosen,
  ];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, ...args] })
    .output();
  const text = new TextDecoder();
  if (code !== 0) throw new InputError(text.decode(stderr).trim().split("\n").at(-1)!);
  console.log(text.decode(stdout).trim());
}

/** Rows measured when nothing narrows them: what takes seconds, and what a user waits for. */
const DEFAULTS = { engines: ["native", "portable"], shapes: ["mini", "xsmall"] };

async function measure(
  engine: string,
  method: string,
  shape: string,
  { threads, steps, target }: Options,
): Promise<Row> {
  const used = engine === "native" ? threads : 1, count = steps ?? (shape === "mini" ? 40 : 7);
  const chosen = target && "target" in parseOptions(method) ? [target] : [];
  const row = new URL("./row.ts", import.meta.url).href;
  const args = ["run", "-A", row, engine, method, shape, `${used}`, `${count}`, ...chosen];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" })
    .output();
  const text = new TextDecoder();
  if (code !== 0) {
    throw new InputError(
      `${engine} ${method} ${shape} could not be timed: ${text.decode(stderr).trim().split("\n").at(-1)}`,
    );
  }
  return JSON.parse(text.decode(stdout).trim().split("\n").at(-1)!) as Row;
}

function machine(): Record<string, string | number> {
  const model = (() => {
    try {
      return Deno.readTextFileSync("/proc/cpuinfo").match(/model name\s*:\s*(.+)/)?.[1] ?? "unknown";
    } catch {
      return "unknown";
    }
  })();
  return {
    cpu: model,
    cores: navigator.hardwareConcurrency,
    arch: Deno.build.arch,
    os: Deno.build.os,
    deno: Deno.version.deno,
  };
}

async function bench(options: Options): Promise<void> {
  const engines = options.engine ? [parseEngineName(options.engine)] : DEFAULTS.engines;
  const methods = options.method ? [findMethod(options.method).name] : METHOD_NAMES;
  if (options.shape && !Object.hasOwn(SHAPES, options.shape)) {
    throw unknownName("shape", options.shape, Object.keys(SHAPES));
  }
  if (options.target && !TARGET_NAMES.includes(options.target as Target)) {
    throw unknownName("choice of matrices", options.target, TARGET_NAMES);
  }
  if (options.profile) return await profile(options);
  const shapes = options.shape ? [options.shape] : DEFAULTS.shapes;
  const rows: Row[] = [];
  for (const shape of shapes) {
    for (const engine of engines) {
      for (const method of methods) {
        console.error(`Timing ${method} on ${engine}, ${shape}`);
        const row = await measure(engine, method, shape, options);
        rows.push(row);
        if (!options.json) {
          console.log(
            `${shape.padEnd(8)} ${engine.padEnd(9)} ${method.padEnd(10)} ${
              row.ms_per_step.toFixed(1).padStart(9)
            } ms ` +
              `${String(row.tokens_per_second).padStart(8)} tokens/s ${String(row.peak_rss_mb).padStart(6)} MB`,
          );
        }
      }
    }
  }
  if (options.json) console.log(JSON.stringify({ machine: machine(), rows }));
}

const command = new Command("deno task bench").exitOverride().configureOutput({ outputError: () => {} })
  .description("time the training step; random weights, a quarter of each row padded, dropout 0.1")
  .option("--engine <name>", `one engine (default: ${DEFAULTS.engines.join(" and ")})`)
  .option("--method <name>", "one method (default: all)")
  .option("--shape <name>", `${Object.keys(SHAPES).join(", ")} (default: ${DEFAULTS.shapes.join(" and ")})`)
  .option("--target <name>", `adapted matrices, ${TARGET_NAMES.join(", ")} (default: the method's)`)
  .option("--threads <n>", "threads of the native engine", positive, 2)
  .option("--steps <n>", "steps timed after warm-up (default: 40 for mini, 7 for the others)", positive)
  .option("--profile", "where a step's time goes, of one engine, method and shape (default: native, lora, mini)")
  .option("--json", "one JSON document on standard output")
  .option("--verbose", "show the stack of a failure");
try {
  await command.parseAsync(Deno.args, { from: "user" });
  await bench(command.opts<Options>());
} catch (error) {
  Deno.exit(explain(error, { help: "deno task bench --help", verbose: Deno.args.includes("--verbose") }));
}
