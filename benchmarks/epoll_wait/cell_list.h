// The cells of the benchmark: a row each in cell_list.cc.
#ifndef POLLUX_BENCHMARKS_EPOLL_WAIT_CELL_LIST_H_
#define POLLUX_BENCHMARKS_EPOLL_WAIT_CELL_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/epoll_wait/cells.h"

namespace pollux::benchmarks {

struct Cell {
  std::string name;
  SceneKind scene;
  uint32_t size;
  Loop loop;
  uint32_t ready;
  uint32_t calls;  // In a batch: some tenths of a millisecond.
};

// `tiny`: small scenes and few calls, to see that all of it works.
std::vector<Cell> AllCells(bool tiny);

// The two whose ratio says whether what is idle costs anything.
uint32_t MostRegistered();
std::string FewRegisteredName();
std::string MostRegisteredName();

}  // namespace pollux::benchmarks

#endif  // POLLUX_BENCHMARKS_EPOLL_WAIT_CELL_LIST_H_
