#include "shims/syscall_table.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

TEST(SyscallTable, AscendsByNumberWithoutTwins) {
  int last = -1;
  std::set<std::string> names;
  for (const SyscallRow& row : SyscallTable()) {
    EXPECT_GT(row.number, last) << row.name;
    last = row.number;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
}

TEST(SyscallTable, FindsEveryRowByNumberAndByName) {
  for (const SyscallRow& row : SyscallTable()) {
    EXPECT_EQ(FindSyscall(uint64_t{row.number}), &row);
    EXPECT_EQ(FindSyscall(std::string_view(row.name)), &row);
  }
  EXPECT_EQ(FindSyscall(uint64_t{38}), nullptr);  // renameat, which riscv64 does not have.
  EXPECT_EQ(FindSyscall(uint64_t{470}), nullptr);
  EXPECT_EQ(FindSyscall(UINT64_MAX), nullptr);
}

TEST(SyscallTable, RowsAreWhole) {
  for (const SyscallRow& row : SyscallTable()) {
    SCOPED_TRACE(row.name);
    EXPECT_NE(row.handler, nullptr);
    const bool noted = row.support == Support::kPartial || row.support == Support::kRefused;
    EXPECT_EQ(row.note[0] != '\0', noted);
    EXPECT_EQ(row.handler == &SysUnsupported, row.support == Support::kUnsupported);
    EXPECT_EQ(row.handler == &SysRefused, row.support == Support::kRefused);
    for (int i = 0; i < row.arg_count(); ++i) {
      const ArgSpec& spec = row.args[i];
      EXPECT_NE(spec.name, nullptr);
      // A length names another argument of the same call.
      EXPECT_LT(spec.length, row.arg_count());
      EXPECT_NE(spec.length, i);
      if (spec.type == &kFlagsType) {
        EXPECT_NE(spec.flags, nullptr);
      }
    }
    for (int i = row.arg_count(); i < kMaxArgs; ++i)
      EXPECT_EQ(row.args[i].type, nullptr) << "a hole";
  }
}

// What the shell command prints.
std::string Output(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  while (size_t bytes = fread(buffer, 1, sizeof(buffer), pipe)) text.append(buffer, bytes);
  pclose(pipe);
  return text;
}

// The numbers of the cross compiler's headers, which may be older than 6.18.
std::map<std::string, int> HeaderNumbers() {
  const std::string compiler = "riscv64-linux-gnu-gcc -E -P";
  const std::string include = "#include <asm/unistd.h>\\n";
  std::string program = include;
  for (absl::string_view line : absl::StrSplit(
           Output(absl::StrCat("printf '", include, "' | ", compiler, " -dM -")), '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    constexpr char kPrefix[] = "__NR_";
    if (words.size() < 3 || words[1].substr(0, 5) != kPrefix) continue;
    // A colon keeps the name itself from being expanded.
    absl::StrAppend(&program, "entry:", words[1].substr(5), ":", words[1], "\\n");
  }
  std::map<std::string, int> numbers;
  for (absl::string_view line :
       absl::StrSplit(Output(absl::StrCat("printf '", program, "' | ", compiler, " -")), '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ':');
    if (parts.size() != 3 || parts[0] != "entry") continue;
    int sum = 0;
    bool good = true;
    // "63", "(244 + 15)"
    for (absl::string_view term :
         absl::StrSplit(parts[2], absl::ByAnyChar("()+ "), absl::SkipWhitespace())) {
      int value = 0;
      good = good && absl::SimpleAtoi(term, &value);
      sum += value;
    }
    if (good) numbers[std::string(parts[1])] = sum;
  }
  return numbers;
}

TEST(SyscallTable, NumbersAreTheCrossCompilersHeaders) {
  const std::map<std::string, int> numbers = HeaderNumbers();
  ASSERT_GT(numbers.size(), 300u) << "riscv64-linux-gnu-gcc and its headers are needed";
  for (const auto& [name, number] : numbers) {
    if (name == "syscalls" || name == "arch_specific_syscall") continue;  // Not calls.
    const SyscallRow* row = FindSyscall(std::string_view(name));
    ASSERT_NE(row, nullptr) << name;
    EXPECT_EQ(row->number, number) << name;
  }
  // And nothing between them that they do not have.
  for (const SyscallRow& row : SyscallTable()) {
    const int last_known = numbers.at("set_mempolicy_home_node");
    if (row.number > last_known || std::string_view(row.name) == "riscv_hwprobe") continue;
    EXPECT_TRUE(numbers.count(row.name)) << row.name;
  }
}

TEST(SyscallTable, HasWhatLinux618AddedToOlderHeaders) {
  const std::map<int, const char*> newer = {{258, "riscv_hwprobe"},
                                            {451, "cachestat"},
                                            {452, "fchmodat2"},
                                            {453, "map_shadow_stack"},
                                            {454, "futex_wake"},
                                            {455, "futex_wait"},
                                            {456, "futex_requeue"},
                                            {457, "statmount"},
                                            {458, "listmount"},
                                            {459, "lsm_get_self_attr"},
                                            {460, "lsm_set_self_attr"},
                                            {461, "lsm_list_modules"},
                                            {462, "mseal"},
                                            {463, "setxattrat"},
                                            {464, "getxattrat"},
                                            {465, "listxattrat"},
                                            {466, "removexattrat"},
                                            {467, "open_tree_attr"},
                                            {468, "file_getattr"},
                                            {469, "file_setattr"}};
  for (const auto& [number, name] : newer) {
    const SyscallRow* row = FindSyscall(static_cast<uint64_t>(number));
    ASSERT_NE(row, nullptr) << name;
    EXPECT_STREQ(row->name, name);
  }
}

TEST(FlagText, NamesBitsAndShowsTheRest) {
  EXPECT_EQ(FlagText(kEpollEvents, 0x80000001), "EPOLLIN|EPOLLET");
  EXPECT_EQ(FlagText(kEpollEvents, 0x40001), "EPOLLIN|0x40000");
  EXPECT_EQ(FlagText(kEpollEvents, 0), "0");
  EXPECT_EQ(FlagText(kProtFlags, 0x40), "0x40 /* PROT_??? */");
  EXPECT_EQ(FlagText(kProtFlags, 0), "PROT_NONE");
  EXPECT_EQ(FlagText(kAccessModes, 0), "F_OK");
  EXPECT_EQ(FlagText(kClockIds, 55), "0x37 /* CLOCK_??? */");
  EXPECT_EQ(FlagText(kOpenFlags, 0), "O_RDONLY");
  EXPECT_EQ(FlagText(kOpenFlags, 02 | 02000000), "O_RDWR|O_CLOEXEC");
  EXPECT_EQ(FlagText(kOpenFlags, 01 | 04010000), "O_WRONLY|O_SYNC");
  EXPECT_EQ(FlagText(kMapFlags, 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
  EXPECT_EQ(FlagText(kSocketTypes, 1 | 04000), "SOCK_STREAM|SOCK_NONBLOCK");
  EXPECT_EQ(FlagText(kStatxMask, 0x17ff), "STATX_BASIC_STATS|STATX_MNT_ID");
}

}  // namespace
}  // namespace pollux::shims
