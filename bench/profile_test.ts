import assert from "node:assert/strict";
import { optimize } from "../src/compile/compile.ts";
import { traceProgram } from "../src/engines/compiled.ts";
import { attachMethod } from "../src/peft/registry.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { fineTuneProgram, layoutOf, rowsOf } from "../src/training/model.ts";
import { partsOf } from "./parts.ts";
import { SHAPES } from "./shapes.ts";
import { type Event, kernelTimes, sumBy } from "./trace.ts";

let now = 0;
/** One event after the other. */
const event = (node: number, op: string, dur: number, provider = "CPUExecutionProvider"): Event => ({
  cat: "Node",
  name: `${op}_${node}_kernel_time`,
  ts: (now += dur) - dur,
  dur,
  args: { node_index: String(node), op_name: op, provider },
});

Deno.test("kernelTimes() takes the mean of the last runs, and leaves out what is not in the graph", () => {
  const events = [
    { cat: "Session", name: "model_run", ts: 0, dur: 9000, args: {} },
    event(0, "Gemm", 5000), // warm-up
    event(0, "Gemm", 1000),
    event(0, "Gemm", 3000),
    event(1, "Exp", 500, "WebGpuExecutionProvider"),
    event(2, "MemcpyToHost", 700),
    { ...event(1, "Exp", 100), name: "Exp_1_fence_before" },
  ];
  const times = kernelTimes(events, ["Gemm", "Exp"], 2);
  assert.deepEqual(times, [
    { node: 0, provider: "CPUExecutionProvider", ms: 2 },
    { node: 1, provider: "WebGpuExecutionProvider", ms: 0.5 },
  ]);
  assert.deepEqual(Object.entries(sumBy(times, ({ node }) => ["product", "rest"][node]!)), [["product", 2], [
    "rest",
    0.5,
  ]]);
});

Deno.test("kernelTimes() counts what an If runs as the If's, whatever places the operators have inside", () => {
  const at = (one: Event, ts: number): Event => ({ ...one, ts });
  const events = [
    at(event(0, "Gemm", 1000), 0),
    at(event(0, "Gemm", 300), 1100), // Of a branch, which ends before the If does.
    at(event(1, "If", 200), 1400),
    at(event(0, "Gemm", 100), 1450),
    at(event(1, "If", 700), 1000),
    at(event(2, "Exp", 50), 1700),
  ];
  const times = kernelTimes(events, ["Gemm", "If", "Exp"], 5).map(({ node, ms }) => [node, ms]);
  assert.deepEqual(times, [[0, 1], [1, 0.7], [2, 0.05]]);
});

for (const method of ["lora", "full-ft"]) {
  Deno.test(`partsOf() finds every part of the model in a step of ${method}`, () => {
    const { config, batch, length } = SHAPES.mini!;
    const adapter = attachMethod(method, config);
    const model = { config, adapter, labels: 2, classifierDropout: 0.1, tableByRows: true };
    const program = fineTuneProgram(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length);
    const graph = optimize(traceProgram(program).graph);
    const parts = partsOf(graph, layoutOf(model), rowsOf(model, batch, length));
    assert.equal(parts.size, graph.nodes.length);
    const products = new Set(
      graph.nodes.filter(({ op }) => op === "Gemm" || op === "FusedMatMul").map((n) => parts.get(n)),
    );
    for (const part of ["query, key, value", "attention", "attention output", "feed-forward", "head"]) {
      assert.ok(products.has(part), `${part} is missing`);
    }
    assert.ok([...parts.values()].includes("embeddings"));
    const moments = Object.keys(graph.inputs).filter((name) => name.startsWith("m:"));
    assert.equal(moments.includes("m:rows"), method === "full-ft");
    for (const name of moments) {
      const readers = graph.nodes.filter(({ inputs }) => inputs.includes(graph.inputs[name]!));
      assert.ok(readers.length > 0, `${name} is not read`);
      for (const node of readers) assert.equal(parts.get(node), "optimizer", name);
      for (const part of ["p", "m", "v"]) {
        const { node } = graph.outputs[name.replace("m", part)]!;
        assert.equal(parts.get(node!), "optimizer", `${part} of ${name}`);
      }
    }
  });
}
