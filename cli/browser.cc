#include "cli/browser.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>
#include <utility>

#include "abi/check.h"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace pollux::cli {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr char kProgram[] = "chromium";
constexpr milliseconds kPatience{120'000};
// --remote-debugging-pipe: the browser reads from the first and writes to the second.
constexpr int kBrowserReads = 3, kBrowserWrites = 4;

struct Pipe {
  int read = -1, write = -1;
};
// Above the numbers that the browser is to have, so that moving one there overwrites none.
Pipe MakePipe() {
  int ends[2];
  POLLUX_CHECK(pipe2(ends, O_CLOEXEC) == 0) << "the host gives no pipe";
  Pipe pipe{fcntl(ends[0], F_DUPFD_CLOEXEC, 10), fcntl(ends[1], F_DUPFD_CLOEXEC, 10)};
  close(ends[0]);
  close(ends[1]);
  return pipe;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Browser>> Browser::Start(const std::string& profile) {
  signal(SIGPIPE, SIG_IGN);
  const Pipe commands = MakePipe(), answers = MakePipe();
  std::vector<std::string> words = {
      kProgram,
      "--headless",
      "--remote-debugging-pipe",
      // The page is our own, and this may be root, or in a sandbox that allows no second one.
      "--no-sandbox",
      // A test's machine may have no graphics, and a small /dev/shm.
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-breakpad",
      "--no-first-run",
      "--hide-scrollbars",
      "--force-device-scale-factor=1",
      absl::StrCat("--user-data-dir=", profile),
      "about:blank",
  };
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // It keeps more than its profile below HOME, which is not there in a sandbox.
  std::vector<std::string> settings = {absl::StrCat("HOME=", profile)};
  std::vector<char*> environment;
  for (char** setting = environ; *setting != nullptr; ++setting) {
    if (!std::string_view(*setting).starts_with("HOME=")) environment.push_back(*setting);
  }
  for (std::string& setting : settings) environment.push_back(setting.data());
  environment.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, commands.read, kBrowserReads);
  posix_spawn_file_actions_adddup2(&actions, answers.write, kBrowserWrites);
  // What it says on stderr, of buses and services that are not there, would hide what a test says.
  posix_spawn_file_actions_addopen(&actions, 2, absl::StrCat(profile, "/stderr").c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // So that all its processes can be ended with it.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const absl::Cleanup destroy = [&] {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(commands.read);
    close(answers.write);
  };
  std::unique_ptr<Browser> browser(new Browser);
  browser->to_ = commands.write;
  browser->from_ = answers.read;
  const int error = posix_spawnp(&browser->pid_, kProgram, &actions, &attributes, arguments.data(),
                                 environment.data());
  if (error == ENOENT)
    return absl::NotFoundError("there is no chromium here: `./bazelw test` installs it");
  if (error != 0) return absl::ErrnoToStatus(error, kProgram);

  const json made = browser->Call("Target.createTarget", {{"url", "about:blank"}});
  browser->session_ =
      browser->Call("Target.attachToTarget", {{"targetId", made.at("targetId")}, {"flatten", true}})
          .at("sessionId");
  for (const char* const domain : {"Page", "Runtime", "Log"})
    browser->Call(absl::StrCat(domain, ".enable"));
  return browser;
}

Browser::~Browser() {
  // It ends when nobody can speak to it any more, and its processes with it.
  close(to_);
  close(from_);
  if (pid_ <= 0) return;
  for (int tries = 0; tries < 100 && waitpid(pid_, nullptr, WNOHANG) == 0; ++tries)
    std::this_thread::sleep_for(milliseconds(50));
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

// ---- The protocol: JSON with a NUL behind it.

json Browser::Receive() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  size_t end;
  while ((end = received_.find('\0')) == std::string::npos) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd pipe{from_, POLLIN, 0};
    POLLUX_CHECK(left.count() > 0 && poll(&pipe, 1, static_cast<int>(left.count())) >= 0)
        << "the browser has not answered for two minutes";
    if (pipe.revents == 0) continue;
    char bytes[1 << 16];
    const ssize_t count = read(from_, bytes, sizeof bytes);
    POLLUX_CHECK(count > 0) << "the browser has ended";
    received_.append(bytes, static_cast<size_t>(count));
  }
  json message = json::parse(received_.substr(0, end));
  received_.erase(0, end + 1);
  return message;
}

