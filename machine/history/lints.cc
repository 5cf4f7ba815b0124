#include "machine/history/lints.h"

#include <array>

#include "abi/check.h"

namespace pollux::machine {
namespace {

constexpr std::array kRows = {
    LintRow{
        LintKind::kClosedNumber, "closed_number",
        "epoll_wait returns an event for a number that is closed here",
        "The interest lives as long as the description, which another number or another process "
        "keeps open. Who looks the number up finds nothing, or crashes; nobody can delete the "
        "interest any more, and a level-triggered one returns for ever.",
        "EPOLL_CTL_DEL before close(), where a dup or a child may hold the description.",
        "epoll(7), Questions and answers, 6"},
    LintRow{LintKind::kReusedNumber, "reused_number",
            "epoll_wait returns an event for a number that means another description by now",
            "The number was closed and given out again, while the description that was registered "
            "under it lives on elsewhere. Its events are taken for those of the new one.",
            "EPOLL_CTL_DEL before close(); keep a generation beside the number in epoll_data.",
            "epoll(7), Questions and answers, 6"},
    LintRow{LintKind::kStaleEvent, "stale_event",
            "a number was closed and reused between an event and its handling",
            "An earlier event of the same batch, or another thread, closed the number, and a new "
            "descriptor got it. The event is of the one that is gone.",
            "Mark what is closed until the batch is done, or keep a generation beside the number.",
            "epoll(7), Possible pitfalls and ways to avoid them, \"If using an event cache\""},
    LintRow{LintKind::kOutlivedNumber, "outlived_number",
            "a number is closed, and what was registered under it lives on",
            "The interest stays until the last number of the description is closed, and can be "
            "deleted by nobody who has not another number for it.",
            "EPOLL_CTL_DEL before close().", "epoll(7), Questions and answers, 6"},
    LintRow{
        LintKind::kEdgeOnBlocking, "edge_on_blocking",
        "an edge-triggered interest in a descriptor without O_NONBLOCK",
        "It has to be read until EAGAIN, which a blocking descriptor never gives: the last read "
        "of each event waits.",
        "O_NONBLOCK, or level-triggered.", "epoll(7), Level-triggered and edge-triggered"},
    LintRow{LintKind::kUndrainedEdge, "undrained_edge",
            "a thread waits for what an edge has told already",
            "The event was returned once, and what it stood for was not read or written until "
            "EAGAIN. There is no second event without a new edge.",
            "Read until EAGAIN or a short read, or keep in mind that there is more.",
            "epoll(7), Questions and answers, 9"},
    LintRow{LintKind::kOneShotNotArmed, "one_shot_not_armed",
            "a thread waits for an interest that has fired and was not armed again",
            "EPOLLONESHOT disables the interest with its event.", "EPOLL_CTL_MOD after handling.",
            "epoll_ctl(2), EPOLLONESHOT"},
    LintRow{LintKind::kHerd, "herd", "one event woke threads that found nothing",
            "Several threads wait on one level-triggered instance, or several instances have one "
            "descriptor: all wake, one gets it, the others have worked for nothing or block in "
            "accept.",
            "EPOLLEXCLUSIVE for one descriptor in several instances; EPOLLET or EPOLLONESHOT for "
            "several threads on one.",
            "epoll_ctl(2), EPOLLEXCLUSIVE; fs/eventpoll.c, ep_poll_callback()"},
    LintRow{LintKind::kInheritedEpoll, "inherited_epoll",
            "an epoll descriptor is open across execve",
            "The new program holds all that is registered there alive, and never waits on it.",
            "EPOLL_CLOEXEC.", "epoll_create(2)"},
    LintRow{
        LintKind::kInterruptedCall, "interrupted_call",
        "a call failed with EINTR, was not repeated, and its program failed",
        "A handler without SA_RESTART interrupts; EINTR says that nothing was done. Of calls that "
        "move bytes, connect, or wait for children; told only of a run that fails.",
        "Repeat the call, or SA_RESTART where the call knows it.",
        "signal(7), Interruption of system calls and library functions by signal handlers"},
    LintRow{LintKind::kClosedUnderWaiter, "closed_under_waiter",
            "a descriptor is closed that another thread waits on",
            "The wait goes on with the description as if nothing had happened, and the number may "
            "mean something else when it ends.",
            "Wake the thread first: shutdown() for sockets, an eventfd for loops.",
            "close(2), Multithreaded processes and close()"},
    LintRow{LintKind::kLeakedChild, "leaked_child",
            "a process ends and leaves a child running, or hangs beside one that is a zombie",
            "Nobody learns how a child that was not waited for has ended, and its pid is not free "
            "before; one that runs on keeps what it has open, such as the pipe whose end "
            "somebody waits for. Told of a process that exits, or of one in a deadlock that does "
            "not wait for children; not of who ignores SIGCHLD, of a child in a session of its own "
            "(a daemon), or of one that is to be killed with its parent (PR_SET_PDEATHSIG).",
            "waitpid() for each child, SIGCHLD ignored, or setsid() in a child that shall live on.",
            "wait(2), Notes"},
};

}  // namespace

std::span<const LintRow> LintRows() { return kRows; }

const LintRow& RowOf(LintKind kind) {
  const LintRow& row = kRows[static_cast<size_t>(kind)];
  POLLUX_CHECK(row.kind == kind) << "the rows are not in the order of their kinds";
  return row;
}

}  // namespace pollux::machine
