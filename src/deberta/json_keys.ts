/** What `JSON.parse` hides: of two equal keys of an object it keeps the last without a word. */

/** The parts of JSON that matter for keys: strings (with the colon behind a key) and braces. */
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

/** The first key that stands twice in one object of a text that is valid JSON, or undefined. */
export function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(TOKEN)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(token.slice(0, -colon.length)), keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
}
