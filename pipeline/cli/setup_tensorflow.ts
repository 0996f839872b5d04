/** `deno task setup:tensorflow`. */
import { INSTALLED_AT } from "../../src/engines/tensorflow/installation.ts";
import { runner } from "../../src/programs.ts";
import { setUpTensorFlow } from "../../src/engines/tensorflow/setup.ts";

/** At most one of them. */
export interface SetupTensorFlowOptions {
  readonly cuda?: boolean;
  readonly cpu?: boolean;
  readonly from?: string;
}

/** Installs TensorFlow's libraries, compiles the binding, tests it, and says what it runs on. */
export async function setupTensorFlowCommand({ cuda, cpu, from }: SetupTensorFlowOptions): Promise<0> {
  const found = await setUpTensorFlow({
    ...(cuda && { kind: "cuda" }),
    ...(cpu && { kind: "cpu" }),
    ...(from !== undefined && { from }),
    folder: INSTALLED_AT,
    run: runner(),
    tell: (line) => console.error(line),
  });
  console.log(found);
  return 0;
}
