/**
 * Writes a graph as an ONNX model. Static attributes that ONNX expects as inputs become shared int64 initializers; those that
 * grow with an elastic graph's size become inputs of the model.
 * Field numbers: onnx/onnx.proto3 of ONNX 1.17 (IR version 10).
 */
import protobuf from "protobufjs";
import type { DType, HostTensor } from "../tensor/host_tensor.ts";
import { sizeOf } from "../tensor/host_tensor.ts";
import { type ElasticGraph, type Extent, rigid } from "./elastic.ts";
import type { Attribute, Graph, Node, Value, ValueType } from "./ir.ts";
import { looseAxes } from "./passes/open_rows.ts";

const SCHEMA = `
syntax = "proto3";
message AttributeProto { string name = 1; float f = 2; int64 i = 3; bytes s = 4; GraphProto g = 6; repeated int64 ints = 8; int32 type = 20; }
message NodeProto { repeated string input = 1; repeated string output = 2; string op_type = 4; repeated AttributeProto attribute = 5; string domain = 7; }
message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message Dimension { int64 dim_value = 1; string dim_param = 2; }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TypeProto { TensorTypeProto tensor_type = 1; }
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message GraphProto { repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5; repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; repeated ValueInfoProto value_info = 13; }
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message ModelProto { int64 ir_version = 1; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; }
`;

const { root } = protobuf.parse(SCHEMA, { keepCase: true });
const Model = root.lookupType("ModelProto");

const ELEMENT = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
const ATTRIBUTE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;
/** Operators of ONNX Runtime's own set. */
const CONTRIB = new Set(["FusedMatMul"]);
/** Attributes that ONNX takes as int64 inputs, in the order of those inputs. */
const AS_INPUTS: Readonly<Record<string, readonly string[]>> = {
  Reshape: ["shape"],
  Expand: ["shape"],
  Slice: ["starts", "ends"],
  Split: ["split"],
  Tile: ["repeats"],
  ReduceSum: ["axes"],
  ReduceMean: ["axes"],
  ReduceMax: ["axes"],
  ReduceMin: ["axes"],
};
/** Attributes that become inputs in places of their own. */
const PLACED = new Set(["Slice.steps"]);
/** Attributes that are floats even when their value is whole. */
const FLOATS = new Set(["alpha", "beta", "epsilon"]);

class Emitter {
  readonly initializers = new Map<string, object>();
  /** Lists of numbers that each run is given, by the name of their input. */
  readonly sizes: Record<string, readonly Extent[]> = {};
  readonly #names = new Map<Value, string>();
  #next = 0;

  constructor(readonly elastic: ElasticGraph) {}

  name(value: Value): string {
    let name = this.#names.get(value);
    if (!name) this.#names.set(value, name = `v${this.#next++}`);
    return name;
  }

  bind(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  /** An initializer shared by all that need the same whole numbers. */
  int64(values: readonly number[]): string {
    const name = `i${values.join("_")}`;
    if (!this.initializers.has(name)) {
      const raw_data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
      this.initializers.set(name, { dims: [values.length], data_type: ELEMENT.int64, name, raw_data });
    }
    return name;
  }

  /** The input that such a list comes by, shared by all that need the same one. */
  #size(extents: readonly Extent[]): string {
    const name = `size:${extents.map(describe).join(",")}`;
    this.sizes[name] = extents;
    return name;
  }

  constant({ attributes, outputs }: Node): void {
    const output = outputs[0]!, name = this.name(output);
    const { data } = attributes.value as HostTensor ?? filled(output, attributes.fill as number);
    const raw_data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.set(name, { dims: output.shape, data_type: ELEMENT[output.dtype], name, raw_data });
  }

