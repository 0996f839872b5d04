/** `deno task setup:tensorflow`. */
import { UsageError } from "../../src/errors.ts";
import { INSTALLED_AT } from "../../src/engines/tensorflow/installation.ts";
import { runner } from "../../src/engines/tensorflow/programs.ts";
import { setUpTensorFlow } from "../../src/engines/tensorflow/setup.ts";

export interface SetupTensorFlowOptions {
  readonly cuda?: boolean;
  readonly cpu?: boolean;
  readonly from?: string;
}

/** Installs TensorFlow's libraries, compiles the binding, tests it, and says what it runs on. */
export async function setupTensorFlowCommand({ cuda, cpu, from }: SetupTensorFlowOptions): Promise<0> {
  const asked = [cuda && "--cuda", cpu && "--cpu", from !== undefined && "--from"].filter(Boolean);
  if (asked.length > 1) {
    throw new UsageError(
      `The options ${asked.join(" and ")} exclude each other: expected one of --cuda, --cpu, --from DIR`,
    );
  }
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
