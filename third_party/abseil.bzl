"""The labels of Abseil: upstream's package -> its targets.

A target is offered where Debian's Abseil has it, so the table may name targets that only newer
versions have (absl/log). "target=module" where the pkg-config module is not absl_<target>.
"""

_LABELS = {
    "absl/algorithm": ["algorithm", "container=algorithm_container"],
    "absl/base": [
        "base",
        "config",
        "core_headers",
        "dynamic_annotations",
        "endian",
        "errno_saver",
        "log_severity",
        "no_destructor",
        "nullability",
        "prefetch",
        "raw_logging_internal",
        "strerror",
    ],
    "absl/cleanup": ["cleanup"],
    "absl/container": [
        "btree",
        "fixed_array",
        "flat_hash_map",
        "flat_hash_set",
        "inlined_vector",
        "node_hash_map",
        "node_hash_set",
    ],
    "absl/crc": ["crc32c"],
    "absl/debugging": [
        "debugging",
        "failure_signal_handler",
        "leak_check",
        "stacktrace",
        "symbolize",
    ],
    "absl/flags": [
        "commandlineflag=flags_commandlineflag",
        "config=flags_config",
        "flag=flags",
        "marshalling=flags_marshalling",
        "parse=flags_parse",
        "program_name=flags_program_name",
        "reflection=flags_reflection",
        "usage=flags_usage",
    ],
    "absl/functional": ["any_invocable", "bind_front", "function_ref", "overload"],
    "absl/hash": ["hash"],
    "absl/log": [
        "absl_check",
        "absl_log",
        "check",
        "die_if_null",
        "flags=log_flags",
        "globals=log_globals",
        "initialize=log_initialize",
        "log",
        "log_entry",
        "log_sink",
        "log_sink_registry",
        "log_streamer",
        "structured=log_structured",
        "vlog_is_on",
    ],
    "absl/memory": ["memory"],
    "absl/meta": ["type_traits"],
    "absl/numeric": ["bits", "int128", "representation=numeric_representation"],
    "absl/random": [
        "bit_gen_ref=random_bit_gen_ref",
        "distributions=random_distributions",
        "random=random_random",
        "seed_gen_exception=random_seed_gen_exception",
        "seed_sequences=random_seed_sequences",
    ],
    "absl/status": ["status", "statusor"],
    "absl/strings": ["cord", "has_ostream_operator", "str_format", "string_view", "strings"],
    "absl/synchronization": ["synchronization"],
    "absl/time": ["civil_time", "time", "time_zone"],
    "absl/types": [
        "any",
        "bad_any_cast",
        "bad_optional_access",
        "bad_variant_access",
        "compare",
        "optional",
        "span",
        "variant",
    ],
    "absl/utility": ["if_constexpr", "utility"],
}

def abseil_targets():
    """package:target -> pkg-config module, for debian_library."""
    targets = {}
    for package, entries in _LABELS.items():
        for entry in entries:
            target, _, module = entry.partition("=")
            targets[package + ":" + target] = "absl_" + (module or target)
    return targets
