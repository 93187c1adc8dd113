#!/usr/bin/python3
"""train_full beside PyTorch, in pairs: iterations per second, peak resident memory, and the ratio.

    bench/trainer/beside_pytorch.py [--build build/release] [--rounds 3] [tiny small medium large]

PyTorch is Debian's python3-torch. Its OpenBLAS takes many virtual machines for an old processor; therefore each kernel is
tried once and the fastest is its own. A round runs both one after the other, so that noise meets both.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ITERATIONS = {"tiny": (3000, 400), "small": (300, 100), "medium": (40, 15), "large": (12, 6)}  # ours, PyTorch's


def run(command, **environment):
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if finished.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{finished.stderr}")
    return finished.stdout


def ours(train_full, mode, precision, threads):
    output = run([train_full, f"--{mode}", "--iterations", str(ITERATIONS[mode][0]), "--sample-every", "0",
                  "--precision", precision, "--threads", str(threads)])
    peak, speed = re.search(r"^done: .* peak RSS ([\d.]+) MB; ([\d.]+) it/s$", output, re.MULTILINE).groups()
    return float(speed), float(peak) * 1e6


def pytorch(mode, precision, threads, kernel, iterations=None):
    output = run([sys.executable, HERE / "pytorch_trainer.py", mode, "--precision", precision, "--threads",
                  str(threads), "--iterations", str(iterations or ITERATIONS[mode][1])],
                 **({"OPENBLAS_CORETYPE": kernel} if kernel else {}))
    result = json.loads(output)
    return result["iterations_per_second"], result["peak_rss_bytes"]


def fastest_setting(mode, precision):
    """PyTorch's best: over the kernels of OpenBLAS and over one and two threads."""
    quick = max(4, ITERATIONS[mode][1] // 3)
    settings = [(threads, kernel) for threads in (1, 2) for kernel in (None, "Haswell", "SkylakeX", "Zen")]
    return max(settings, key=lambda s: pytorch(mode, precision, *s, quick)[0])


def compare(train_full, mode, precision, rounds):
    peer_threads, kernel = fastest_setting(mode, precision)
    speeds = {1: [], 2: [], "peer": []}
    ratios = {1: [], 2: []}
    for _ in range(rounds):
        peer, peer_peak = pytorch(mode, precision, peer_threads, kernel)
        speeds["peer"].append(peer)
        for threads in (1, 2):
            speed, peak = ours(train_full, mode, precision, threads)
            speeds[threads].append(speed)
            ratios[threads].append(speed / peer)
    median = statistics.median
    print(f"{mode:7} {precision}  {median(speeds[1]):8.1f} {median(speeds[2]):8.1f} {peak / 1e6:7.1f}"
          f"   {median(speeds['peer']):8.1f} {peer_peak / 1e6:7.1f}  {peer_threads}, {kernel or 'its own choice':14}"
          f"  {median(ratios[1]):5.2f} {median(ratios[2]):5.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modes", nargs="*", default=["tiny", "small", "medium", "large"])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", nargs="+", default=["f64", "f32"])
    options = parser.parse_args()
    if unknown := set(options.modes) - set(ITERATIONS):
        parser.error(f"no mode is called {', '.join(unknown)}")
    if importlib.util.find_spec("torch") is None:
        print("skipped: PyTorch is not installed (Debian: apt-get install python3-torch, and run with /usr/bin/python3)")
        return
    train_full = pathlib.Path(options.build) / "bin" / "train_full"
    if not train_full.exists():
        sys.exit(f"{train_full} is not there: build it, or name the build with --build")
    print("                  train_full it/s          PyTorch                             train_full / PyTorch")
    print("mode    prec.  1 thread  2 thr.  MB peak     it/s  MB peak  threads, kernel        1 thread 2 threads")
    for mode in options.modes:
        for precision in options.precision:
            compare(train_full, mode, precision, options.rounds)


if __name__ == "__main__":
    main()
