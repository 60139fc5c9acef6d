#include <QTest>
#include <numeric>
#include <thread>

#include "engine/host/machine.h"
#include "host/topology.h"
#include "runnel/threads.h"

using namespace runnel;

namespace {

std::vector<int> cpus(int from, int to) {
  std::vector<int> all(static_cast<std::size_t>(to - from));
  std::iota(all.begin(), all.end(), from);
  return all;
}

class Topology : public Machine {
 public:
  Topology& siblings(int cpu, std::string_view list) {
    file("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
         std::string(list) + "\n");
    return *this;
  }
  CpuLimits limits(const std::vector<int>& allowed) const { return cpu_limits(allowed, root()); }
  int threads(const std::vector<int>& allowed) const { return threads_within(limits(allowed), nullptr); }
};

// A kernel whose masks have so many bits, of which those in `allowed` are set.
ReadMask kernel(int bits, std::vector<int> allowed) {
  return [bits, allowed = std::move(allowed)](std::size_t bytes, cpu_set_t* mask) {
    errno = EINVAL;
    if (bytes * 8 < static_cast<std::size_t>(bits)) return false;
    for (const int cpu : allowed) CPU_SET_S(static_cast<std::size_t>(cpu), bytes, mask);
    return true;
  };
}

}  // namespace

class TopologyTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void without_any_files_every_processor_is_a_core();
  void siblings_are_one_core();
  void a_mask_with_holes_counts_its_own_processors();
  void numbers_interleaved_over_nodes_do_not_matter();
  void a_quota_is_rounded_down_but_not_to_nothing_data();
  void a_quota_is_rounded_down_but_not_to_nothing();
  void the_tightest_quota_of_nested_groups_counts();
  void a_container_sees_its_quota_at_the_root();
  void version_1_keeps_quota_and_period_apart();
  void other_controllers_of_version_1_have_no_say();
  void what_makes_no_sense_is_no_limit_data();
  void what_makes_no_sense_is_no_limit();
  void the_reason_names_what_decided();
  void an_empty_mask_is_one_thread();
  void masks_of_any_length_are_read_data();
  void masks_of_any_length_are_read();
  void a_mask_that_can_not_be_read_is_empty();
  void this_machine_has_a_default();
};

void TopologyTest::without_any_files_every_processor_is_a_core() {
  const CpuLimits limits = Topology().limits(cpus(0, 6));
  QCOMPARE(limits.physical_cores, 6);
  QCOMPARE(limits.quota, 0.0);
}

void TopologyTest::siblings_are_one_core() {
  Topology machine;
  for (int cpu = 0; cpu < 8; ++cpu) machine.siblings(cpu, std::to_string(cpu % 4) + "," + std::to_string(cpu % 4 + 4));
  QCOMPARE(machine.threads(cpus(0, 8)), 4);
  QCOMPARE(machine.threads({1, 5}), 1);
  QCOMPARE(machine.threads({0, 1}), 2);
}

void TopologyTest::a_mask_with_holes_counts_its_own_processors() {
  Topology machine;
  for (int cpu = 0; cpu < 6; ++cpu)
    machine.siblings(cpu, std::to_string(cpu / 2 * 2) + "-" + std::to_string(cpu / 2 * 2 + 1));
  machine.file("sys/devices/system/cpu/cpu7/online", "0\n");  // offline: no topology
  QCOMPARE(machine.threads({0, 2, 5}), 3);
  QCOMPARE(machine.threads({0, 1, 5}), 2);
  QCOMPARE(machine.limits({0, 2, 5}).allowed, (std::vector<int>{0, 2, 5}));
}

void TopologyTest::numbers_interleaved_over_nodes_do_not_matter() {
  Topology machine;  // nodes 0–31, 64–95 and 32–63, 96–127
  for (int cpu = 0; cpu < 128; ++cpu)
    machine.siblings(cpu, std::to_string(cpu % 64) + "," + std::to_string(cpu % 64 + 64));
  QCOMPARE(machine.threads(cpus(0, 128)), 64);
  QCOMPARE(machine.threads(cpus(64, 96)), 32);
}

void TopologyTest::a_quota_is_rounded_down_but_not_to_nothing_data() {
  QTest::addColumn<QString>("cpu_max");
  QTest::addColumn<int>("threads");
  QTest::newRow("four of eight processors") << "400000 100000" << 4;
  QTest::newRow("two and a half") << "250000 100000" << 2;
  QTest::newRow("half a processor") << "50000 100000" << 1;
  QTest::newRow("one, another period") << "20000 20000" << 1;
  QTest::newRow("more than there are") << "6400000 100000" << 8;
  QTest::newRow("none") << "max 100000" << 8;
}

void TopologyTest::a_quota_is_rounded_down_but_not_to_nothing() {
  QFETCH(QString, cpu_max);
  QFETCH(int, threads);
  Topology machine;
  machine.group("0::/user.slice/job\n").file("sys/fs/cgroup/user.slice/job/cpu.max", cpu_max.toStdString() + "\n");
  QCOMPARE(machine.threads(cpus(0, 8)), threads);
}

