#include <QTest>

#include "engine/host/machine.h"
#include "host/memory.h"

using namespace runnel;

namespace {

constexpr std::size_t gigabyte = 1'000'000'000;

/// A machine with 8,000,000 kB of memory available.
class Computer : public Machine {
 public:
  Computer() {
    file("proc/meminfo", "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\nHugePages_Total:   0\n");
  }

  /// Limit, use and statistics of a group of version 2.
  Computer& v2(const std::string& group, std::string_view max, std::string_view current, std::string_view stat = "") {
    file("sys/fs/cgroup/" + group + "/memory.max", max);
    file("sys/fs/cgroup/" + group + "/memory.current", current);
    file("sys/fs/cgroup/" + group + "/memory.stat", stat);
    return *this;
  }
  Computer& v1(const std::string& group, std::string_view limit, std::string_view usage, std::string_view stat = "") {
    file("sys/fs/cgroup/memory/" + group + "/memory.limit_in_bytes", limit);
    file("sys/fs/cgroup/memory/" + group + "/memory.usage_in_bytes", usage);
    file("sys/fs/cgroup/memory/" + group + "/memory.stat", stat);
    return *this;
  }
  std::size_t available() const { return available_memory(root()).value(); }
};

}  // namespace

class MemoryTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void without_groups_the_system_decides();
  void nothing_is_known_without_any_files();
  void the_own_group_bounds();
  void the_tightest_of_nested_groups_bounds();
  void a_container_sees_its_limit_at_the_root();
  void what_can_be_given_back_is_available();
  void a_full_group_has_nothing_left();
  void a_limit_above_what_the_system_has_bounds_nothing();
  void the_brake_of_version_2_counts_as_a_limit();
  void version_1_has_its_own_files();
  void other_hierarchies_have_no_say();
  void this_machine_has_some();
};

void MemoryTest::without_groups_the_system_decides() {
  QCOMPARE(Computer().available(), std::size_t{8'192'000'000});
}

void MemoryTest::nothing_is_known_without_any_files() {
  QVERIFY(!available_memory(Machine().root()).has_value());
}

void MemoryTest::the_own_group_bounds() {
  Computer computer;
  computer.v2("user/job", "3000000000\n", "1000000000\n").group("0::/user/job\n");
  QCOMPARE(computer.available(), 2 * gigabyte);
}

void MemoryTest::the_tightest_of_nested_groups_bounds() {
  Computer computer;
  computer.v2("a", "4000000000", "3000000000").v2("a/b", "max", "2500000000").v2("a/b/c", "2000000000", "500000000");
  computer.group("0::/a/b/c\n");
  QCOMPARE(computer.available(), gigabyte);  // of the outermost
  computer.group("0::/elsewhere\n");
  QCOMPARE(computer.available(), std::size_t{8'192'000'000});
}

void MemoryTest::a_container_sees_its_limit_at_the_root() {
  Computer computer;
  computer.v2("", "1000000000", "0").group("0::/docker/0123\n");
  QCOMPARE(computer.available(), gigabyte);
}

void MemoryTest::what_can_be_given_back_is_available() {
  Computer computer;
  computer
      .v2("job", "3000000000", "2500000000",
          "anon 900000000\nfile 1500000000\ninactive_anon 5\ninactive_file 800000000\nactive_file 600000000\n"
          "slab_reclaimable 100000000\nslab_unreclaimable 7\n")
      .group("0::/job\n");
  QCOMPARE(computer.available(), 2 * gigabyte);
}

void MemoryTest::a_full_group_has_nothing_left() {
  Computer computer;
  computer.v2("job", "1000000000", "1000000001").group("0::/job\n");
  QCOMPARE(computer.available(), std::size_t{0});
}

void MemoryTest::a_limit_above_what_the_system_has_bounds_nothing() {
  Computer computer;
  computer.v2("job", "64000000000", "1000000000").group("0::/job\n");
  QCOMPARE(computer.available(), std::size_t{8'192'000'000});
}

void MemoryTest::the_brake_of_version_2_counts_as_a_limit() {
  Computer computer;
  computer.v2("job", "max", "1000000000").file("sys/fs/cgroup/job/memory.high", "2000000000\n").group("0::/job\n");
  QCOMPARE(computer.available(), gigabyte);
}

void MemoryTest::version_1_has_its_own_files() {
  Computer computer;
  computer.v1("box", "9223372036854771712", "3000000000")
      .v1("box/inner", "2000000000", "1800000000",
          "cache 1\ninactive_file 1\nactive_file 1\ntotal_inactive_file 500000000\ntotal_active_file 300000000\n")
      .group("12:cpu,cpuacct:/box\n9:memory:/box/inner\n1:name=systemd:/\n");
  QCOMPARE(computer.available(), gigabyte);
}

void MemoryTest::other_hierarchies_have_no_say() {
  Computer computer;
  computer.v1("box", "1000000000", "0").group("9:cpu:/box\n10:hugetlb:/box\n");
  QCOMPARE(computer.available(), std::size_t{8'192'000'000});
}

void MemoryTest::this_machine_has_some() {
  QVERIFY(available_memory().value() > 0);
}

QTEST_APPLESS_MAIN(MemoryTest)
#include "tst_memory.moc"
