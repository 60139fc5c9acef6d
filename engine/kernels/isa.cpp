#include "kernels/isa.h"

#include <array>
#include <cstdlib>

#include "runnel/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace runnel {
namespace {

constexpr std::array<std::string_view, 6> names{"scalar", "avx2", "avx2-vnni", "avx512", "avx512-vnni", "amx"};

#if defined(__x86_64__)
struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

std::uint64_t enabled_state() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32U) | low;
}

// Linux hands out the tiles' large register state on request only, per process.
bool may_use_tiles(std::uint64_t state) {
  constexpr std::uint64_t tile_state = 0x60000;
  constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long tile_data = 18;
  return (state & tile_state) == tile_state && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

constexpr bool bit(unsigned value, unsigned index) {
  return ((value >> index) & 1U) != 0;
}
#endif

Isa detect() {
#if defined(__x86_64__)
  const Registers basic = cpuid(1, 0);
  const bool os_saves_state = bit(basic.ecx, 27);
  if (!os_saves_state) return Isa::scalar;
  const std::uint64_t state = enabled_state();
  constexpr std::uint64_t avx_state = 0x6;      // SSE and AVX registers
  constexpr std::uint64_t avx512_state = 0xe6;  // and opmasks, upper halves, upper sixteen
  const Registers extended = cpuid(7, 0);
  const Registers more = cpuid(7, 1);
  const bool avx2 = bit(basic.ecx, 12) && bit(basic.ecx, 29) && bit(extended.ebx, 5);  // FMA, F16C, AVX2
  if ((state & avx_state) != avx_state || !avx2) return Isa::scalar;
  const bool avx512 =
      bit(extended.ebx, 16) && bit(extended.ebx, 17) && bit(extended.ebx, 30) && bit(extended.ebx, 31);  // F DQ BW VL
  if ((state & avx512_state) == avx512_state && avx512) {
    if (!bit(extended.ecx, 11)) return Isa::avx512;
    const bool tiles = bit(extended.edx, 24) && bit(extended.edx, 22);  // AMX-TILE, AMX-BF16
    return tiles && may_use_tiles(state) ? Isa::amx : Isa::avx512_vnni;
  }
  return bit(more.eax, 4) ? Isa::avx2_vnni : Isa::avx2;
#else
  return Isa::scalar;
#endif
}

bool machine_has(Isa isa) {
  const Isa best = best_isa();
  // AVX-VNNI is a bit of its own, which a processor with AVX-512 may lack.
  if (isa == Isa::avx2_vnni && best > Isa::avx2_vnni) {
#if defined(__x86_64__)
    return bit(cpuid(7, 1).eax, 4);
#endif
  }
  return isa <= best;
}

}  // namespace

std::string_view name_of(Isa isa) {
  return names.at(static_cast<std::size_t>(isa));
}

Isa best_isa() {
  static const Isa best = detect();
  return best;
}

Isa isa_from(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != name) continue;
    const Isa isa = static_cast<Isa>(i);
    if (!machine_has(isa)) {
      throw Error("The instruction level " + std::string(name) +
                  " is not available here; the best this machine has is " + std::string(name_of(best_isa())) + ".");
    }
    return isa;
  }
  throw Error("The instruction level \"" + std::string(name) +
              "\" is not known; it can be scalar, avx2, avx2-vnni, avx512, avx512-vnni or amx.");
}

Isa choose_isa(std::string_view wanted) {
  if (!wanted.empty()) return isa_from(wanted);
  const char* forced = std::getenv("RUNNEL_ISA");
  return forced != nullptr && *forced != '\0' ? isa_from(forced) : best_isa();
}

}  // namespace runnel