json Browser::Call(const std::string& method, json params) {
  json call = {{"id", ++last_id_}, {"method", method}, {"params", std::move(params)}};
  if (!session_.empty()) call["sessionId"] = session_;
  std::string text = call.dump();
  text += '\0';
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t count = write(to_, rest.data(), rest.size());
    POLLUX_CHECK(count > 0) << "the browser has ended";
    rest.remove_prefix(static_cast<size_t>(count));
  }
  for (;;) {
    const json message = Receive();
    if (!message.contains("id")) {
      Note(message);
      continue;
    }
    if (message.at("id") != last_id_) continue;
    POLLUX_CHECK(message.contains("result")) << method << ": " << message.dump();
    return message.at("result");
  }
}

void Browser::Note(const json& event) {
  const std::string& method = event.at("method").get_ref<const std::string&>();
  if (method == "Page.loadEventFired") loaded_ = true;
  if (method == "Runtime.exceptionThrown")
    errors_.push_back(event.at("params").at("exceptionDetails").dump());
  if (method == "Log.entryAdded" && event.at("params").at("entry").at("level") == "error")
    errors_.push_back(event.at("params").at("entry").dump());
}

// ---- What somebody does who looks at a page.

void Browser::Resize(int width, int height) {
  Call("Emulation.setDeviceMetricsOverride",
       {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", false}});
}

void Browser::PreferDark(bool dark) {
  Call("Emulation.setEmulatedMedia",
       {{"features",
         json::array({{{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}}})}});
}

void Browser::Open(const std::string& path) {
  loaded_ = false;
  Call("Page.navigate", {{"url", absl::StrCat("file://", path)}});
  while (!loaded_) Note(Receive());
  Settle();
}

json Browser::Evaluate(const std::string& expression) {
  const json answer =
      Call("Runtime.evaluate",
           {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}});
  if (answer.contains("exceptionDetails")) {
    errors_.push_back(absl::StrCat(expression, ": ", answer.at("exceptionDetails").dump()));
    return nullptr;
  }
  return answer.at("result").value("value", json());
}

void Browser::Settle() {
  Evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
}

void Browser::Mouse(const std::string& type, double x, double y, json more) {
  more.update({{"type", type}, {"x", x}, {"y", y}});
  Call("Input.dispatchMouseEvent", std::move(more));
}

void Browser::Click(double x, double y) {
  const json left = {{"button", "left"}, {"clickCount", 1}};
  Mouse("mouseMoved", x, y, json::object());
  Mouse("mousePressed", x, y, left);
  Mouse("mouseReleased", x, y, left);
  Settle();
}

void Browser::Drag(double x, double y, double to_x) {
  constexpr int kMoves = 8;
  const json left = {{"button", "left"}, {"clickCount", 1}};
  Mouse("mousePressed", x, y, left);
  for (int i = 1; i <= kMoves; ++i)
    Mouse("mouseMoved", x + (to_x - x) * i / kMoves, y, {{"button", "left"}, {"buttons", 1}});
  Mouse("mouseReleased", to_x, y, left);
  Settle();
}

void Browser::Wheel(double x, double y, double delta) {
  Mouse("mouseWheel", x, y, {{"deltaX", 0}, {"deltaY", delta}});
  Settle();
}

void Browser::Press(const std::string& key) {
  struct Named {
    std::string_view name;
    int code;
  };
  constexpr Named kNamed[] = {{"Enter", 13},   {"Escape", 27},     {"ArrowLeft", 37},
                              {"ArrowUp", 38}, {"ArrowRight", 39}, {"ArrowDown", 40}};
  json event = {{"type", "keyDown"}, {"key", key}};
  if (key.size() == 1) event["text"] = key;
  if (key == "Enter") event["text"] = "\r";
  for (const Named& named : kNamed) {
    if (named.name == key) event["windowsVirtualKeyCode"] = named.code;
  }
  Call("Input.dispatchKeyEvent", event);
  event["type"] = "keyUp";
  event.erase("text");
  Call("Input.dispatchKeyEvent", event);
  Settle();
}

void Browser::Type(std::string_view text) {
  for (const char c : text) Press(std::string(1, c));
}

bool Browser::Screenshot(const std::string& path) {
  const std::string data = Call("Page.captureScreenshot").at("data");
  std::string bytes;
  std::ofstream file(path, std::ios::binary);
  return absl::Base64Unescape(data, &bytes) && file.write(bytes.data(), bytes.size()).flush();
}

}  // namespace pollux::cli