  /**
   * The nodes of a graph. An output takes its own name where it can; one that is an input, a constant or a second name needs a
   * copy.
   */
  body({ nodes, outputs }: Graph, nameOf: (output: string) => string): object[] {
    const copies: object[] = [], made: object[] = [];
    for (const [key, value] of Object.entries(outputs)) {
      const name = nameOf(key);
      if (value.node && value.node.op !== "Constant" && !this.#names.has(value)) this.bind(value, name);
      else copies.push({ input: [this.name(value)], output: [name], op_type: "Identity" });
    }
    for (const node of nodes) {
      if (node.op === "Constant") this.constant(node);
      else made.push(node.op === "If" ? this.#choice(node) : this.node(node));
    }
    return [...made, ...copies];
  }

  /** Graphs inside another one read its values by their names. */
  #choice({ inputs: [decides, ...given], outputs, attributes }: Node): object {
    const names = outputs.map((value) => this.name(value));
    const attribute = Object.entries(attributes as Record<string, Graph>).map(([key, branch]) => {
      const name = `${key}:${names[0]}`, nameOf = (output: string) => `${name}:${output}`;
      Object.values(branch.inputs).forEach((value, i) => this.bind(value, this.name(given[i]!)));
      const output = Object.keys(branch.outputs).map((one, i) => this.info(nameOf(one), outputs[i]!));
      return { name: key, g: { name, node: this.body(branch, nameOf), output }, type: ATTRIBUTE.graph };
    });
    return { input: [this.name(decides!)], output: names, op_type: "If", attribute };
  }

  node(node: Node): object {
    const input = node.inputs.map((value) => this.name(value));
    // Bounds of a slice that are worked out by the graph are among its inputs already.
    const asInputs = (AS_INPUTS[node.op] ?? []).filter((key) => key in node.attributes);
    for (const key of asInputs) {
      const extents = this.elastic.attributeOf(node, key);
      input.push(extents ? this.#size(extents) : this.int64(node.attributes[key] as readonly number[]));
    }
    if (node.op === "Slice" && node.attributes.steps) {
      input.push(
        this.int64(node.inputs[0]!.shape.map((_, i) => i)),
        this.int64(node.attributes.steps as readonly number[]),
      );
    }
    const attribute = Object.entries(node.attributes)
      .filter(([key]) => !asInputs.includes(key) && !PLACED.has(`${node.op}.${key}`))
      .map(([key, value]) => attributeProto(node.op, key, value));
    // An extent of 0 is none, not a request to keep what stands there.
    if (node.op === "Reshape") attribute.push(attributeProto(node.op, "allowzero", 1));
    return {
      input,
      output: node.outputs.map((value) => this.name(value)),
      op_type: node.op,
      attribute,
      domain: CONTRIB.has(node.op) ? "com.microsoft" : "",
    };
  }

  /** What the model says of an input or output. */
  info(name: string, value: Value): object {
    const extents = this.elastic.shapeOf(value);
    return valueInfo(
      name,
      value.dtype,
      extents?.map((extent) => extent.slope === 0 ? extent.offset : describe(extent)) ?? value.shape,
    );
  }
}

const describe = ({ slope, offset }: Extent): string => slope === 0 ? `${offset}` : `${slope}n+${offset}`;

function filled({ dtype, shape }: ValueType, fill: number): { data: HostTensor["data"] } {
  const size = sizeOf(shape);
  if (dtype === "float32") return { data: new Float32Array(size).fill(fill) };
  return { data: dtype === "int32" ? new Int32Array(size).fill(fill) : new Uint8Array(size).fill(fill) };
}

function attributeProto(op: string, name: string, value: Attribute): object {
  if (typeof value === "string") {
    if (op === "Cast") return { name, i: ELEMENT[value as DType], type: ATTRIBUTE.int };
    return { name, s: new TextEncoder().encode(value), type: ATTRIBUTE.string };
  }
  if (Array.isArray(value)) return { name, ints: value, type: ATTRIBUTE.ints };
  return FLOATS.has(name) ? { name, f: value, type: ATTRIBUTE.float } : { name, i: value, type: ATTRIBUTE.int };
}

/** @param shape numbers, and names of extents that are not known yet */
function valueInfo(name: string, dtype: DType | "int64", shape: readonly (number | string)[]): object {
  const dim = shape.map((n) => typeof n === "number" ? { dim_value: n } : { dim_param: n });
  return { name, type: { tensor_type: { elem_type: ELEMENT[dtype], shape: { dim } } } };
}

/** The names that inputs and outputs of the graph have in the model, where all values share one name space. */
export const inputName = (name: string): string => `in:${name}`;
export const outputName = (name: string): string => `out:${name}`;

export interface OnnxModel {
  /** An ONNX ModelProto whose inputs and outputs are named by `inputName` and `outputName`. */
  readonly bytes: Uint8Array;
  /** Its other inputs: lists of int64 numbers that depend on the size of a run. */
  readonly sizes: Readonly<Record<string, readonly Extent[]>>;
}

/** Serializes a graph. */
export function emitOnnx(given: Graph | ElasticGraph): OnnxModel {
  const elastic = "graph" in given ? given : rigid(given), { graph } = elastic;
  const emitter = new Emitter(elastic);
  for (const [name, value] of Object.entries(graph.inputs)) emitter.bind(value, inputName(name));
  const nodes = emitter.body(graph, outputName), loose = looseAxes(graph);
  // Named extents tell a runtime which values are equally large, and so can take each other's place.
  const named = graph.nodes.flatMap(({ op, outputs }) => op === "Constant" ? [] : outputs)
    .filter((value) => elastic.shapeOf(value) && !loose.has(value));
  const model = {
    ir_version: 10,
    opset_import: [{ domain: "", version: 20 }, { domain: "com.microsoft", version: 1 }],
    graph: {
      name: "step",
      node: nodes,
      initializer: [...emitter.initializers.values()],
      input: [
        ...Object.entries(graph.inputs).map(([name, value]) => emitter.info(inputName(name), value)),
        ...Object.entries(emitter.sizes).map(([name, extents]) => valueInfo(name, "int64", [extents.length])),
      ],
      output: Object.entries(graph.outputs).map(([name, value]) => emitter.info(outputName(name), value)),
      value_info: named.map((value) => emitter.info(emitter.name(value), value)),
    },
  };
  return { bytes: Model.encode(model).finish(), sizes: emitter.sizes };
}
