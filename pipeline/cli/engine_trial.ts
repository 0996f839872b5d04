/** Opens the engine that it is given the name of. Prints, as its last line, what it runs on, what is missing, or how it failed. */
import { openEngine, parseEngineName } from "../../src/engines/open.ts";
import { InputError } from "../../src/errors.ts";

const name = parseEngineName(Deno.args[0]!);

async function state(): Promise<string> {
  try {
    await openEngine(name);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  if (name !== "tensorflow") return "runs";
  const { describeTensorFlow } = await import("../../src/engines/tensorflow/open.ts");
  const { version, gpu } = describeTensorFlow();
  return `runs on TensorFlow ${version}, on ${gpu ? "the GPU" : "the processor"}`;
}

try {
  console.log(await state());
} catch (error) {
  console.error(error);
  console.log(String(error));
  Deno.exit(1);
}
Deno.exit(0); // What engines hold on to would keep the process alive.
