#!/usr/bin/python3
"""The model of train_full in PyTorch: the peer of bench/trainer/beside_pytorch.py.

One sequence of the built-in text an iteration, the same architecture, Adam and precision; eager mode, nothing exotic.
Prints one line of JSON: iterations per second (after a warm-up of a tenth), the processor time of the fastest iteration
(to be set beside trainer_bench where others use the machine; one thread), and the peak of resident memory.
"""
import argparse
import json
import math
import os
import resource
import time

MODES = {  # width, heads, layers, hidden, context, learning rate: lib/trainer/modes.h
    "tiny": (64, 2, 1, 128, 32, 3e-3),
    "small": (128, 4, 2, 512, 64, 1e-3),
    "medium": (256, 8, 4, 512, 128, 5e-4),
    "large": (512, 8, 4, 1024, 128, 3e-4),
}


def make_model(torch, vocabulary, width, heads, layers, hidden, positions=128):
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

        def forward(self, x, mask):
            length = x.shape[0]
            q, k, v = self.qkv(self.norm1(x)).view(length, 3, heads, width // heads).permute(1, 2, 0, 3)
            scores = (q @ k.transpose(-2, -1)) / math.sqrt(width // heads)
            p = torch.softmax(scores.masked_fill(mask, float("-inf")), dim=-1)
            x = x + self.out((p @ v).transpose(0, 1).reshape(length, width))
            return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.symbols, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
            self.blocks = nn.ModuleList(Block() for _ in range(layers))
            self.norm, self.logits = nn.LayerNorm(width), nn.Linear(width, vocabulary)

        def forward(self, tokens, mask):
            x = self.symbols(tokens) + self.positions.weight[: tokens.shape[0]]
            for block in self.blocks:
                x = block(x, mask)
            return self.logits(self.norm(x))

    return Transformer()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--precision", choices=["f32", "f64"], default="f64")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)

    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64 if options.precision == "f64" else torch.float32)
    width, heads, layers, hidden, context, rate = MODES[options.mode]
    vocabulary = 35  # of the built-in text
    model = make_model(torch, vocabulary, width, heads, layers, hidden)
    adam = torch.optim.Adam(model.parameters(), lr=rate)
    text = torch.randint(vocabulary, (432,))
    mask = torch.ones(context, context, dtype=torch.bool).triu(1)

    warm_up = max(3, options.iterations // 10)
    start = 0.0
    fastest = math.inf
    for i in range(warm_up + options.iterations):
        if i == warm_up:
            start = time.perf_counter()
        began = time.process_time()
        at = (i * 7) % (432 - context - 1)
        loss = torch.nn.functional.cross_entropy(model(text[at : at + context], mask), text[at + 1 : at + context + 1])
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        fastest = min(fastest, time.process_time() - began)
    seconds = time.perf_counter() - start
    print(json.dumps({"iterations_per_second": options.iterations / seconds,
                      "fastest_iteration_cpu_seconds": fastest,
                      "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
