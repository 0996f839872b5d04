"""A model, its optimizer and a training step in PyTorch with Hugging Face's DeBERTaV3 and PEFT, as bench/ has ours.

The same on both sides: random weights, dropout 0.1 wherever DeBERTaV3 has it, what trains (the whole head, which is pooler and
classifier, besides what the method adds or frees), LoRA of rank 8 and AdaLoRA of rank 12 on queries, keys and values, cross
entropy over two classes, gradients clipped to a common norm of 1, AdamW with decay on what is no bias and no LayerNorm (the
fused one, Trainer's default), float32, eager mode.

Different: AdaLoRA follows importances in every step on both sides, but shares out ranks in none that is timed (ours does that on
the host between steps, PEFT within its call). Ours trains word embeddings by the rows that a batch names, and puts off decay
and moments of all others: without clipping the numbers are those of the whole table bit for bit, with it up to the order of one
sum, that of the common norm. What was put off is done after the last step, and its time, divided by all steps (warm-up
included), is added to the median of a step. Of the last layer ours computes attention and feed-forward for the first token only
(queries, keys and values of all), and of padding attention alone: all else sees tokens only. Its graph is compiled before the
timed steps.
Ours draws the same dropout decisions on every machine; PyTorch draws its own.
"""
import torch
from peft import AdaLoraConfig, LoraConfig, get_peft_model
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

# Later than any step of a benchmark.
NEVER = 1_000_000


def build(method, config, rank=8):
    """A model that trains as the method says. `config` is a DebertaConfig of src/deberta/config.ts."""
    model = DebertaV2ForSequenceClassification(DebertaV2Config(
        hidden_size=config["hidden"], num_hidden_layers=config["layers"], num_attention_heads=config["heads"],
        intermediate_size=config["ffn"], vocab_size=config["vocabulary"], max_position_embeddings=config["maxPosition"],
        position_buckets=config["positionBuckets"], relative_attention=True, max_relative_positions=-1,
        position_biased_input=False, pos_att_type=["p2c", "c2p"], share_att_key=True, norm_rel_ebd="layer_norm",
        type_vocab_size=0, layer_norm_eps=config["layerNormEps"], hidden_dropout_prob=config["hiddenDropout"],
        attention_probs_dropout_prob=config["attentionDropout"], pooler_hidden_size=config["hidden"], pooler_dropout=0,
        pooler_hidden_act="gelu", num_labels=2, cls_dropout=0.1,
    ))
    adapter = dict(
        task_type="SEQ_CLS", target_modules=["query_proj", "key_proj", "value_proj"],
        modules_to_save=["pooler", "classifier"], lora_alpha=16, lora_dropout=0.0,
    )
    if method == "lora":
        model = get_peft_model(model, LoraConfig(r=rank, **adapter))
    elif method == "adalora":
        schedule = dict(init_r=12, target_r=8, tinit=NEVER, tfinal=NEVER, deltaT=1, total_step=3 * NEVER)
        model = get_peft_model(model, AdaLoraConfig(**schedule, **adapter))
    elif method == "bitfit":
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.endswith(".bias") or name.startswith(("pooler", "classifier"))
    elif method != "full-ft":
        raise SystemExit(f'Unknown method "{method}": expected one of lora, adalora, bitfit, full-ft')
    model.train()
    return model


def trainer(method, model):
    """The function that does one step on a batch and returns the loss."""
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plain = [p for name, p in trained if name.endswith(".bias") or "LayerNorm" in name]
    decayed = [p for name, p in trained if not (name.endswith(".bias") or "LayerNorm" in name)]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, fused=True)
    parameters = decayed + plain

    def step(number, ids, mask, labels):
        optimizer.zero_grad()
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if method == "adalora":
            model.base_model.update_and_allocate(number)
        return loss.item()

    return step
