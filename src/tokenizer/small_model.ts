/** Small SentencePiece models for tests, which may not rely on DeBERTaV3's own file being there. */
import protobuf from "protobufjs";

/** More of SentencePiece's format than `sentencepiece.ts` reads. */
const ModelProto = protobuf.parse(`
  syntax = "proto2";
  message ModelProto {
    message SentencePiece { optional string piece = 1; optional float score = 2; optional int32 type = 3; }
    message TrainerSpec { optional int32 model_type = 3; optional bool byte_fallback = 35; optional int32 unk_id = 40; }
    message NormalizerSpec { optional string name = 1; }
    repeated SentencePiece pieces = 1;
    optional TrainerSpec trainer_spec = 2;
    optional NormalizerSpec normalizer_spec = 3;
  }
`).root.lookupType("ModelProto");

const NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6;

/**
 * The bytes of a model with DeBERTaV3's special tokens (ids 0-3), every byte (ids 4-259), and words with their scores
 * (ids from 260 on).
 */
export function smallModel(
  words: Readonly<Record<string, number>>,
  { special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], modelType = 1 } = {},
): Uint8Array {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  return ModelProto.encode({
    pieces: [
      ...special.map((piece, id) => ({ piece, score: 0, type: id === special.length - 1 ? UNKNOWN : CONTROL })),
      ...bytes.map((piece) => ({ piece, score: 0, type: BYTE })),
      ...Object.entries(words).map(([piece, score]) => ({ piece, score, type: NORMAL })),
    ],
    trainerSpec: { modelType, byteFallback: true, unkId: special.length - 1 },
    normalizerSpec: { name: "identity" },
  }).finish();
}
