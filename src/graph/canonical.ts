import canonicalize from "canonicalize";
import type { Json } from "./step.ts";

/**
 * One text per JSON value: keys sorted, numbers in their shortest form (RFC 8785).
 * @throws TypeError naming the place of a value that has no such text (`undefined`, `NaN`, an infinity, a Date), or that
 *   shares it with another (`-0` would be written `0`)
 */
export function canonicalText(value: Json): string {
  refuseUnlikeJson(value, "value");
  return canonicalize(value) as string;
}

function refuseUnlikeJson(value: unknown, place: string): void {
  if (value === null || typeof value === "boolean" || typeof value === "string") return;
  if (typeof value === "number") {
    if (Number.isFinite(value) && !Object.is(value, -0)) return;
    throw new TypeError(`Could not hash ${place}: "${Object.is(value, -0) ? "-0" : value}" is not a JSON number`);
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) refuseUnlikeJson(value[i], `${place}[${i}]`);
    return;
  }
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    for (const [key, item] of Object.entries(value)) refuseUnlikeJson(item, `${place}.${key}`);
    return;
  }
  throw new TypeError(`Could not hash ${place}: expected null, a boolean, number, string, list or plain object`);
}
