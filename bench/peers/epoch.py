"""Trains one epoch as bench/epoch_ours.ts does, with shuffled batches as Hugging Face's examples make them.

Padded to the longest example of the task (`padding="max_length"`), or of each batch (`DataCollatorWithPadding`).
`deno task bench --epoch` starts it with an EpochRequest of bench/epoch.ts in JSON. Prints lines of JSON.
"""
import json
import sys
import time

import torch

from machine import peak_megabytes
from model import build, trainer


def main(request):
    torch.manual_seed(0)
    torch.set_num_threads(request["threads"])
    with open(request["examples"]) as file:
        examples = json.load(file)
    size, longest = request["batch"], request["longest"]
    step = trainer("lora", build("lora", request["config"], request["rank"]))
    order = torch.randperm(len(examples)).tolist()
    batches = [[examples[i] for i in order[start:start + size]] for start in range(0, len(order), size)]
    tokens, started = 0, time.perf_counter()
    for number, batch in enumerate(batches, 1):
        length = longest if request["padded"] else max(len(example["ids"]) for example in batch)
        ids = torch.zeros((len(batch), length), dtype=torch.long)
        mask = torch.zeros((len(batch), length), dtype=torch.long)
        for row, example in enumerate(batch):
            count = len(example["ids"])
            ids[row, :count] = torch.tensor(example["ids"])
            mask[row, :count] = 1
        step(number, ids, mask, torch.tensor([example["label"] for example in batch]))
        tokens += ids.numel()
        print(json.dumps(number / len(batches)), flush=True)
    print(json.dumps({
        "seconds": time.perf_counter() - started, "compiling_seconds": 0, "tokens": tokens, "steps": len(batches),
        "peak_rss_mb": peak_megabytes(),
    }))


main(json.loads(sys.argv[1]))
