/** `relative-position`: log buckets of relative positions, by offset and as query x key tables. */
import { z } from "zod";
import { relativeBuckets } from "../../deberta/relative_position.ts";
import { int32 } from "../../tensor/host_tensor.ts";
import type { Checker } from "../checker.ts";
import { configOf } from "../fixture.ts";

const Config = z.object({
  pairs: z.array(z.object({ position_buckets: z.int(), max_position: z.int(), n: z.int(), key: z.string() })),
});

export const check: Checker = (fixture, report) => {
  for (const { position_buckets, max_position, n, key } of configOf(fixture, Config).pairs) {
    const buckets = relativeBuckets(n, position_buckets, max_position);
    report.tensor(`expected.by_offset.${key}`, int32([2 * n - 1], buckets));
    const table = `expected.table.${key}`;
    if (!fixture.expectedKeys.includes(table)) continue;
    const square = Int32Array.from({ length: n * n }, (_, i) => buckets[Math.floor(i / n) - i % n + n - 1]!);
    report.tensor(table, int32([n, n], square));
  }
};
