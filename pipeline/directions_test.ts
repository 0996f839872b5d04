import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** Which halves of the repository a half may import besides itself. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  src: [],
  pipeline: ["src"],
  bench: ["src", "pipeline"],
  notebooks: ["src", "pipeline"],
};

const root = fileURLToPath(new URL("../", import.meta.url));

function* sourcesUnder(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sourcesUnder(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

for (const [half, others] of Object.entries(MAY)) {
  Deno.test(`${half}/ imports ${others.length ? `nothing of ours but ${others.join("/ and ")}/` : "nothing of ours besides itself"}`, () => {
    const allowed = [half, ...others], strays: string[] = [];
    let seen = 0;
    for (const file of sourcesUnder(`${root}${half}`)) {
      if (file.includes("/.venv/")) continue;
      for (const [, path] of Deno.readTextFileSync(file).matchAll(/(?:from|import|import\() ?"(\.[^"]+\.ts)"/g)) {
        const target = fileURLToPath(new URL(path!, `file://${file}`)).slice(root.length);
        seen++;
        if (!allowed.includes(target.split("/")[0]!)) strays.push(`${file.slice(root.length)} imports ${target}`);
      }
    }
    assert.ok(seen > 5, "no imports were found");
    assert.deepEqual(strays, []);
  });
}
