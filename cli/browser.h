// Browser: a headless Chromium in which a test opens a page, with the keys and the mouse of
// somebody who looks at it. It is spoken to by the DevTools protocol, over a pipe: no port, no
// library.
//
// What the page throws is remembered (errors()). All calls wait for the browser, two minutes at
// most, and CHECK that it answers: a test cannot go on without.
#ifndef POLLUX_CLI_BROWSER_H_
#define POLLUX_CLI_BROWSER_H_

#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pollux::cli {

class Browser {
 public:
  // `profile`: a directory for what it keeps. kNotFound: there is no Chromium.
  static absl::StatusOr<std::unique_ptr<Browser>> Start(const std::string& profile);
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  // Of the window from now on.
  void Resize(int width, int height);
  void PreferDark(bool dark);
  // A file of this machine, until all of it is loaded and drawn.
  void Open(const std::string& path);
  // What an expression of JavaScript is, in the scope of the page's scripts; a promise is waited
  // for. An exception is one of errors(), and null.
  nlohmann::json Evaluate(const std::string& expression);
  // After the page has drawn what it was told.
  void Settle();

  // In pixels of the window.
  void Click(double x, double y);
  void Drag(double x, double y, double to_x);
  // `delta` as of a wheel: 100 is a notch towards the user.
  void Wheel(double x, double y, double delta);
  // A character, or a name as of KeyboardEvent.key: "ArrowLeft", "Enter", "Escape".
  void Press(const std::string& key);
  void Type(std::string_view text);

  // As a PNG file; false: it cannot be written.
  bool Screenshot(const std::string& path);
  // Exceptions that nobody has caught, errors that were logged, such as what a policy has blocked.
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  Browser() = default;
  nlohmann::json Call(const std::string& method, nlohmann::json params = nlohmann::json::object());
  nlohmann::json Receive();
  void Note(const nlohmann::json& event);
  void Mouse(const std::string& type, double x, double y, nlohmann::json more);

  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
  std::string received_, session_;
  int last_id_ = 0;
  bool loaded_ = false;
  std::vector<std::string> errors_;
};

}  // namespace pollux::cli

#endif  // POLLUX_CLI_BROWSER_H_
