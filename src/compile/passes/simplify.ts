/**
 * Removes what computes nothing: identities, arithmetic with 0 and 1, constants and broadcasts written out in full.
 *
 * TensorFlow.js gradients are generous with all of them (the gradient of a sum multiplies by a tensor of ones).
 */
import { type Builder, type Graph, type Node, rewrite, sameShape, uniformValue, type Value } from "../ir.ts";

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};
const UNARY = new Set(["Neg", "Sqrt", "Exp", "Log", "Sigmoid", "Erf", "Tanh", "Abs", "Reciprocal"]);

/** What was broadcast to give a value, or the value itself. */
function unexpanded(value: Value): Value {
  return value.node?.op === "Expand" ? value.node.inputs[0]! : value;
}

function expand(build: Builder, value: Value, like: Value): Value {
  return sameShape(value.shape, like.shape) ? value : build.one("Expand", [value], like, { shape: like.shape });
}

/** The other operand, if one operand is uniformly `neutral` and the result therefore equals the other. */
function neutral(node: Node): Value | undefined {
  const [a, b] = node.inputs as [Value, Value];
  const sum = node.op === "Add" || node.op === "Sub", element = sum ? 0 : 1;
  if (uniformValue(b) === element) return a;
  if ((node.op === "Add" || node.op === "Mul") && uniformValue(a) === element) return b;
}

function simplifyBinary(node: Node, build: Builder): Value | undefined {
  const output = node.outputs[0]!, [a, b] = node.inputs as [Value, Value];
  const x = uniformValue(a), y = uniformValue(b);
  const fold = BINARY[node.op]!;
  if (x !== undefined && y !== undefined && output.dtype === "float32") {
    return build.fill(output, Math.fround(fold(x, y)));
  }
  const same = neutral(node);
  if (same) return expand(build, same, output);
  if (node.op === "Add" && b.node?.op === "Neg") return build.one("Sub", [a, b.node.inputs[0]!], output);
  // Scalars travel as scalars, and a broadcast operand need not be written out when the other fills the shape.
  const slim = (value: Value, other: Value): Value => {
    if (
      uniformValue(value) !== undefined && value.shape.length > 0 && sameShape(unexpanded(other).shape, output.shape)
    ) {
      return build.fill({ dtype: value.dtype, shape: [] }, uniformValue(value)!);
    }
    return sameShape(other.shape, output.shape) ? unexpanded(value) : value;
  };
  const left = slim(a, b), right = slim(b, left);
  // One broadcast operand and a scalar: compute on the small operand and broadcast the result.
  const small = unexpanded(left);
  if (small !== left && uniformValue(right) !== undefined && right.shape.length === 0) {
    return build.one("Expand", [build.one(node.op, [small, right], small)], output, { shape: output.shape });
  }
  if (left !== a || right !== b) return build.one(node.op, [left, right], output);
}

function simplifyShape(node: Node, build: Builder): Value | undefined {
  const [x] = node.inputs as [Value], output = node.outputs[0]!, fill = uniformValue(x);
  if (fill !== undefined) return build.fill(output, fill);
  switch (node.op) {
    case "Reshape": {
      const source = x.node?.op === "Reshape" ? x.node.inputs[0]! : x;
      if (sameShape(source.shape, output.shape)) return source;
      return source === x ? undefined : build.one("Reshape", [source], output, node.attributes);
    }
    case "Transpose": {
      const outer = node.attributes.perm as readonly number[], twice = x.node?.op === "Transpose";
      const perm = twice ? outer.map((i) => (x.node!.attributes.perm as readonly number[])[i]!) : outer;
      const source = twice ? x.node!.inputs[0]! : x;
      if (perm.every((from, to) => from === to)) return source;
      // Axes of one number may stand anywhere.
      const moved = perm.filter((axis) => source.shape[axis] !== 1);
      if (moved.every((axis, i) => i === 0 || moved[i - 1]! < axis)) {
        return build.one("Reshape", [source], output, { shape: output.shape });
      }
      return twice ? build.one("Transpose", [source], output, { perm }) : undefined;
    }
    case "Slice":
      if ((node.attributes.steps as readonly number[]).some((step) => step !== 1)) return;
      return sameShape(x.shape, output.shape) ? x : undefined;
    default:
      return sameShape(x.shape, output.shape) ? x : undefined;
  }
}

/** A choice between a tensor and a constant reads the constant as a scalar. */
function simplifyWhere(node: Node, build: Builder): Value | undefined {
  const [condition, ...branches] = node.inputs as [Value, Value, Value], output = node.outputs[0]!;
  if (!sameShape(condition.shape, output.shape)) return;
  const slim = branches.map((value) => {
    const fill = value.shape.length > 0 ? uniformValue(value) : undefined;
    return fill === undefined ? value : build.fill({ dtype: value.dtype, shape: [] }, fill);
  });
  if (slim.some((value, i) => value !== branches[i])) return build.one("Where", [condition, ...slim], output);
}

/** Rewrites a graph without identities and needless broadcasts. */
export function simplify(graph: Graph): Graph {
  return rewrite(graph, (node, build) => {
    let value: Value | undefined;
    const input = node.inputs[0];
    if (node.op in BINARY) value = simplifyBinary(node, build);
    else if (node.op === "Where") value = simplifyWhere(node, build);
    else if (["Reshape", "Transpose", "Expand", "Slice", "Tile"].includes(node.op)) {
      value = simplifyShape(node, build);
    } else if (UNARY.has(node.op) && input?.node?.op === "Expand") {
      const small = input.node.inputs[0]!;
      value = build.one("Expand", [build.one(node.op, [small], small)], node.outputs[0]!, { shape: input.shape });
    }
    return value && [value];
  });
}
