/** Whether the paper's claims hold on the runs of the profile. */
import type { Table } from "../../src/render/table.ts";
import { claimsOf, ENOUGH_SAVED, LEVEL, together } from "../analysis/claims.ts";
import { methodTitle } from "../analysis/names.ts";
import { outcomeNotes, provenance, runsOf } from "../analysis/runs.ts";
import type { Results } from "../results.ts";

export function claims(results: Results): Table {
  const all = claimsOf(results), [ours, lora] = ["blora", "lora"].map((method) => methodTitle(results, method));
  const fourth = together(all.filter(({ key }) => key.startsWith("4")));
  return {
    name: "claims",
    title: `The paper's claims on the runs of profile ${results.profile}`,
    caption:
      `${ours} against ${lora}. Each claim is a difference that is positive where it holds, one for each pair of task and ` +
      "seed; Wilcoxon's signed-rank test, exact and one-sided, says how likely ranks as much in favour (p for) or as much " +
      `against (p against) would be by chance. Holds: p for below ${LEVEL}. Does not hold: p against below ${LEVEL}. Else it ` +
      `cannot be told. Pairs are taken as independent, although all start from one backbone, and nothing corrects for five tests. The claims are the abstract's and the figure captions'; how they are ` +
      `put as differences, and that a saving of ${ENOUGH_SAVED} % counts as about 70 %, is [choice]. ${
        provenance(results)
      }`,
    notes: [
      `Claim 4 has two parts, rank and bits, and both must hold: ${fourth}.`,
      "Claim 1: adapted layers, against LoRA r = 8 in full precision [choice]. Claim 2: the standard deviation is that of LoRA's " +
      "scores on the task over seeds, so it takes two seeds at least. Claim 4, bits: mean over everything quantized.",
      ...outcomeNotes(results, [...runsOf(results, "blora"), ...runsOf(results, "lora")]),
    ],
    columns: [
      { key: "key", title: "No." },
      { key: "claim", title: "Claim" },
      { key: "verdict", title: "Verdict" },
      { key: "measured", title: "Measured", decimals: 2, align: "right" },
      { key: "difference", title: "Difference tested" },
      { key: "mean", title: "Its mean", decimals: 2, align: "right" },
      { key: "pairs", title: "Pairs that differ", align: "right" },
      { key: "pFor", title: "p for", decimals: 4, align: "right" },
      { key: "pAgainst", title: "p against", decimals: 4, align: "right" },
    ],
    sections: [{
      rows: all.map(({ key, text, verdict, measured, difference, mean, test }) => ({
        key,
        claim: text,
        verdict,
        measured,
        difference,
        mean,
        pairs: test.pairs,
        pFor: test.pPositive,
        pAgainst: test.pNegative,
      })),
      sources: (row) => all[row]!.sources,
    }],
  };
}
