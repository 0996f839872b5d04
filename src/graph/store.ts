// @ts-types="@types/cacache"
import cacache from "cacache";
import { Buffer } from "node:buffer";
import { canonicalText } from "./canonical.ts";
import { asFileDigest, digestBytes, type FileDigest, type StepKey } from "./fingerprint.ts";
import { codeOf, mendable } from "../io_errors.ts";

/** A stored output. Size in bytes. */
export interface StoredOutput {
  readonly digest: FileDigest;
  readonly size: number;
}

/** What a step left, by output name. */
export type Manifest = Readonly<Record<string, StoredOutput>>;

/** `damaged`: the step was stored, but an output is gone or has another size. */
export type Lookup =
  | { readonly kind: "hit"; readonly outputs: Manifest }
  | { readonly kind: "miss" }
  | { readonly kind: "damaged"; readonly output: string };

/** Stored bytes that are gone or no longer have their digest. Whoever made them has to run again. */
export class DamagedOutput extends Error {
  override readonly name = "DamagedOutput";
  constructor(readonly digest: FileDigest) {
    super(`The stored bytes ${digest} are missing or damaged`);
  }
}

/** A stored step that `verify()` found damaged and dropped. */
export interface Damage {
  readonly key: StepKey;
  readonly output: string;
  readonly digest: FileDigest;
}

/** Goes into the index key: manifests of another format are misses. */
const FORMAT = "step-v1:";

/**
 * Outputs of steps, by content. Bytes are checked whenever they are read; looking a step up costs one read of the index
 * and one `stat` per output. Several processes may use one folder: each write is a rename or one appended, checksummed line.
 */
export class Store {
  constructor(readonly folder: string) {}

  /** Looks a step up, without reading its outputs. @throws InputError if the folder cannot be read */
  async get(key: StepKey): Promise<Lookup> {
    try {
      const entry = await cacache.get.info(this.folder, FORMAT + key);
      if (!entry) return { kind: "miss" };
      const outputs = entry.metadata as Manifest;
      const sound = await Promise.all(Object.values(outputs).map((output) => this.#hasSize(output)));
      const bad = sound.indexOf(false);
      return bad < 0 ? { kind: "hit", outputs } : { kind: "damaged", output: Object.keys(outputs)[bad] as string };
    } catch (error) {
      throw this.#mendable("read", error);
    }
  }

  /**
   * Keeps a step's outputs. The manifest is written last, so a step is either stored whole or not at all.
   * @throws InputError if the folder cannot be written
   */
  async put(key: StepKey, outputs: ReadonlyMap<string, Uint8Array>): Promise<Manifest> {
    try {
      const manifest: Record<string, StoredOutput> = {};
      for (const name of [...outputs.keys()].sort()) {
        manifest[name] = await this.#putBytes(outputs.get(name) as Uint8Array);
      }
      // The manifest is kept in the index as well, so that planning reads one small file per step.
      const text = Buffer.from(canonicalText(manifest as never));
      await cacache.put(this.folder, FORMAT + key, text, { algorithms: ["sha256"], metadata: manifest });
      return manifest;
    } catch (error) {
      throw this.#mendable("write", error);
    }
  }

  /**
   * The bytes of a digest, checked.
   * @throws DamagedOutput if they are gone or changed (and drops them, so that they can be written again)
   * @throws InputError if the folder cannot be read
   */
  async read(digest: FileDigest): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const data = await cacache.get.byDigest(this.folder, integrityOf(digest)) as Buffer<ArrayBuffer>;
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    } catch (error) {
      if (!["ENOENT", "EINTEGRITY", "EBADSIZE"].includes(codeOf(error))) {
        throw this.#mendable("read", error);
      }
      await cacache.rm.content(this.folder, integrityOf(digest));
      throw new DamagedOutput(digest);
    }
  }

  /** Forgets that a step was run. Its outputs stay until nothing refers to them. */
  async forget(key: StepKey): Promise<void> {
    try {
      await cacache.rm.entry(this.folder, FORMAT + key);
    } catch (error) {
      throw this.#mendable("write", error);
    }
  }

  /** Reads everything, and drops each step with a damaged output, so that the next run makes it again. */
  async verify(): Promise<Damage[]> {
    const entries = Object.values(await cacache.ls(this.folder)).filter((entry) => entry.key.startsWith(FORMAT));
    const sound = new Map<FileDigest, boolean>(), damages: Damage[] = [];
    for (const entry of entries.sort((a, b) => a.key < b.key ? -1 : 1)) {
      const key = entry.key.slice(FORMAT.length) as StepKey;
      const found: Damage[] = [];
      for (const [output, { digest }] of Object.entries(entry.metadata as Manifest)) {
        if (!sound.has(digest)) sound.set(digest, await this.#isSound(digest));
        if (!sound.get(digest)) found.push({ key, output, digest });
      }
      if (found.length > 0) await this.forget(key);
      damages.push(...found);
    }
    return damages;
  }

  async #putBytes(bytes: Uint8Array): Promise<StoredOutput> {
    const digest = digestBytes(bytes);
    // cacache keeps bytes that are already there without looking at them, so damaged ones are dropped first.
    const there = await cacache.get.hasContent(this.folder, integrityOf(digest));
    if (!there || !await this.#isSound(digest)) {
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await cacache.put(this.folder, `bytes:${digest}`, data, { algorithms: ["sha256"] });
    }
    return { digest, size: bytes.byteLength };
  }

  async #hasSize(output: StoredOutput): Promise<boolean> {
    const found = await cacache.get.hasContent(this.folder, integrityOf(asFileDigest(output.digest)));
    return found && found.size === output.size;
  }

  async #isSound(digest: FileDigest): Promise<boolean> {
    try {
      await this.read(digest);
      return true;
    } catch (error) {
      if (error instanceof DamagedOutput) return false;
      throw error;
    }
  }

  #mendable(verb: string, error: unknown): unknown {
    return mendable(
      error,
      `Could not ${verb} the cache "${this.folder}"`,
      "mend that, or choose another folder with --cache DIR",
    );
  }
}

/** A digest the way cacache writes it (Subresource Integrity). */
function integrityOf(digest: FileDigest): string {
  return `sha256-${Buffer.from(digest, "hex").toString("base64")}`;
}
