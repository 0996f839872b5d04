"""What a process says of itself: the versions of the libraries (printed, if run), and the most memory it has held."""
import json
import platform
import resource

import peft
import torch
import transformers

VERSIONS = {
    "python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__,
    "peft": peft.__version__,
}


def peak_megabytes():
    """The kernel's count where there is one, as bench/memory.ts reads it: getrusage() begins with the parent's peak."""
    try:
        with open("/proc/self/status") as status:
            return round(next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024 / 1e6)
    except OSError:
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)  # not Linux: bytes on macOS


if __name__ == "__main__":
    print(json.dumps(VERSIONS))
