import assert from "node:assert/strict";
import { machine, measuredOn, warnIfBusy } from "./machine.ts";

Deno.test("machine() states the processor, its cores and the versions of both sides", () => {
  const { cpu, cores, deno, torch } = machine({ torch: "2.13.0" });
  assert.ok(cpu !== "" && Number(cores) >= 1);
  assert.deepEqual([deno, torch], [Deno.version.deno, "2.13.0"]);
});

Deno.test("measuredOn() keeps lines to 120 characters and loses no word", () => {
  const versions = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`library${i}`, `${i}.0`]));
  const text = measuredOn({ cpu: "a processor", cores: 2, arch: "x86_64", os: "linux", ...versions });
  assert.ok(text.split("\n").length > 2 && text.split("\n").every((line) => line.length <= 120));
  assert.match(
    text.replaceAll("\n", " "),
    /^Measured on: a processor, 2 cores, linux, x86_64; library0 0\.0, .*, library19 19\.0\.$/,
  );
});

Deno.test("warnIfBusy() warns of load only", () => {
  const lines: string[] = [];
  warnIfBusy((line) => lines.push(line), 0.1);
  assert.equal(lines.length, 0);
  warnIfBusy((line) => lines.push(line), 3.14);
  assert.match(lines.join(), /^Warning: this machine is busy \(load 3\.1\)/);
});