void TopologyTest::the_tightest_quota_of_nested_groups_counts() {
  Topology machine;
  machine.group("0::/a/b/c\n")
      .file("sys/fs/cgroup/a/cpu.max", "300000 100000\n")
      .file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n")
      .file("sys/fs/cgroup/a/b/c/cpu.max", "500000 100000\n");
  QCOMPARE(machine.limits(cpus(0, 8)).quota, 3.0);
}

void TopologyTest::a_container_sees_its_quota_at_the_root() {
  Topology machine;  // the group is named as the host sees it, but the container's own group is mounted as the root
  machine.group("0::/docker/0123\n").file("sys/fs/cgroup/cpu.max", "200000 100000\n");
  QCOMPARE(machine.limits(cpus(0, 8)).quota, 2.0);
  Topology outside;
  outside.group("0::/../../elsewhere\n").file("sys/fs/cgroup/cpu.max", "200000 100000\n");
  QCOMPARE(outside.limits(cpus(0, 8)).quota, 2.0);
}

void TopologyTest::version_1_keeps_quota_and_period_apart() {
  Topology machine;
  machine.group("12:memory:/box\n4:cpu,cpuacct:/box/inner\n1:name=systemd:/\n")
      .file("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "150000\n")
      .file("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us", "50000\n")
      .file("sys/fs/cgroup/cpu,cpuacct/box/inner/cpu.cfs_quota_us", "-1\n")
      .file("sys/fs/cgroup/cpu,cpuacct/box/inner/cpu.cfs_period_us", "50000\n");
  QCOMPARE(machine.limits(cpus(0, 8)).quota, 3.0);
}

void TopologyTest::other_controllers_of_version_1_have_no_say() {
  Topology machine;
  machine.group("4:cpuset:/box\n5:cpuacct:/box\n");
  for (const std::string controller : {"cpuset", "cpuacct"}) {
    machine.file("sys/fs/cgroup/" + controller + "/box/cpu.cfs_quota_us", "100000\n")
        .file("sys/fs/cgroup/" + controller + "/box/cpu.cfs_period_us", "100000\n");
  }
  QCOMPARE(machine.limits(cpus(0, 8)).quota, 0.0);
}

void TopologyTest::what_makes_no_sense_is_no_limit_data() {
  QTest::addColumn<QString>("group");
  QTest::addColumn<QString>("cpu_max");
  QTest::newRow("empty file") << "0::/x\n" << "";
  QTest::newRow("no numbers") << "0::/x\n" << "plenty\n";
  QTest::newRow("one number") << "0::/x\n" << "100000\n";
  QTest::newRow("no period") << "0::/x\n" << "100000 0\n";
  QTest::newRow("negative") << "0::/x\n" << "-5 100000\n";
  QTest::newRow("no group") << "" << "100000 100000\n";
  QTest::newRow("a line without colons") << "nonsense\n" << "100000 100000\n";
  QTest::newRow("a line with one colon") << "0:\n" << "100000 100000\n";
}

void TopologyTest::what_makes_no_sense_is_no_limit() {
  QFETCH(QString, group);
  QFETCH(QString, cpu_max);
  Topology machine;
  machine.group(group.toStdString()).file("sys/fs/cgroup/x/cpu.max", cpu_max.toStdString());
  QCOMPARE(machine.threads(cpus(0, 8)), 8);
}

void TopologyTest::the_reason_names_what_decided() {
  const auto reason = [](const CpuLimits& limits) {
    std::string text;
    threads_within(limits, &text);
    return QString::fromStdString(text);
  };
  QCOMPARE(reason({.allowed = cpus(0, 8), .physical_cores = 4, .quota = 0}), "physical cores");
  QCOMPARE(reason({.allowed = cpus(0, 4), .physical_cores = 4, .quota = 0}), "processors allowed");
  QCOMPARE(reason({.allowed = cpus(0, 8), .physical_cores = 4, .quota = 1.5}), "cgroup quota");
  QCOMPARE(reason({.allowed = cpus(0, 8), .physical_cores = 4, .quota = 4}), "physical cores");
}

void TopologyTest::an_empty_mask_is_one_thread() {
  QCOMPARE(Topology().threads({}), 1);
}

void TopologyTest::masks_of_any_length_are_read_data() {
  QTest::addColumn<int>("bits");
  QTest::newRow("64") << 64;
  QTest::newRow("1024") << 1024;
  QTest::newRow("1056") << 1056;
  QTest::newRow("8192") << 8192;
  QTest::newRow("a million") << 1'000'000;
}

void TopologyTest::masks_of_any_length_are_read() {
  QFETCH(int, bits);
  const std::vector<int> allowed{0, 3, bits / 2, bits - 1};
  QCOMPARE(affinity_mask(kernel(bits, allowed)), allowed);
}

void TopologyTest::a_mask_that_can_not_be_read_is_empty() {
  QVERIFY(affinity_mask(kernel(1 << 22, {0})).empty());
  QVERIFY(affinity_mask([](std::size_t, cpu_set_t*) {
            errno = EPERM;
            return false;
          }).empty());
}

void TopologyTest::this_machine_has_a_default() {
  std::string reason;
  const int threads = default_threads(&reason);
  QVERIFY(threads >= 1 && threads <= static_cast<int>(std::thread::hardware_concurrency()));
  QVERIFY(!reason.empty());
}

QTEST_APPLESS_MAIN(TopologyTest)
#include "tst_topology.moc"
