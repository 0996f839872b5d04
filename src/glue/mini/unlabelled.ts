/** Unlabelled text of MiniGLUE's grammar, to pre-train on. */
import { Stream } from "../../random/stream.ts";
import { edit, type EditName } from "./edits.ts";
import { WEAKER } from "./inference.ts";
import { MAX_PAIR } from "./item.ts";
import { type Clause, drawClause } from "./meaning.ts";
import { answers, ask, canAsk, type Question } from "./questions.ts";
import { infer } from "./relate.ts";
import { join, say } from "./say.ts";
import { drawSentence } from "./sentences.ts";
import { opinion, review } from "./sst2.ts";

/** Two sentences, the second following the first in the text. */
export interface Discourse {
  readonly a: string;
  readonly b: string;
}

type DrawDiscourse = (stream: Stream) => Discourse | null;

const FULLER: readonly EditName[] = ["addAdjective", "addObjectAdjective", "addManner", "addWhere"];

function drawFact(stream: Stream): Clause {
  return drawClause(stream, {
    modifiers: 0.35,
    negation: 0.15,
    transitive: stream.chance(0.1) ? undefined : stream.chance(0.75),
  });
}

/** Two wordings of clauses, if there is a second. */
function told(stream: Stream, first: Clause, second: Clause | null): Discourse | null {
  return second && { a: join(say(stream, first)), b: join(say(stream, second)) };
}

/** How the second sentence goes on from the first, each as often as it stands here. */
const KINDS: readonly DrawDiscourse[] = [
  ...Array<DrawDiscourse>(8).fill(restate),
  ...Array<DrawDiscourse>(4).fill(conclude),
  ...Array<DrawDiscourse>(2).fill(elaborate),
  ...Array<DrawDiscourse>(2).fill(contrast),
  ...Array<DrawDiscourse>(3).fill(answer),
  ...Array<DrawDiscourse>(2).fill(askAgain),
  ...Array<DrawDiscourse>(8).fill(agree),
  ...Array<DrawDiscourse>(3).fill(goOn),
];

/** The same in other words. */
function restate(stream: Stream): Discourse | null {
  const fact = drawFact(stream);
  return told(stream, fact, fact);
}

/** Something that follows. */
function conclude(stream: Stream): Discourse | null {
  const fact = drawFact(stream), second = edit(stream, fact, WEAKER);
  return second && infer(fact, second) === "entailment" ? told(stream, fact, second) : null;
}

/** The same with something more. */
function elaborate(stream: Stream): Discourse | null {
  const fact = drawFact(stream);
  return told(stream, fact, edit(stream, fact, FULLER));
}

/** The denial of the opposite. */
function contrast(stream: Stream): Discourse | null {
  const fact = drawFact(stream), opposed = edit(stream, fact, ["oppositeVerb", "oppositeState"]);
  const second = opposed && edit(stream, opposed, ["negate"]);
  return second && infer(fact, second) === "entailment" ? told(stream, fact, second) : null;
}

/** A question and its answer. */
function answer(stream: Stream): Discourse | null {
  const clause = drawFact(stream), question: Question = { asks: stream.pick(["subject", "object", "where"]), clause };
  if (!canAsk(question) || !answers(question, clause)) return null;
  return { a: join(ask(stream, question)), b: join(say(stream, clause)) };
}

/** A question asked twice. */
function askAgain(stream: Stream): Discourse | null {
  const question: Question = {
    asks: stream.pick(["subject", "object", "where", "why", "whether", "how"]),
    clause: drawFact(stream),
  };
  return canAsk(question) ? { a: join(ask(stream, question)), b: join(ask(stream, question)) } : null;
}

/** Opinions of one mind, nearly all of them plain: only then is it soon learnt which words praise and which blame. */
function agree(stream: Stream): Discourse {
  const polarity = stream.pick(["+", "-"] as const), own = () => opinion(stream, polarity, 0.02);
  const say = () => stream.chance(0.02) ? review(stream, polarity) : `${own()} and ${own()}`;
  return { a: say(), b: say() };
}

/** Two statements, of any construction, that have nothing to do with each other. */
function goOn(stream: Stream): Discourse {
  return { a: join(drawSentence(stream)), b: join(drawSentence(stream)) };
}

/**
 * Text to pre-train on: discourses in which the second sentence restates, concludes from, elaborates, contrasts or
 * answers the first, so that synonyms, hypernyms and paraphrases can be learnt by telling replaced words.
 * The n-th discourse depends on the seed and on n alone.
 */
export function unlabelled({ seed, count }: { seed: number; count: number }): Discourse[] {
  return Array.from({ length: count }, (_, i) => {
    const stream = new Stream(seed, "mini-glue", "unlabelled", i), draw = stream.pick(KINDS);
    for (;;) {
      const it = draw(stream);
      if (it !== null && `${it.a} ${it.b}`.split(" ").length <= MAX_PAIR) return it;
    }
  });
}
