/** Programs loaded once and used again: runs that differ in data and seed alone share their compiled graphs. */
import type { Device, Executable, Program } from "./engine.ts";

export class ProgramCache {
  readonly #loaded = new Map<string, Promise<Executable>>();

  /**
   * @param device that runs the programs
   * @param capacity programs kept; the one used longest ago goes first
   */
  constructor(readonly device: Device, readonly capacity = 24) {}

  /**
   * The program of a key, loaded or kept from before. One that could not be loaded is not kept.
   * @param key everything that the program's graph depends on
   */
  async load(key: string, make: () => Program): Promise<Executable> {
    const loading = this.#loaded.get(key) ?? this.device.load(make());
    this.#loaded.delete(key);
    this.#loaded.set(key, loading);
    try {
      await loading;
    } catch (error) {
      if (this.#loaded.get(key) === loading) this.#loaded.delete(key);
      throw error;
    }
    const [oldest] = this.#loaded;
    if (this.#loaded.size > this.capacity && oldest) {
      this.#loaded.delete(oldest[0]);
      await (await oldest[1]).dispose();
    }
    return await loading;
  }

  /** Disposes of every program. */
  async clear(): Promise<void> {
    const loaded = [...this.#loaded.values()];
    this.#loaded.clear();
    for (const executable of await Promise.all(loaded)) await executable.dispose();
  }
}
