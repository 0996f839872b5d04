/** What the commands share: a profile with its steps, and where things lie. */
import { join } from "node:path";
import denoJson from "../../deno.json" with { type: "json" };
import type { EngineName } from "../../src/engines/open.ts";
import { TFJS_NODE } from "../../src/engines/tensorflow/package.ts";
import { InputError } from "../../src/errors.ts";
import { asFileDigest, type Environment } from "../../src/graph/fingerprint.ts";
import { readLock, type ResultsLock } from "../../src/graph/lock_file.ts";
import type { Step } from "../../src/graph/step.ts";
import { downloadsOf, paper } from "../paper.ts";
import type { Profile } from "../profiles/profile.ts";
import { findProfile } from "../profiles/registry.ts";
import { chooseEngine } from "./engine.ts";

export interface PlanningOptions {
  readonly profile: string;
  readonly engine?: string;
  /** False for `--no-cache`. */
  readonly cache: string | false;
  readonly verbose?: boolean;
}

/** Of commands that look at results as well. */
export interface ResultsOptions extends PlanningOptions {
  readonly results: string;
}

export interface Context {
  readonly profile: Profile;
  readonly engine: EngineName;
  /** The engine that would be the profile's here if it were set up. */
  readonly missing?: EngineName;
  readonly steps: readonly Step[];
  readonly environment: Environment;
  /** Folder of this profile's results. */
  readonly results: string;
}

/** Where downloads are kept, by the paths of their addresses. */
export const DOWNLOADS = "data/downloads";

/** The pinned version of an npm package. */
function versionOf(name: keyof typeof denoJson.imports): string {
  return denoJson.imports[name].match(/(?<=\d*@)\d[^/]*/)?.[0] ?? denoJson.imports[name];
}

/** What besides its inputs decides a step's bytes. */
async function environmentOf(engine: EngineName): Promise<Environment> {
  const linked = engine === "tensorflow" ? await linkedLibrary() : null;
  const text = {
    canonicalize: versionOf("canonicalize"),
    "csv-stringify": versionOf("csv-stringify"),
    "markdown-table": versionOf("markdown-table"),
  };
  const tfjs = versionOf("@tensorflow/tfjs"), onnx = { tfjs, "onnxruntime-node": versionOf("onnxruntime-node") };
  return {
    common: { deno: Deno.version.deno, sentencepiece: versionOf("@sctg/sentencepiece-js") },
    engines: {
      portable: { tfjs, "onnxruntime-web": versionOf("onnxruntime-web/wasm") },
      native: onnx,
      webgpu: { ...onnx, provider: "webgpu" },
      cuda: { ...onnx, provider: "cuda" },
      tensorflow: { tfjs, "tfjs-node-gpu": TFJS_NODE, ...(linked && { library: linked }) },
      cpu: { tfjs },
      text,
      vega: {
        ...text,
        vega: versionOf("vega"),
        "vega-lite": versionOf("vega-lite"),
        resvg: versionOf("@resvg/resvg-js"),
        fonts: versionOf("dejavu-fonts-ttf"),
      },
    },
  };
}

/** Which TensorFlow was linked and where it computes: this machine's own choice. */
async function linkedLibrary(): Promise<string | null> {
  const { INSTALLED_AT, readInstallation } = await import("../../src/engines/tensorflow/installation.ts");
  const installation = await readInstallation(INSTALLED_AT);
  if (!installation) return null;
  const { bytes, device } = installation;
  return `${bytes} bytes${device ? ` on ${device}` : ""}`;
}

/** @throws UsageError for an unknown profile or engine */
export async function openContext(options: PlanningOptions & Partial<ResultsOptions>): Promise<Context> {
  return await contextOf(findProfile(options.profile), options);
}

/** The same for a profile that need not be registered. @throws UsageError for an unknown engine */
export async function contextOf(
  profile: Profile,
  { engine: name, results = "results" }: Pick<Partial<ResultsOptions>, "engine" | "results">,
): Promise<Context> {
  const { engine, slot, missing } = await chooseEngine(profile, name);
  return {
    profile,
    engine,
    ...(missing && { missing }),
    steps: paper(profile, engine, await locate(profile), slot),
    environment: await environmentOf(engine),
    results: join(results, profile.name),
  };
}

/** The lock of a profile's results. @throws InputError if there is none, or it is not one */
export async function committedLock({ profile, results }: Context): Promise<ResultsLock> {
  const lock = await readLock(results);
  if (lock) return lock;
  throw new InputError(
    `There is no lock in "${results}" to compare with: type deno task reproduce --profile ${profile.name} first`,
  );
}

/** Where the downloads of a profile will lie. Only a profile that has some loads the code that knows them. */
async function locate(profile: Profile) {
  if (downloadsOf(profile).length === 0) return () => ({ file: "", digest: asFileDigest("0".repeat(64)) });
  const { findSource, pathOf, readSources } = await import("../../src/fetch/sources.ts"), sources = readSources();
  return (name: string) => {
    const source = findSource(sources, name);
    return { file: join(DOWNLOADS, pathOf(source)), digest: asFileDigest(source.sha256!) };
  };
}

/**
 * Makes sure that the inputs of a profile are there, telling what is downloaded.
 * @param wanted paths of those that are needed [all]
 */
export async function fetchInputs(
  profile: Profile,
  mirror: string | undefined,
  wanted?: ReadonlySet<string>,
): Promise<void> {
  const all = downloadsOf(profile);
  if (all.length === 0) return;
  const { findSource, pathOf, readSources } = await import("../../src/fetch/sources.ts");
  const { fetchSource } = await import("../../src/fetch/fetch.ts");
  const sources = readSources();
  const names = all.filter((name) => wanted?.has(join(DOWNLOADS, pathOf(findSource(sources, name)))) ?? true);
  for (const name of names) {
    let told = -1;
    const onProgress = (received: number, total: number | null) => {
      const tenth = total ? Math.floor(received * 10 / total) : 0;
      if (tenth !== told) {
        console.error(
          `Fetching ${name}: ${(received / 1e6).toFixed(1)} MB${total ? ` of ${(total / 1e6).toFixed(1)}` : ""}`,
        );
      }
      told = tenth;
    };
    await fetchSource(findSource(sources, name), { downloads: DOWNLOADS, mirror, onProgress });
  }
}
