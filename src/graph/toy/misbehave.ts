/** A kind for tests: does what its parameter says, most of it wrong. */

import { InputError } from "../../errors.ts";
import type { StepContext, StepRunner } from "../step.ts";

/** The steps that this Worker has run. */
const company: string[] = [];

const BEHAVIOURS: Readonly<Record<string, (context: StepContext) => void | Promise<void>>> = {
  "behave": ({ write }) => write("out.txt", new Uint8Array([1])),
  "throw": () => {
    throw new Error("A bug");
  },
  "refuse": () => {
    throw new InputError("Could not do it: expected something else");
  },
  "die": async () => {
    Promise.reject(new Error("Nobody waits for this"));
    await new Promise(() => {});
  },
  "throw late": async () => {
    setTimeout(() => {
      throw new Error("Too late");
    });
    await new Promise(() => {});
  },
  "exit": () => Deno.exit(3),
  "kill yourself": () => Deno.kill(Deno.pid, "SIGKILL"),
  "spin": ({ progress }) => {
    progress(0.5);
    // Long enough for every test; not for ever, since nothing but the end of the process stops it.
    for (const end = performance.now() + 3000; performance.now() < end;);
  },
  "write nothing": () => {},
  "write twice": ({ write }) => {
    write("out.txt", new Uint8Array([1]));
    write("out.txt", new Uint8Array([2]));
  },
  "write more": ({ write }) => write("other.txt", new Uint8Array([1])),
  "read more": async ({ read }) => void await read("other"),
  "read": async ({ read, write }) => write("out.txt", await read("file")),
  "touch": async ({ step, read, write }) => {
    write("out.txt", await read("file"));
    await Deno.writeTextFile((step.parameters as { path: string }).path, "changed meanwhile");
  },
  "tell company": async ({ step, write }) => {
    company.push(step.name);
    await new Promise((resolve) => setTimeout(resolve, 20));
    write("out.txt", new TextEncoder().encode(company.join(" ")));
  },
  "differ": ({ write }) => write("out.txt", crypto.getRandomValues(new Uint8Array(8))),
  "tell scratch": async ({ scratch, write }) => {
    await Deno.writeTextFile(`${scratch}/note.txt`, "a");
    write("out.txt", new TextEncoder().encode(scratch));
  },
};

export const run: StepRunner = async (context) => {
  const { behaviour } = context.step.parameters as { behaviour: string };
  await BEHAVIOURS[behaviour]?.(context);
};
