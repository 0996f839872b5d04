/** `deno task bench`: times the training step, alone, beside PyTorch's, over an epoch, and against its size. */
import { Command, InvalidArgumentError } from "commander";
import { explain, positive } from "../pipeline/cli/usage.ts";
import { parseEngineName } from "../src/engines/open.ts";
import { unknownName } from "../src/errors.ts";
import { type Target, TARGET_NAMES } from "../src/peft/method.ts";
import { findMethod } from "../src/peft/registry.ts";
import { warnIfBusy } from "./machine.ts";
import { against, DEFAULTS, profile, RIVALS, type RowOptions, rows } from "./rows.ts";
import { EPOCH_TASKS, SHAPES } from "./shapes.ts";
import { kindOf } from "./usage.ts";

interface Options extends RowOptions {
  readonly against?: string;
  readonly rounds?: number;
  readonly task?: string;
  readonly examples?: number;
  readonly mirror?: string;
  readonly save?: boolean;
}

/** @throws UsageError for a name that is none, with the names there are */
function checkNames({ engine, method, against, shape, target, task }: Options): void {
  if (engine) parseEngineName(engine);
  if (method) findMethod(method);
  if (against && !RIVALS.includes(against)) throw unknownName("method or engine", against, RIVALS);
  if (shape && !Object.hasOwn(SHAPES, shape)) throw unknownName("shape", shape, Object.keys(SHAPES));
  if (target && !TARGET_NAMES.includes(target as Target)) {
    throw unknownName("choice of matrices", target, TARGET_NAMES);
  }
  if (task && !EPOCH_TASKS.includes(task)) throw unknownName("task", task, EPOCH_TASKS);
}

/** A number as an option has it. */
function logit(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new InvalidArgumentError("Expected a number, such as 2 or -4");
  }
  return value;
}

async function peers(options: Options): Promise<void> {
  const { comparePeers, merge } = await import("./peers.ts"), { readSaved, save } = await import("./save.ts");
  const { figureOf, sectionOf, tableOf } = await import("./peers_report.ts");
  const comparison = await comparePeers(options, async (fresh) => {
    if (!options.save) return;
    const { all, dropped } = merge(await readSaved("peers"), fresh);
    if (dropped) console.error(dropped);
    await save(all, figureOf(all), sectionOf(all));
  });
  console.log(options.json ? JSON.stringify(comparison) : tableOf(comparison));
}

async function epoch(options: Options): Promise<void> {
  const { compareEpochs, mergeEpochs } = await import("./epoch.ts"), { readSaved, save } = await import("./save.ts");
  const { epochFigure, epochSection, epochTable } = await import("./epoch_report.ts");
  const epochs = await compareEpochs(options, async (fresh) => {
    if (!options.save) return;
    const { all, dropped } = mergeEpochs(await readSaved("epoch"), fresh);
    if (dropped) console.error(dropped);
    await save(all, epochFigure(all), epochSection(all));
  });
  console.log(options.json ? JSON.stringify(epochs) : epochTable(epochs));
}

async function scaling(options: Options): Promise<void> {
  const { measureScaling } = await import("./scaling.ts");
  const { scalingFigure, scalingSection, scalingTable } = await import("./scaling_report.ts");
  const result = await measureScaling(options);
  if (options.save) {
    const { save } = await import("./save.ts");
    await save(result, scalingFigure(result), scalingSection(result));
  }
  console.log(options.json ? JSON.stringify(result) : scalingTable(result));
}

const command = new Command("deno task bench").exitOverride().configureOutput({ outputError: () => {} })
  .description(
    "time the training step; random weights, dropout 0.1, and but for --epoch and --scaling a quarter of each row padded",
  )
  .option("--engine <name>", `one engine (default: ${DEFAULTS.engines.join(" and ")})`)
  .option("--method <name>", "one method (default: all; beside peers those that PEFT has)")
  .option("--shape <name>", `${Object.keys(SHAPES).join(", ")} (default: ${DEFAULTS.shapes.join(" and ")})`)
  .option("--target <name>", `adapted matrices, ${TARGET_NAMES.join(", ")} (default: the method's)`)
  .option(
    "--gate-logit <x>",
    "where B-LoRA's gate logits start: 2 in between, -4 closed (default: 6, nearly all open)",
    logit,
  )
  .option("--length <n>", "tokens of a row (default: the shape's)", positive)
  .option(
    "--tokens-at-once <n>",
    "most tokens that go through the network at once (default: the whole batch)",
    positive,
  )
  .option("--threads <n>", "threads of the native engine and of PyTorch", positive, 2)
  .option(
    "--steps <n>",
    "steps timed after warm-up (default: 40 for mini, 7 for the others; --against 15 for the others, --peers 20 and 3, --scaling 20, --profile 5)",
    positive,
  )
  .option("--profile", "where a step's time goes, of one engine, method and shape (default: native, lora, mini)")
  .option(
    "--against <name>",
    "time a step in turn with another method's, or with another engine's (default: blora, native, mini)",
  )
  .option("--peers", "compare with PyTorch, transformers and PEFT, and with tfjs-node where it is set up, turn by turn")
  .option("--epoch", "compare one epoch of LoRA on real text, ours in length buckets, PyTorch's padded two ways")
  .option("--task <name>", `${EPOCH_TASKS.join(" or ")} (default: both)`)
  .option("--examples <n>", "train on the first so many examples (default: all)", positive)
  .option("--mirror <where>", "address or folder to take GLUE and the tokenizer from")
  .option("--scaling", "how a LoRA step's time grows with batch, length, layers, width and rank")
  .option("--rounds <n>", "turns of every side or point (default: 3, of an epoch 1)", positive)
  .option("--save", "keep a comparison in bench/results/ and show it in the README")
  .option("--json", "one JSON document on standard output")
  .option("--verbose", "show the stack of a failure");
try {
  await command.parseAsync(Deno.args, { from: "user" });
  const options = command.opts<Options>();
  const kind = kindOf(Object.keys(options).filter((name) => command.getOptionValueSource(name) === "cli"));
  checkNames(options);
  warnIfBusy();
  await { rows, profile, against, peers, epoch, scaling }[kind](options);
} catch (error) {
  Deno.exit(explain(error, { help: "deno task bench --help", verbose: Deno.args.includes("--verbose") }));
}
