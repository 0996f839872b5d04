/** How the LoRA update relates to the weight it adapts (Hu et al. 2022, arXiv 2106.09685, section 7.3). */
import type { Table } from "../../src/render/table.ts";
import { taskTitle } from "../analysis/names.ts";
import { MATRIX_LABELS } from "../analysis/sites.ts";
import type { Results } from "../results.ts";

/** @throws Error for results of a profile without the step that analyses */
export function subspace(results: Results): Table {
  const { subspace } = results;
  if (!subspace) throw new Error("These results were collected without an analysis of subspaces");
  const { step, task, seed, rows } = subspace, norm = { decimals: 3, align: "right" } as const;
  return {
    name: "subspace",
    title: `The LoRA update and the weight it adapts, profile ${results.profile}`,
    caption:
      "‖UᵀWV‖: Frobenius norm of a frozen weight W seen through the r leading left and right singular directions U, V of the " +
      "update ΔW, of W itself, and of random matrices. Amplification: ‖ΔW‖ divided by ‖UᵀWV‖ for the directions of ΔW; large " +
      "where the update strengthens directions that W hardly uses. After the LoRA paper (arXiv 2106.09685, section 7.3). LoRA " +
      `on ${
        taskTitle(task)
      }, seed ${seed}, best evaluated epoch; profile ${results.profile}, backbone ${results.backbone}, ` +
      `engine ${results.engine}.`,
    notes: [],
    columns: [
      { key: "matrix", title: "Matrix" },
      { key: "rank", title: "r", align: "right" },
      { key: "update", title: "‖UᵀWV‖, of ΔW", ...norm },
      { key: "weight", title: "of W", ...norm },
      { key: "random", title: "of random", ...norm },
      { key: "weightNorm", title: "‖W‖", ...norm },
      { key: "updateNorm", title: "‖ΔW‖", ...norm },
      { key: "amplification", title: "Amplification", decimals: 2, align: "right" },
    ],
    sections: [{
      rows: rows.map(({ layer, matrix, ...numbers }) => ({
        matrix: `${MATRIX_LABELS[matrix]} of layer ${layer + 1}`,
        ...numbers,
        amplification: numbers.update > 0 ? numbers.updateNorm / numbers.update : null,
      })),
      sources: () => [step],
    }],
  };
}
