import type { Preimage } from "./fingerprint.ts";
import type { Json } from "./step.ts";

/** Longest a value may be in a sentence, in characters. */
const LONGEST_VALUE = 60;

/** Says in words what differs between two preimages of a step, the most telling first; empty if nothing does. */
export function explainChanges(before: Preimage, after: Preimage): string[] {
  const out: string[] = [];
  if (before.kind !== after.kind) out.push(`kind changed from ${show(before.kind)} to ${show(after.kind)}`);
  if (before.version !== after.version) {
    out.push(`the code of kind "${after.kind}" went from version ${before.version} to ${after.version}`);
  }
  compare("", before.parameters, after.parameters, out);
  for (const role of keysOfBoth(before.inputs, after.inputs)) {
    const [old, now] = [before.inputs[role], after.inputs[role]];
    if (old !== now) {
      out.push(`input "${role}" ${old === undefined ? "is new" : now === undefined ? "is gone" : "changed"}`);
    }
  }
  compare("engine", before.engine, after.engine, out);
  compare("environment", before.environment, after.environment, out);
  compare("outputs", before.outputs, after.outputs, out);
  return out;
}

function compare(place: string, before: Json | undefined, after: Json | undefined, out: string[]): void {
  if (isRecord(before) && isRecord(after)) {
    for (const key of keysOfBoth(before, after)) {
      compare(place === "" ? key : `${place}.${key}`, before[key], after[key], out);
    }
    return;
  }
  const [old, now] = [show(before), show(after)];
  if (old === now) return;
  const name = place === "" ? "parameters" : place;
  if (before === undefined) out.push(`${name} is new: ${clip(now)}`);
  else if (after === undefined) out.push(`${name} is gone: it was ${clip(old)}`);
  else out.push(`${name} changed from ${clip(old)} to ${clip(now)}`);
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keysOfBoth(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

function show(value: Json | undefined): string {
  return value === undefined ? "" : JSON.stringify(value);
}

function clip(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`;
}
