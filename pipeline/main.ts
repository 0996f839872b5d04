/** The command line. Parses, calls, and turns errors into a line and an exit code; every `deno task` goes through it. */
import { Command, Option } from "commander";
import { ENGINE_NAMES } from "../src/engines/open.ts";
import { type ExitCode, explain, positive, SLURM_JOBS } from "./cli/usage.ts";
import { FIGURE_NAMES } from "./figures/registry.ts";
import { PROFILE_NAMES } from "./profiles/registry.ts";
import { TABLE_NAMES } from "./tables/registry.ts";

/** Options of every command about a profile. */
function profiled(command: Command): Command {
  return command
    .option("--profile <name>", `budget: ${PROFILE_NAMES.join(", ")}`, "mini")
    .option("--verbose", "show the stack of a failure");
}

/** Options of commands that look at its steps. */
function planning(command: Command): Command {
  return profiled(command)
    .option("--engine <name>", `what runs tensor code: ${ENGINE_NAMES.join(", ")} (default: the profile's)`)
    .option("--cache <folder>", "where the outputs of steps are kept", ".cache");
}

/** Refuses `--no-cache` beside an option that it would leave nothing to do. */
function refuseWithoutCache(command: Command): Command {
  let named = false, without = false;
  command.on("option:cache", () => named = true).on("option:no-cache", () => without = true);
  return command.hook("preAction", () => {
    const other = named ? "--cache <folder>" : command.getOptionValue("force") ? "--force [=downstream]" : null;
    if (without && other) command.error(`error: option '--no-cache' cannot be used with option '${other}'`);
  });
}

/** Options of commands that run them. */
function running(command: Command): Command {
  return refuseWithoutCache(planning(command))
    .option("--results <folder>", "where results go", "results")
    .option("--mirror <address>", "take downloads from this address or folder instead")
    .option("--jobs <n>", `steps side by side (default: the number of cores; jobs of Slurm: ${SLURM_JOBS})`, positive)
    .addOption(
      new Option(
        "--executor <name>",
        "where training runs: this machine, or jobs of a cluster as SBATCH_* variables say",
      )
        .choices(["local", "slurm"]).default("local"),
    )
    .addOption(
      new Option("--force [=downstream]", "run the targets again (=downstream: and all that depends on them)")
        .choices(["targets", "downstream"]),
    )
    .option("--no-cache", "compute everything in an empty cache, which is removed afterwards")
    .option("--keep-going", "after a failure go on with what does not depend on it")
    .option("--json", "report events as JSON lines on standard output");
}

