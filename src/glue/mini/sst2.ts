/** sst2: opinions, plain, negated and contrasted. */
import type { Stream } from "../../random/stream.ts";
import type { DrawItem } from "./item.ts";
import { DEGREES, opinionWords, REVIEWED } from "./lexicon.ts";

type Polarity = "+" | "-";
const opposite = (polarity: Polarity): Polarity => polarity === "+" ? "-" : "+";

/** A clause that praises or blames, by denying the opposite with the given probability. */
export function opinion(stream: Stream, polarity: Polarity, denial: number): string {
  const it = `the ${stream.pick(REVIEWED)}`, denied = stream.chance(denial);
  const word = (part: "adjective" | "noun" | "verb") =>
    stream.pick(opinionWords(denied ? opposite(polarity) : polarity, part));
  const degree = stream.chance(0.3) ? [stream.pick(DEGREES)] : [];
  switch (stream.below(6)) {
    case 0:
      return ["i", denied ? stream.pick(["do not", "never"]) : stream.pick(["really", "truly", "do"]), word("verb"), it]
        .join(" ");
    case 1:
      return [it, "is", ...denied ? [stream.pick(["not", "hardly", "never"])] : [], "a", word("noun")].join(" ");
    case 2:
      return [denied ? "there is no" : "it is a", word("adjective"), it.replace("the ", "")].join(" ");
    default:
      return [it, "is", ...denied ? [stream.pick(["not", "never", "hardly"])] : [], ...degree, word("adjective")]
        .join(" ");
  }
}

/** A sentence of one opinion, or of two that agree, or of two of which the one that counts is told by the conjunction. */
export function review(stream: Stream, polarity: Polarity): string {
  const own = () => opinion(stream, polarity, 0.25), other = () => opinion(stream, opposite(polarity), 0.25);
  const kind = stream.below(20);
  if (kind < 10) return own();
  if (kind < 14) return `${own()} and ${own()}`;
  if (kind < 17) return `${other()} but ${own()}`;
  if (kind < 19) return `although ${other()} , ${own()}`;
  return `${own()} although ${other()}`;
}

/** A negative (0) or positive (1) review. */
export const drawSst2: DrawItem = (stream, wanted) => ({ a: review(stream, wanted === 1 ? "+" : "-"), truth: wanted });
