// The structures of timers, as strace prints them.
#include <cstdint>

#include "absl/strings/str_format.h"
#include "shims/arg_printing.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/linux_abi.h"

namespace pollux::shims {
namespace {

bool PrintItimerspec(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  Result<GuestItimerspec> timer =
      view.memory().ReadObject<GuestItimerspec>(GuestAddr{view.args[i]});
  *out += timer.ok() ? absl::StrFormat("{it_interval=%s, it_value=%s}",
                                       TimespecText(timer->interval), TimespecText(timer->value))
                     : PointerText(view.args[i]);
  return true;
}

bool PrintItimerval(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  Result<GuestItimerval> timer = view.memory().ReadObject<GuestItimerval>(GuestAddr{view.args[i]});
  *out += timer.ok() ? absl::StrFormat("{it_interval=%s, it_value=%s}",
                                       TimevalText(timer->interval), TimevalText(timer->value))
                     : PointerText(view.args[i]);
  return true;
}

bool PrintSigevent(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  constexpr int32_t kSignal = 0, kThread = 2, kThreadId = 4;
  if (ShowsPointer(view, spec, i, out)) return true;
  Result<GuestSigevent> event = view.memory().ReadObject<GuestSigevent>(GuestAddr{view.args[i]});
  if (!event.ok()) {
    *out += PointerText(view.args[i]);
    return true;
  }
  const bool sends =
      event->notify == kSignal || event->notify == kThread || event->notify == kThreadId;
  absl::StrAppendFormat(
      out, "{sigev_value={sival_int=%d, sival_ptr=%s}, sigev_signo=%s, sigev_notify=%s",
      static_cast<int32_t>(event->value), PointerText(event->value),
      sends ? SignalText(event->signal) : absl::StrFormat("%d", event->signal),
      FlagText(kSigevNotify, static_cast<uint32_t>(event->notify)));
  if (event->notify == kThreadId)
    absl::StrAppendFormat(out, ", sigev_notify_thread_id=%d", event->thread);
  *out += "}";
  return true;
}

}  // namespace

const ArgType kItimerspecType{"struct itimerspec", PrintItimerspec};
const ArgType kItimervalType{"struct itimerval", PrintItimerval};
const ArgType kSigeventType{"struct sigevent", PrintSigevent};

}  // namespace pollux::shims
