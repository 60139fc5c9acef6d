#include "kernels/onednn/bf16_matmul.h"

#include <array>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/aligned_buffer.h"
#include "runnel/error.h"

// From libgomp, which oneDNN brings: each of our threads computes alone.
extern "C" void omp_set_num_threads(int threads);

namespace runnel {
namespace {

using dnnl::matmul;
using dnnl::memory;

using Shape = std::array<memory::dim, 4>;  // tokens, columns, rows, stride of the output

matmul::primitive_desc describe(const Shape& shape, const dnnl::engine& engine) {
  const auto [tokens, columns, rows, stride] = shape;
  const memory::desc x({tokens, columns}, memory::data_type::bf16, memory::dims{columns, 1});
  const memory::desc weights({columns, rows}, memory::data_type::bf16, memory::dims{rows, 1});
  const memory::desc out({tokens, rows}, memory::data_type::f32, memory::dims{stride, 1});
#if DNNL_VERSION_MAJOR >= 3
  return {engine, x, weights, out};
#else
  return {matmul::desc(x, weights, out), engine};
#endif
}

// oneDNN makes what all its users share when it is first used: that is done here by one thread, before many ask at
// once.
bool first_use() {
  constexpr Shape any{16, 32, 32, 32};
  try {
    const matmul product(describe(any, dnnl::engine(dnnl::engine::kind::cpu, 0)));
  } catch (const dnnl::error&) {
    return false;  // the products themselves will say it
  }
  return true;
}

}  // namespace

/// What one thread needs of its own.
struct Bf16Matmul::Worker {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::map<Shape, std::pair<matmul::primitive_desc, matmul>> products;
  AlignedBuffer<std::uint16_t> weights;  ///< [columns, rows]
  bool single_threaded = false;
};

Bf16Matmul::Bf16Matmul(const Kernels& kernels, int threads)
    : kernels_(kernels), workers_(std::make_unique<Worker[]>(static_cast<std::size_t>(threads))) {
  static const bool is_ready = first_use();
  (void)is_ready;
}
Bf16Matmul::~Bf16Matmul() = default;

bool Bf16Matmul::supported() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
      return true;
    default:
      return false;
  }
}

void Bf16Matmul::multiply(const PackedView& weights, int first, int last, const std::uint16_t* x, int tokens,
                          float* out, std::size_t stride, int thread) try {
  Worker& worker = workers_[static_cast<std::size_t>(thread)];
  if (!worker.single_threaded) omp_set_num_threads(1);
  worker.single_threaded = true;
  const int rows = (last - first) * group_rows;
  worker.weights.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(weights.columns));
  for (int group = first; group < last; ++group) {
    kernels_.unpack_bf16(weights, group, worker.weights.data() + (group - first) * group_rows,
                         static_cast<std::size_t>(rows));
  }
  const Shape shape{padded_tokens(tokens), weights.columns, rows, static_cast<memory::dim>(stride)};
  auto found = worker.products.find(shape);
  if (found == worker.products.end()) {
    const matmul::primitive_desc description = describe(shape, worker.engine);
    found = worker.products.emplace(shape, std::pair(description, matmul(description))).first;
  }
  const auto& [description, product] = found->second;
  // oneDNN takes inputs as void* too; it does not write to them.
  memory source(description.src_desc(), worker.engine, const_cast<std::uint16_t*>(x));
  memory matrix(description.weights_desc(), worker.engine, worker.weights.data());
  memory result(description.dst_desc(), worker.engine, out + static_cast<std::size_t>(first) * group_rows);
  product.execute(worker.stream, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, matrix}, {DNNL_ARG_DST, result}});
  worker.stream.wait();
} catch (const dnnl::error& error) {
  throw Error("oneDNN can't multiply matrices in bfloat16 here; choose a lower instruction level (isa) than amx.",
              error.what());
}

}  // namespace runnel
