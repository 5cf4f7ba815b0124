// thread_pool: uv_queue_work (src/threadpool.c). Workers share a queue under a mutex and sleep on a
// condition variable; whoever takes a request runs it without the mutex, puts it into the loop's
// own queue under another, and rings the loop with uv_async_send while it holds that.
// uv__work_done, the handle's callback, takes the whole queue and calls back. uv_cancel takes back
// what no worker has begun, and such a request ends through the same queue. A worker that finds the
// exit message puts it back for the next.
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "testsuite/libuv/loop.h"

namespace {

struct Work {
  std::function<void()> run;                     // In a worker.
  std::function<void(bool cancelled)> finished;  // In the loop.
  bool cancelled = false;
};

class Pool {
 public:
  Pool(Loop& loop, int workers) : loop_(loop) {
    done_.callback = [this] { Finish(); };
    done_.keeps_alive = false;  // The requests do.
    loop.Start(done_);
    for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { Serve(); });
  }
  ~Pool() {
    Submit(&exit_message_);
    for (std::thread& worker : workers_) worker.join();
    loop_.Close(done_);
  }

  void Queue(Work* work) {
    ++loop_.requests;
    Submit(work);
  }
  // Whether `work` had not begun; then it ends as cancelled.
  bool Cancel(Work* work) {
    {
      std::lock_guard lock(mutex_);
      const auto place = std::find(queue_.begin(), queue_.end(), work);
      if (place == queue_.end()) return false;
      queue_.erase(place);
    }
    work->cancelled = true;
    Done(work);
    return true;
  }

 private:
  void Submit(Work* work) {
    std::lock_guard lock(mutex_);
    queue_.push_back(work);
    // Nobody has to be woken where nobody sleeps: a worker looks again before it does.
    if (idle_ > 0) some_.notify_one();
  }
  void Serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (queue_.empty()) {
        ++idle_;
        some_.wait(lock);
        --idle_;
      }
      Work* work = queue_.front();
      if (work == &exit_message_) {
        some_.notify_one();  // It stays, for the next worker.
        return;
      }
      queue_.pop_front();
      lock.unlock();
      work->run();
      Done(work);
      lock.lock();
    }
  }
  void Done(Work* work) {
    std::lock_guard lock(done_mutex_);
    finished_.push_back(work);
    done_.Send();
  }
  void Finish() {
    std::list<Work*> finished;
    {
      std::lock_guard lock(done_mutex_);
      finished.swap(finished_);
    }
    for (Work* work : finished) {
      --loop_.requests;
      work->finished(work->cancelled);
    }
  }

  Loop& loop_;
  std::mutex mutex_, done_mutex_;
  std::condition_variable some_;
  std::list<Work*> queue_, finished_;
  int idle_ = 0;
  Work exit_message_;
  Async done_;
  std::vector<std::thread> workers_;
};

constexpr int kWorkers = 4;  // As libuv has without UV_THREADPOOL_SIZE.

}  // namespace

int main() {
  Loop loop;
  Pool pool(loop, kWorkers);

  // Each end begins the next piece, so the loop sleeps again and again.
  constexpr int kPieces = 24;
  Work pieces[kPieces];
  int squares[kPieces] = {}, ended = 0, begun = 0;
  const auto begin_next = [&] {
    if (begun < kPieces) pool.Queue(&pieces[begun++]);
  };
  for (int i = 0; i < kPieces; ++i) {
    pieces[i].run = [&squares, i] { squares[i] = i * i; };
    pieces[i].finished = [&](bool cancelled) {
      Must(!cancelled, "nobody cancelled it");
      ++ended;
      begin_next();
    };
  }
  for (int i = 0; i < kWorkers + 2; ++i) begin_next();
  loop.Run();
  int sum = 0;
  for (const int square : squares) sum += square;
  std::printf("%d pieces, sum of squares %d\n", ended, sum);

  // All workers are kept busy: what is queued behind them can be cancelled, what runs cannot.
  Gate gates[kWorkers], running;
  Work blockers[kWorkers], late;
  std::string log;
  for (int i = 0; i < kWorkers; ++i) {
    blockers[i].run = [&, i] {
      running.Open();
      gates[i].Pass();
    };
    blockers[i].finished = [&](bool cancelled) { log += cancelled ? " cancelled" : " ran"; };
    pool.Queue(&blockers[i]);
  }
  for (int i = 0; i < kWorkers; ++i) running.Pass();
  late.run = [] { Must(false, "a cancelled request does not run"); };
  late.finished = [&](bool cancelled) {
    log += cancelled ? " cancelled" : " ran";
    for (Gate& gate : gates) gate.Open();
  };
  pool.Queue(&late);
  Must(!pool.Cancel(&blockers[0]), "what runs cannot be cancelled");
  Must(pool.Cancel(&late), "what waits can");
  loop.Run();
  std::printf("in the end:%s\n", log.c_str());
  return 0;
}
