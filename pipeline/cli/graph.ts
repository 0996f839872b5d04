/** `deno task graph`. */
import { buildGraph, type Graph, needsOf } from "../../src/graph/graph.ts";
import { findProfile } from "../profiles/registry.ts";
import { contextOf } from "./context.ts";

export type GraphFormat = "ascii" | "mermaid" | "dot";

export interface GraphOptions {
  readonly profile: string;
  readonly format: GraphFormat;
  /** Every step; without it those whose names begin alike are one. */
  readonly all?: boolean;
}

/** Prints what a profile's steps need of each other. It looks at no cache: `status` and `why` do. */
export async function graphCommand({ profile, format, all = false }: GraphOptions): Promise<0> {
  const { steps } = await contextOf(findProfile(profile), {});
  console.log(WRITERS[format](nodesOf(buildGraph(steps), all)));
  return 0;
}

/** Steps that are drawn as one. */
export interface Node {
  readonly name: string;
  /** How many steps it stands for. */
  readonly steps: number;
  /** The nodes whose outputs it reads, by name. */
  readonly needs: readonly string[];
}

/** The nodes of a graph, each after what it needs. @param all a node for each step, instead of one for each first segment of a name */
export function nodesOf({ steps }: Graph, all: boolean): Node[] {
  const groupOf = (name: string) => all ? name : name.split("/")[0]!;
  const groups = Map.groupBy(steps.values(), ({ name }) => groupOf(name));
  const nodes = [...groups].map(([name, members]): Node => ({
    name,
    steps: members.length,
    needs: [...new Set(members.flatMap(needsOf).map(groupOf))].filter((other) => other !== name),
  }));
  // Steps are ordered; their groups come in the order of their last ones.
  const last = new Map([...steps.keys()].map((name, i) => [groupOf(name), i]));
  return nodes.sort((a, b) => last.get(a.name)! - last.get(b.name)!);
}

const label = ({ name, steps }: Node): string => steps === 1 ? name : `${name} (${steps} steps)`;

const WRITERS: Readonly<Record<GraphFormat, (nodes: readonly Node[]) => string>> = { ascii, mermaid, dot };

/** A line for each node, with an arrow from what it needs. */
export function ascii(nodes: readonly Node[]): string {
  const width = Math.max(...nodes.map((node) => label(node).length));
  return nodes.map((node) =>
    `${label(node).padEnd(width)} ${node.needs.length ? `<- ${node.needs.join(", ")}` : ""}`.trimEnd()
  )
    .join("\n");
}

/** A flowchart that GitHub and other Markdown viewers draw. */
export function mermaid(nodes: readonly Node[]): string {
  const ids = new Map(nodes.map(({ name }, i) => [name, `n${i}`]));
  return [
    "flowchart LR",
    ...nodes.map((node) => `  ${ids.get(node.name)}["${label(node)}"]`),
    ...nodes.flatMap(({ name, needs }) => needs.map((need) => `  ${ids.get(need)} --> ${ids.get(name)}`)),
  ].join("\n");
}

/** For Graphviz: `deno task graph --format dot | dot -Tsvg`. */
export function dot(nodes: readonly Node[]): string {
  return [
    "digraph {",
    "  rankdir=LR; node [shape=box];",
    ...nodes.map((node) => `  "${node.name}" [label="${label(node)}"];`),
    ...nodes.flatMap(({ name, needs }) => needs.map((need) => `  "${need}" -> "${name}";`)),
    "}",
  ].join("\n");
}
