// Floating point with divisions and square roots: bodies that attract each other. Compiled without
// fused multiply-adds (workloads.bzl): natively there are none, and the last bits would differ.
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

#include "benchmarks/engines/workload.h"

namespace {

struct Vector {
  double x, y, z;
};

struct Body {
  Vector position, velocity;
  double mass;
};

// A heavy one in the middle, and lighter ones around it.
using Bodies = std::array<Body, 6>;

Bodies Start() {
  Bodies bodies{};
  bodies[0].mass = 40;
  for (size_t i = 1; i < bodies.size(); ++i) {
    const double distance = 1.5 * static_cast<double>(i * i);
    // On a circle it would have this speed.
    const double speed = std::sqrt(bodies[0].mass / distance);
    const bool along_x = i % 2 != 0;
    bodies[i] = {.position = {along_x ? distance : 0, along_x ? 0 : -distance, 0.1 * distance},
                 .velocity = {along_x ? 0 : speed, along_x ? speed : 0, 0},
                 .mass = 0.01 * static_cast<double>(i)};
  }
  return bodies;
}

void Step(Bodies& bodies, double time) {
  for (size_t i = 0; i < bodies.size(); ++i) {
    Body& one = bodies[i];
    for (size_t j = i + 1; j < bodies.size(); ++j) {
      Body& other = bodies[j];
      const double x = other.position.x - one.position.x;
      const double y = other.position.y - one.position.y;
      const double z = other.position.z - one.position.z;
      const double square = x * x + y * y + z * z;
      const double pull = time / (square * std::sqrt(square));
      one.velocity.x += x * pull * other.mass;
      one.velocity.y += y * pull * other.mass;
      one.velocity.z += z * pull * other.mass;
      other.velocity.x -= x * pull * one.mass;
      other.velocity.y -= y * pull * one.mass;
      other.velocity.z -= z * pull * one.mass;
    }
  }
  for (Body& body : bodies) {
    body.position.x += time * body.velocity.x;
    body.position.y += time * body.velocity.y;
    body.position.z += time * body.velocity.z;
  }
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  constexpr int kSteps = 100;
  Bodies bodies = Start();
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    for (int step = 0; step < kSteps; ++step) Step(bodies, 0.001);
    for (const Body& body : bodies) {
      checksum = Mix(checksum, std::bit_cast<uint64_t>(body.position.x));
      checksum = Mix(checksum, std::bit_cast<uint64_t>(body.velocity.y));
    }
  }
  return checksum;
}