/** @returns the exit code of the command that `args` name */
export async function main(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0;
  const program = new Command("deno task").exitOverride().configureOutput({ outputError: () => {} }).showHelpAfterError(
    false,
  );

  running(program.command("reproduce").description("bring every table and figure of a profile up to date"))
    .option("--only <names...>", "narrow to these steps, or groups of steps, and what they need")
    .addOption(
      new Option("--dry-run", "tell what would run and stop; exit 3 if anything would")
        .conflicts(["check", "jobs", "keepGoing", "mirror", "executor"]),
    )
    .option("--check", "compute results and compare them with the committed lock instead of writing them")
    .action(async (options) => {
      code = await (await import("./cli/reproduce.ts")).reproduceCommand(options);
    });
  for (const [kind, names] of [["table", TABLE_NAMES], ["figure", FIGURE_NAMES]] as const) {
    running(
      program.command(kind).argument("<name>", names.join(", ")).description(
        `bring one ${kind} up to date and show it`,
      ),
    )
      .action(async (name, options) => {
        code = await (await import("./cli/output.ts")).outputCommand(kind, name, options);
      });
  }
  planning(
    program.command("status").description(
      "say of every step whether it is fresh, stale or missing; exit 3 if work is pending",
    ),
  )
    .option("--json", "as JSON")
    .action(async (options) => {
      code = await (await import("./cli/status.ts")).statusCommand(options);
    });
  planning(
    program.command("why").argument("<name>", "a table, a figure, a step, or the beginning of the names of some")
      .description(
        "say why something would be computed, down to the changes that are behind it, or why it would not",
      ),
  )
    .action(async (name, options) => {
      code = await (await import("./cli/why.ts")).whyCommand(name, options);
    });
  profiled(program.command("graph").description("show which steps need which"))
    .addOption(new Option("--format <name>", "how").choices(["ascii", "mermaid", "dot"]).default("ascii"))
    .option("--all", "every step, instead of one for those whose names begin alike")
    .action(async (options) => {
      code = await (await import("./cli/graph.ts")).graphCommand(options);
    });
  program.command("lineage").argument("<file>", "a file below the folder of results").description(
    "say where a file of results comes from: steps, runs, settings, data and code",
  )
    .option("--engine <name>", "the engine that the results were made with (default: the profile's)")
    .option("--results <folder>", "where results are", "results")
    .option("--cache <folder>", "where the outputs of steps are kept", ".cache")
    .option("--json", "as JSON, with every step and digest")
    .option("--verbose", "show the stack of a failure")
    .action(async (file, options) => {
      code = await (await import("./cli/lineage.ts")).lineageCommand(file, options);
    });
  profiled(program.command("fetch").description("download and verify the inputs of a profile"))
    .option("--mirror <address>", "take downloads from this address or folder instead")
    .addOption(new Option("--check", "verify what is there and download nothing").conflicts("mirror"))
    .action(async (options) => {
      code = await (await import("./cli/fetch.ts")).fetchCommand(options);
    });
  profiled(program.command("verify").description("hash the store and the results again and name what is damaged"))
    .option("--results <folder>", "where results are", "results")
    .option("--cache <folder>", "where the outputs of steps are kept", ".cache")
    .action(async (options) => {
      code = await (await import("./cli/verify.ts")).verifyCommand(options);
    });
  program.command("gc").description("drop from the cache what nothing refers to any more")
    .option("--results <folder>", "where results are, whose locks refer to steps", "results")
    .option("--cache <folder>", "where the outputs of steps are kept", ".cache")
    .option("--dry-run", "tell what would be dropped and stop; exit 3 if anything would")
    .option("--verbose", "show the stack of a failure")
    .action(async (options) => {
      code = await (await import("./cli/gc.ts")).gcCommand(options);
    });
  program.command("parity").argument("<folders...>").description(
    "run fixture folders of independent libraries through our code",
  )
    .option("--engine <name>", ENGINE_NAMES.join(", "), "portable")
    .option("--spm <file>", "the SentencePiece model that tokenizer fixtures need")
    .option("--verbose", "show the stack of a failure")
    .action(async (folders, options) => {
      code = await (await import("./cli/parity.ts")).parityCommand(folders, options);
    });
  program.command("doctor").description("say what this machine can run, and the command that closes each gap")
    .option("--verbose", "show the stack of a failure")
    .action(async (options) => {
      code = await (await import("./cli/doctor.ts")).doctorCommand(options);
    });

  program.command("setup:tensorflow").description("make the engine tensorflow ready, and test it")
    .addOption(
      new Option("--cuda", "download the build for NVIDIA GPUs (default where there is one)").conflicts([
        "cpu",
        "from",
      ]),
    )
    .addOption(new Option("--cpu", "download the build for processors (default elsewhere)").conflicts("from"))
    .option("--from <folder>", "take libraries that are there already, such as an installed Python package's")
    .option("--verbose", "show the stack of a failure")
    .action(async (options) => {
      code = await (await import("./cli/setup_tensorflow.ts")).setupTensorFlowCommand(options);
    });

  try {
    // Alone, --force must not take the next word for its value.
    await program.parseAsync(args.map((arg) => arg === "--force" ? "--force=targets" : arg), { from: "user" });
    return code;
  } catch (error) {
    const [name] = args, known = program.commands.some((command) => command.name() === name);
    const help = known ? `deno task ${name} --help` : "deno task to see what there is";
    return explain(error, { help, verbose: args.includes("--verbose") });
  }
}

// A worker in the middle of a computation would keep the process alive after its last word.
if (import.meta.main) Deno.exit(await main(Deno.args));
