"""Times a training step of PyTorch with Hugging Face's DeBERTaV3 and PEFT, as bench/row.ts times ours.

Random weights, a quarter of each row padded, dropout 0.1, AdamW, gradients clipped to norm 1. Prints one line of JSON.

    bench/peers/.venv/bin/python bench/peers/row.py lora mini 2 40
"""
import json
import resource
import statistics
import sys
import time

import torch
from peft import AdaLoraConfig, LoraConfig, get_peft_model
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

# hidden, layers, heads, feed-forward, vocabulary, batch, length, position buckets: bench/shapes.ts
SHAPES = {
    "mini": (64, 3, 4, 256, 600, 16, 32, 16),
    "xsmall": (384, 12, 6, 1536, 128_100, 16, 128, 256),
    "small": (768, 6, 12, 3072, 128_100, 16, 128, 256),
    "base": (768, 12, 12, 3072, 128_100, 16, 128, 256),
}
TARGETS = ["query_proj", "key_proj", "value_proj"]


def build(method, shape, steps):
    hidden, layers, heads, ffn, vocabulary, _, _, buckets = SHAPES[shape]
    model = DebertaV2ForSequenceClassification(DebertaV2Config(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=ffn,
        vocab_size=vocabulary, max_position_embeddings=512, position_buckets=buckets, relative_attention=True,
        max_relative_positions=-1, position_biased_input=False, pos_att_type=["p2c", "c2p"], share_att_key=True,
        norm_rel_ebd="layer_norm", type_vocab_size=0, layer_norm_eps=1e-7, hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1, pooler_hidden_size=hidden, pooler_dropout=0, pooler_hidden_act="gelu", num_labels=2,
        cls_dropout=0.1,
    ))
    shared = dict(task_type="SEQ_CLS", target_modules=TARGETS, lora_alpha=16, lora_dropout=0.0)
    if method == "lora":
        return get_peft_model(model, LoraConfig(r=8, **shared))
    if method == "adalora":
        schedule = dict(init_r=12, target_r=8, tinit=1, tfinal=1, deltaT=1, total_step=max(steps, 10))
        return get_peft_model(model, AdaLoraConfig(**schedule, **shared))
    if method == "bitfit":
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.endswith(".bias") or name.startswith(("pooler", "classifier"))
    elif method != "full-ft":
        sys.exit(f'Unknown method "{method}": expected one of lora, adalora, bitfit, full-ft')
    return model


def main(method, shape, threads, steps):
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    vocabulary, batch, length = SHAPES[shape][4:7]
    warm_up = max(2, steps // 4)
    model = build(method, shape, warm_up + steps)
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0.01)
    ids = torch.randint(1, vocabulary, (batch, length))
    mask = torch.ones_like(ids)
    mask[:, length * 3 // 4:] = 0
    labels = torch.arange(batch) % 2
    times = []
    for step in range(warm_up + steps):
        started = time.perf_counter()
        optimizer.zero_grad()
        loss = model(input_ids=ids * mask, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if method == "adalora":
            model.base_model.update_and_allocate(step)
        loss.item()
        if step >= warm_up:
            times.append((time.perf_counter() - started) * 1000)
    ms = statistics.median(times)
    print(json.dumps({
        "engine": f"pytorch {torch.__version__}", "method": method, "shape": shape, "batch": batch, "length": length,
        "threads": threads, "ms_per_step": round(ms, 2), "tokens_per_second": round(batch * length / ms * 1000),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
    }))


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[2] not in SHAPES:
        sys.exit(f"Usage: row.py METHOD SHAPE THREADS STEPS, with a shape of {', '.join(SHAPES)}")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
