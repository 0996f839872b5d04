/**
 * Where the time of a training step goes, in a process of its own: by operator, by part of the model, and how fast its matrix
 * products are beside the fastest that this machine makes on as many threads. Prints a table, or with `json` one JSON line.
 */
import { isProduct, macsOf, multiplyAccumulates } from "../src/compile/cost.ts";
import { type CompiledDevice, compileProgram } from "../src/engines/compiled.ts";
import type { EngineName } from "../src/engines/open.ts";
import { rowsAtOnce } from "../src/training/batches.ts";
import { ceiling } from "./gemm.ts";
import { partsOf } from "./parts.ts";
import { given, type Request } from "./request.ts";
import { type Event, kernelTimes, sumBy } from "./trace.ts";
import { giveUp, openStep, optionsOf, sizeFor } from "./train_step.ts";

const request = given<Request & { readonly engine: EngineName; readonly json: boolean }>();
const { engine, method, shape, threads, steps, tokensAtOnce } = request;
if (!["native", "webgpu", "cuda"].includes(engine)) {
  console.error(`The engine "${engine}" keeps no account of its operators: expected native, webgpu or cuda`);
  Deno.exit(1);
}
const folder = await Deno.makeTempDir({ prefix: "profile-" });
try {
  const options = { ...optionsOf(request), profile: `${folder}/step` };
  const step = await openStep(engine, method, request, options).catch(async (error) => {
    await clear();
    giveUp(error);
  });
  const device = step.device as CompiledDevice;
  for (let i = 1; i <= steps + 1; i++) await step.run(i);
  await step.dispose();
  // Calibration leaves a trace of its own before; the step's is the largest.
  const traces = [...Deno.readDirSync(folder)].map(({ name }) => Deno.readTextFileSync(`${folder}/${name}`));
  const events = JSON.parse(traces.sort((a, b) => b.length - a.length)[0] ?? "[]") as Event[];
  const batch = rowsAtOnce(request.batch, request.length, tokensAtOnce),
    size = sizeFor(step.program, { ...request, batch });
  const { graph } = compileProgram(step.program, device.adapt, size);
  const nodes = graph.nodes.filter(({ op }) => op !== "Constant"), parts = partsOf(graph, step.layout, step.rows);
  const timed = kernelTimes(events, nodes.map(({ op }) => op), steps);
  const total = timed.reduce((sum, { ms }) => sum + ms, 0), flops = 2 * multiplyAccumulates(graph);
  const products = timed.filter(({ node }) => isProduct(nodes[node]!));
  const productMs = products.reduce((sum, { ms }) => sum + ms, 0);
  const productFlops = products.reduce((sum, { node }) => sum + 2 * macsOf(nodes[node]!), 0);
  const elsewhere = timed.filter(({ provider }) => provider === "CPUExecutionProvider");
  const onProcessor = [...new Set(elsewhere.map(({ node }) => nodes[node]!.op))].sort();
  const result = {
    engine,
    method,
    shape,
    threads,
    kernel_ms_per_step: round(total),
    by_operator: sumBy(timed, ({ node }) => nodes[node]!.op),
    by_part: sumBy(timed, ({ node }) => parts.get(nodes[node]!)!),
    by_provider: sumBy(timed, ({ provider }) => provider),
    ...(engine === "native"
      ? {
        gflops_of_step: round(flops / total / 1e6),
        gflops_of_products: round(productFlops / productMs / 1e6),
        gflops_ceiling: round(await ceiling(engine, threads)),
      }
      : { operators_on_processor: onProcessor }),
  };
  console.log(request.json ? JSON.stringify(result) : table(result));
} finally {
  await clear();
}
Deno.exit(0);

function clear(): Promise<void> {
  return Deno.remove(folder, { recursive: true }).catch(() => {});
}

function round(x: number): number {
  return Math.round(x * 100) / 100;
}

function table(result: {
  readonly kernel_ms_per_step: number;
  readonly by_operator: Readonly<Record<string, number>>;
  readonly by_part: Readonly<Record<string, number>>;
  readonly by_provider: Readonly<Record<string, number>>;
  readonly gflops_of_step?: number;
  readonly gflops_of_products?: number;
  readonly gflops_ceiling?: number;
  readonly operators_on_processor?: readonly string[];
}): string {
  const total = result.kernel_ms_per_step;
  const rows = (title: string, sums: Readonly<Record<string, number>>) => [
    title,
    ...Object.entries(sums).map(([name, ms]) =>
      `  ${name.padEnd(24)} ${ms.toFixed(2).padStart(9)} ms ${(100 * ms / total).toFixed(1).padStart(5)} %`
    ),
  ];
  const ceiling = result.gflops_ceiling;
  const share = (gflops = 0) => `${gflops} GFLOP/s, ${(100 * gflops / ceiling!).toFixed(0)} % of it`;
  const speed = ceiling === undefined
    ? [
      "A GPU's operators are timed on the processor, which hands them over and does not wait: compare shares with care",
      `Operators that ran on the processor: ${result.operators_on_processor?.join(", ") || "none"}`,
    ]
    : [
      `Largest speed of products of 1024 x 1024 matrices: ${ceiling} GFLOP/s`,
      `Products of the step: ${share(result.gflops_of_products)}`,
      `The whole step, ${total} ms in operators: ${share(result.gflops_of_step)}`,
    ];
  return [
    ...rows("Operators", result.by_operator),
    ...rows("Parts of the model", result.by_part),
    ...rows("Providers", result.by_provider),
    ...speed,
  ].join("\n");
}
