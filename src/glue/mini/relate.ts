/** What one MiniGLUE clause tells of another: the rules that make labels true. */
import { type Adjective, ADJECTIVES, type Concept, isA, type Verb, VERBS } from "./lexicon.ts";
import { type Clause, isDefinite, isPlural, type NounPhrase } from "./meaning.ts";

export type Inference = "entailment" | "neutral" | "contradiction";

/** `narrower`: the first tells all the second does, and more. `exclusive`: both cannot be. */
type Relation = "equal" | "narrower" | "wider" | "exclusive" | "other";

/** Whether two clauses say the same, however it is put. */
export function isSame(p: Clause, h: Clause): boolean {
  return p.negated === h.negated && p.subject.quantity === h.subject.quantity &&
    p.object?.quantity === h.object?.quantity &&
    all([restrictor(p.subject, h.subject), objects(p, h), happening(p, h)]) === "equal";
}

/**
 * What follows for h if p is true. The noun phrases of `the`, `these` and names are taken to be about the same ones in
 * both; `every` and `all` to have something they hold of.
 * Reference: MacCartney & Manning 2009, "An extended model of natural logic" (monotonicity of determiners and negation).
 */
export function infer(p: Clause, h: Clause): Inference {
  const named = restrictor(p.subject, h.subject), object = objects(p, h), event = happening(p, h);
  const follows = (relation: Relation) => relation === "equal" || relation === "narrower";
  const precedes = (relation: Relation) => relation === "equal" || relation === "wider";
  if (!follows(object)) return "neutral";
  const down = follows(named), up = precedes(named), sameCount = p.subject.quantity === h.subject.quantity;
  const counted = sameCount || weakens(p.subject, h.subject);
  const definite = isDefinite(p.subject) && isDefinite(h.subject);
  switch (`${scope(p)} ${scope(h)}`) {
    case "some some":
      if (!down || !counted) return "neutral";
      return follows(event) ? "entailment" : event === "exclusive" && definite ? "contradiction" : "neutral";
    case "some not":
      if (!down || !sameCount || !definite) return "neutral";
      return follows(event) ? "contradiction" : event === "exclusive" ? "entailment" : "neutral";
    case "some no":
      return down && follows(event) ? "contradiction" : "neutral";
    case "not some":
      return down && sameCount && precedes(event) ? "contradiction" : "neutral";
    case "not not":
      return down && sameCount && precedes(event) ? "entailment" : "neutral";
    case "not every":
      return down && precedes(event) ? "contradiction" : "neutral";
    case "every every":
      return !up ? "neutral" : follows(event) ? "entailment" : event === "exclusive" ? "contradiction" : "neutral";
    case "every some":
      if (!up) return "neutral";
      return !follows(event)
        ? "neutral"
        : h.subject.quantity === "two" || h.subject.quantity === "three"
        ? "neutral"
        : "entailment";
    case "every not":
      return up && follows(event) ? "contradiction" : "neutral";
    case "every no":
      return named === "equal" && follows(event) ? "contradiction" : "neutral";
    case "no no":
    case "no not":
      return up && precedes(event) && object === "equal" ? "entailment" : "neutral";
    case "no some":
      return up && precedes(event) && object === "equal" ? "contradiction" : "neutral";
    case "no every":
      return named === "equal" && precedes(event) && object === "equal" ? "contradiction" : "neutral";
    default:
      return "neutral";
  }
}

/** Whether two adjectives, adverbs or verbs cannot both be true. */
export function excludes(x: Concept, y: Concept): boolean {
  return relate(x, y) === "exclusive";
}

function scope(clause: Clause): "some" | "not" | "every" | "no" {
  const { quantity } = clause.subject;
  return clause.negated ? "not" : quantity === "every" ? "every" : quantity === "no" ? "no" : "some";
}

/** Whether there being p's many tells that there are h's many. */
function weakens(p: NounPhrase, h: NounPhrase): boolean {
  if (h.quantity === "a") return true;
  return h.quantity === "some" && isPlural(p) || h.quantity === "two" && p.quantity === "three";
}

function objects(p: Clause, h: Clause): Relation {
  if (p.object === undefined || h.object === undefined) return p.object === h.object ? "equal" : "other";
  const many = p.object.quantity === h.object.quantity
    ? "equal"
    : weakens(p.object, h.object)
    ? "narrower"
    : weakens(h.object, p.object)
    ? "wider"
    : "other";
  return all([many, restrictor(p.object, h.object)]);
}

/** Compares what noun phrases say of their things, leaving out how many. */
function restrictor(p: NounPhrase, h: NounPhrase): Relation {
  const named = p.quantity === "name" || h.quantity === "name";
  // A name and a noun phrase are never taken to be about the same one: alice is a person, but perhaps not the person.
  if (named && p.noun.id !== h.noun.id) return "other";
  const adjectives = part(p.adjective, h.adjective);
  return all([relate(p.noun, h.noun), adjectives === "exclusive" ? "other" : adjectives]);
}

/** Compares events or states, noun phrases aside. */
function happening(p: Clause, h: Clause): Relation {
  if ((p.verb === undefined) !== (h.verb === undefined)) return "other";
  const where = p.where?.place.id === h.where?.place.id && p.where?.preposition === h.where?.preposition
    ? "equal"
    : h.where === undefined
    ? "narrower"
    : p.where === undefined
    ? "wider"
    : "other";
  return all([part(p.verb, h.verb), part(p.state, h.state), part(p.manner, h.manner), where]);
}

function part(p: Concept | undefined, h: Concept | undefined): Relation {
  if (p === undefined || h === undefined) return p === h ? "equal" : h === undefined ? "narrower" : "wider";
  return relate(p, h);
}

function relate(x: Concept, y: Concept): Relation {
  if (x.id === y.id) return "equal";
  if (isA(x, y)) return "narrower";
  if (isA(y, x)) return "wider";
  return areOpposite(x, y) ? "exclusive" : "other";
}

function areOpposite(x: Concept, y: Concept): boolean {
  if ("dimension" in x && "dimension" in y) return x.dimension === (y as Adjective).dimension;
  const opposed = (verb: Concept, other: Concept) =>
    VERBS.some((above) => isA(verb, above) && (above as Verb).antonym !== null && isA(other, byId(above.antonym)));
  return "antonym" in x && "antonym" in y && (opposed(x, y) || opposed(y, x));
}

const CONCEPTS: ReadonlyMap<string, Concept> = new Map([...ADJECTIVES, ...VERBS].map((it) => [it.id, it]));

function byId(id: string | null): Concept {
  const concept = CONCEPTS.get(id ?? "");
  if (concept === undefined) throw new RangeError(`relate: no verb is called "${id}"`);
  return concept;
}

/** The relation of wholes whose parts are so related: one exclusive part is enough if nothing else is in the way. */
function all(relations: readonly Relation[]): Relation {
  const changed = relations.filter((relation) => relation !== "equal");
  const [first = "equal"] = changed;
  if (changed.every((relation) => relation === first)) return first;
  return changed.every((relation) => relation === "narrower" || relation === "exclusive") ? "exclusive" : "other";
}
