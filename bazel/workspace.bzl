"""pollux_workspace: all that a WORKSPACE needs to build pollux or to use @pollux//bazel:guest.bzl.

    local_repository(name = "pollux", path = "...")
    load("@pollux//bazel:workspace.bzl", "pollux_workspace")
    pollux_workspace()
"""

load("//third_party:repositories.bzl", "pollux_repositories")

def pollux_workspace():
    """Defines the external repositories and registers the tool chain of guest programs."""
    pollux_repositories()
    native.register_toolchains("@pollux//bazel/toolchain:riscv64_guest")
