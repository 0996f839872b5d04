import assert from "node:assert/strict";
import { explainChanges } from "./changes.ts";
import type { FileDigest, Preimage } from "./fingerprint.ts";

const BEFORE: Preimage = {
  tag: "step",
  format: 1,
  kind: "finetune",
  version: 1,
  parameters: { epochs: 3, method: { name: "lora", rank: 8 } },
  inputs: { data: "a" as FileDigest, model: "b" as FileDigest },
  outputs: ["run.json"],
  engine: "portable",
  environment: { deno: "2.9.6" },
};

Deno.test("explainChanges() says nothing of equal preimages", () => {
  assert.deepEqual(explainChanges(BEFORE, structuredClone(BEFORE)), []);
});

for (
  const [change, sentence] of [
    [{ version: 2 }, 'the code of kind "finetune" went from version 1 to 2'],
    [{ kind: "train" }, 'kind changed from "finetune" to "train"'],
    [{ parameters: { epochs: 4, method: { name: "lora", rank: 8 } } }, "epochs changed from 3 to 4"],
    [{ parameters: { epochs: 3, method: { name: "lora", rank: 4 } } }, "method.rank changed from 8 to 4"],
    [{ parameters: { epochs: 3, method: { name: "lora", rank: 8 }, seed: 1 } }, "seed is new: 1"],
    [{ parameters: { epochs: 3 } }, 'method is gone: it was {"name":"lora","rank":8}'],
    [{ parameters: null }, 'parameters changed from {"epochs":3,"method":{"name":"lora","rank":8}} to null'],
    [{ inputs: { data: "a", model: "c" } }, 'input "model" changed'],
    [{ inputs: { data: "a" } }, 'input "model" is gone'],
    [{ inputs: { data: "a", model: "b", vocabulary: "c" } }, 'input "vocabulary" is new'],
    [{ engine: null }, 'engine changed from "portable" to null'],
    [{ environment: { deno: "2.9.7" } }, 'environment.deno changed from "2.9.6" to "2.9.7"'],
    [{ outputs: ["run.json", "log.txt"] }, 'outputs changed from ["run.json"] to ["run.json","log.txt"]'],
  ] as const
) {
  Deno.test(`explainChanges() says: ${sentence}`, () => {
    assert.deepEqual(explainChanges(BEFORE, { ...BEFORE, ...change } as Preimage), [sentence]);
  });
}
