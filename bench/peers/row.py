"""Times a training step as bench/row.ts times ours: other tokens in every step, a quarter of each row padded.

`deno task bench --peers` starts it with a Request of bench/request.ts in JSON. Prints one line of JSON.
"""
import json
import statistics
import sys
import time

import torch

from machine import peak_megabytes
from model import build, trainer


def main(request):
    torch.manual_seed(0)
    torch.set_num_threads(request["threads"])
    method, batch, length = request["method"], request["batch"], request["length"]
    step = trainer(method, build(method, request["config"]))
    mask = torch.ones((batch, length), dtype=torch.long)
    mask[:, (length * 3 + 3) // 4:] = 0
    labels = torch.arange(batch) % 2
    times, warm_up = [], max(2, request["steps"] // 4)
    for number in range(1, warm_up + request["steps"] + 1):
        started = time.perf_counter()
        step(number, torch.randint(1, request["config"]["vocabulary"], (batch, length)) * mask, mask, labels)
        if number > warm_up:
            times.append((time.perf_counter() - started) * 1000)
    ms = statistics.median(times)
    print(json.dumps({
        "engine": "pytorch", "method": method, "target": None, "shape": request["shape"], "batch": batch, "length": length,
        "threads": request["threads"], "ms_per_step": round(ms, 2), "tokens_per_second": round(batch * length / ms * 1000),
        "peak_rss_mb": peak_megabytes(),
    }))


main(json.loads(sys.argv[1]))
