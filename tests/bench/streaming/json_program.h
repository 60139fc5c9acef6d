#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

namespace runnel {

/// The main function of a program that measures: parses its arguments and prints what `measure` gives as JSON. What
/// goes wrong is a sentence on standard error and the exit code 1.
template <typename Measure>
int print_json(CLI::App& app, int argc, char** argv, const Measure& measure) {
  CLI11_PARSE(app, argc, argv);
  try {
    std::cout << measure().dump(1) << "\n";
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}

}  // namespace runnel
