import assert from "node:assert/strict";
import type { Epochs } from "./epoch.ts";
import { epochSection } from "./epoch_report.ts";
import type { Comparison } from "./peers.ts";
import { sectionOf } from "./peers_report.ts";
import { readSaved, withSection } from "./save.ts";
import type { Scaling } from "./scaling.ts";
import { scalingSection } from "./scaling_report.ts";

Deno.test("withSection() rewrites its own section of a text alone", () => {
  const text = "a\n<!-- bench:peers -->old<!-- /bench:peers -->\nb\n";
  const once = withSection(text, "peers", "new");
  assert.equal(once, "a\n<!-- bench:peers -->\n\nnew\n\n<!-- /bench:peers -->\nb\n");
  assert.equal(withSection(once, "peers", "new"), once);
  assert.throws(() => withSection(text, "epoch", ""), /no section between/);
});

/** The section of what was saved; nothing where nothing was. */
async function shown<T>(name: string, section: (result: T) => string): Promise<string> {
  const result = await readSaved<T>(name);
  return result === null ? "" : section(result);
}

const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
const sections: Record<string, () => Promise<string>> = {
  peers: () => shown<Comparison>("peers", sectionOf),
  epoch: () => shown<Epochs>("epoch", epochSection),
  scaling: () => shown<Scaling>("scaling", scalingSection),
};
for (const [name, section] of Object.entries(sections)) {
  Deno.test(`README.md shows bench/results/${name}.json, and nothing that is not in it`, async () => {
    const flat = (text: string) => text.replace(/\s+/g, " ");
    assert.equal(flat(withSection(readme, name, await section())), flat(readme));
  });
}
