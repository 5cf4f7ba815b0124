"""The programs by which engines are measured, each built twice with one compiler: gcc, for the guest and for the host."""

load("//bazel:guest.bzl", "guest_binary")

# How often each does its work: about 0.25 s of processor time under qemu-riscv64.
WORKLOADS = {
    "big_numbers": 3600,
    "fib": 5000,
    "hash_map": 1800,
    "kernels": 5000,
    "matmul": 110,
    "nbody": 900,
    "parser": 1250,
    "records": 15000,
    "sha256": 4500,
    "sieve": 300,
    "text": 400,
    "vm": 270,
}

# What it costs to start.
STARTS = ["empty", "hello"]

# The flags that bazel/toolchain/config.bzl has for the guest. Not the compiler of pollux itself: that
# would compare two compilers, too.
_NATIVE = "gcc -O2 -g1 -funsigned-char -Wall -static -I. {copts} {sources} -lstdc++ -lm -o $@"

def _program(name, srcs, copts):
    guest_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        copts = copts,
    )
    sources = [src for src in srcs if not src.endswith(".h")]
    native.genrule(
        name = name + ".gcc",
        testonly = True,
        srcs = srcs,
        outs = [name + ".native"],
        cmd = _NATIVE.format(
            copts = " ".join(copts),
            sources = " ".join(["$(execpath %s)" % src for src in sources]),
        ),
    )

def workloads(copts):
    """Declares NAME.elf and NAME.native of all, and NAME, which runs under pollux.

    Args:
      copts: name -> flags for both builds.
    """
    for name, iterations in WORKLOADS.items():
        _program(
            name,
            [name + ".cc", "workload.h", "workload_main.cc"],
            ["-std=c++20", "-DITERATIONS=%d" % iterations] + copts.get(name, []),
        )
    for name in STARTS:
        _program(name, [name + ".c"], [])

def _files(name):
    return [name + ".native", name + ".elf"]

def _paths(name):
    return ",".join(["$(rootpath %s)" % file for file in _files(name)])

def runner_args():
    """--workload and --start for all, as the runner has them."""
    return [
        "--workload=%s,%d,%s" % (name, iterations, _paths(name))
        for name, iterations in WORKLOADS.items()
    ] + [
        "--start=%s,%s" % (name, _paths(name))
        for name in STARTS
    ]

def counted_args():
    """NAME,ITERATIONS,GUEST of the workloads."""
    return [
        "%s,%d,$(rootpath %s.elf)" % (name, iterations, name)
        for name, iterations in WORKLOADS.items()
    ]

def runner_data():
    """The files that runner_args names."""
    return [file for name in WORKLOADS.keys() + STARTS for file in _files(name)]
