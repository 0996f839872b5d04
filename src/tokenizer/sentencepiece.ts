/**
 * DeBERTaV3's tokenizer: a SentencePiece Unigram model with byte fallback, as `spm.model` holds it.
 *
 * The text is cut by the SentencePiece library itself, compiled to WebAssembly, so normalisation, scores and byte
 * fallback are its own. That build does not say whether a model could be loaded, so the file is read here as well.
 */
import { Buffer } from "node:buffer";
import { SentencePieceProcessor } from "@sctg/sentencepiece-js";
import protobuf from "protobufjs";
import { InputError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The fields needed, by their numbers in SentencePiece's `sentencepiece_model.proto`. */
const ModelProto = protobuf.parse(`
  syntax = "proto2";
  message ModelProto {
    message SentencePiece {
      optional string piece = 1;
      optional float score = 2;
    }
    message TrainerSpec {
      optional int32 model_type = 3 [default = 1];
    }
    repeated SentencePiece pieces = 1;
    optional TrainerSpec trainer_spec = 2;
  }
`).root.lookupType("ModelProto");

interface Model {
  readonly pieces: readonly { readonly piece: string; readonly score: number }[];
  readonly trainerSpec: { readonly modelType: number } | null;
}

const UNIGRAM = 1;

/** What the first ids have to be, since everything else relies on them. */
const FIRST = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"];

/**
 * Loads a SentencePiece model. Its pieces keep their ids; the mask, which is not one of them, comes right after
 * (128000 in DeBERTaV3).
 *
 * @param bytes the whole of `spm.model`
 * @param name what to call the file in an error
 * @throws InputError if it is not a Unigram model that begins with `[PAD] [CLS] [SEP] [UNK]`
 */
export async function sentencePieceTokenizer(bytes: Uint8Array, name: string): Promise<Tokenizer> {
  const { pieces, trainerSpec } = readModel(bytes, name);
  const first = pieces.slice(0, FIRST.length).map(({ piece }) => piece);
  if (first.join(" ") !== FIRST.join(" ")) {
    throw new InputError(
      `Cannot use "${name}" as a tokenizer: it begins with "${first.join(" ")}", expected "${FIRST.join(" ")}"`,
    );
  }
  if (trainerSpec?.modelType !== undefined && trainerSpec.modelType !== UNIGRAM) {
    throw new InputError(
      `Cannot use "${name}" as a tokenizer: its model type is "${trainerSpec.modelType}", expected ${UNIGRAM} (Unigram)`,
    );
  }
  const processor = await load(bytes).catch(() => undefined);
  // A library that could not take the model cuts every text into nothing.
  if (processor === undefined || processor.encodeIds("a").length === 0) throw notAModel(name);
  return {
    size: pieces.length + 1,
    special: { pad: 0, cls: 1, sep: 2, unk: 3, mask: pieces.length },
    pieces: (text) => processor.encodePieces(text),
    encode: (text) => processor.encodeIds(text),
  };
}

async function load(bytes: Uint8Array): Promise<SentencePieceProcessor> {
  const processor = new SentencePieceProcessor();
  await processor.loadFromB64StringModel(Buffer.from(bytes).toString("base64"));
  return processor;
}

function readModel(bytes: Uint8Array, name: string): Model {
  let model: Model;
  try {
    model = ModelProto.decode(bytes) as unknown as Model;
  } catch {
    throw notAModel(name);
  }
  if (model.pieces.length === 0) throw notAModel(name);
  return model;
}

function notAModel(name: string): InputError {
  return new InputError(
    `Cannot read "${name}" as a SentencePiece model: expected DeBERTaV3's spm.model, whole (fetch it again)`,
  );
}
