"""Debian's copy of @platforms, with the newer values that upstream's BUILD files ask about."""

_DEBIAN = "/usr/share/bazel/platforms"

# Package -> constraint values that it must have. The setting is called like the package.
_VALUES = {
    "cpu": ["riscv64", "wasm32", "wasm64"],
    "os": ["emscripten", "wasi"],
}

# A target can say that it is compatible with no platform at all.
_INCOMPATIBLE = """
constraint_setting(name = "incompatible_setting")

constraint_value(
    name = "incompatible",
    constraint_setting = ":incompatible_setting",
    visibility = ["//visibility:public"],
)
"""

_VALUE = """
constraint_value(
    name = "{value}",
    constraint_setting = ":{package}",
)
"""

def _debian_platforms_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"platforms\")\n", executable = False)
    build = ctx.read(_DEBIAN + "/BUILD")
    if "\"incompatible\"" not in build:
        build += _INCOMPATIBLE
    ctx.file("BUILD", build, executable = False)
    for package, values in _VALUES.items():
        build = ctx.read("%s/%s/BUILD" % (_DEBIAN, package))
        for value in values:
            if "\"%s\"" % value not in build:
                build += _VALUE.format(value = value, package = package)
        ctx.file(package + "/BUILD", build, executable = False)

debian_platforms = repository_rule(
    implementation = _debian_platforms_impl,
    local = True,
    doc = "@platforms from Debian's package bazel-bootstrap-data.",
)
