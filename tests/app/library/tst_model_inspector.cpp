#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

#include "app/library/model_inspector.h"
#include "runnel/error.h"
#include "runnel/model.h"
#include "tests/app/tiny_model.h"

using namespace runnel::app;

namespace {

constexpr int kPatience = 60'000;

QByteArray goodFile() {
  QFile file(QStringLiteral(RUNNEL_FIXTURES "/format/llama_tied_bias.gguf"));
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/** Version 3, no tensors, one metadata key whose name has no length. */
QByteArray namelessKey() {
  QByteArray bytes("GGUF\x03\0\0\0", 8);
  bytes += QByteArray(8, '\0') + QByteArray("\x01\0\0\0\0\0\0\0", 8);
  bytes += QByteArray(8, '\0') + QByteArray("\x04\0\0\0", 4) + QByteArray(5, '\0');
  return bytes;
}

QString sentenceOf(const QString& path) {
  try {
    (void)runnel::Model::open_without_weights(QFile::encodeName(path).toStdString());
  } catch (const runnel::Error& error) {
    return QString::fromStdString(error.what());
  }
  return {};
}

}  // namespace

class ModelInspectorTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init();
  void says_what_the_engine_says_data();
  void says_what_the_engine_says();
  void looks_again_only_at_what_has_changed();
  void a_repaired_file_is_good_and_a_damaged_one_is_not();
  void every_part_of_a_model_counts();
  void can_be_destroyed_while_it_looks();

 private:
  QString write(const QString& name, const QByteArray& bytes) const;
  /** Has `path` looked at until that is done. */
  static void inspect(ModelInspector& inspector, const QString& path);

  std::unique_ptr<QTemporaryDir> m_folder;
};

void ModelInspectorTest::init() {
  m_folder = std::make_unique<QTemporaryDir>();
}

QString ModelInspectorTest::write(const QString& name, const QByteArray& bytes) const {
  const QString path = m_folder->filePath(name);
  QFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size()) qFatal("%s", qPrintable(path));
  return path;
}

void ModelInspectorTest::inspect(ModelInspector& inspector, const QString& path) {
  QSignalSpy inspected(&inspector, &ModelInspector::inspected);
  inspector.inspect({path});
  QVERIFY(inspected.wait(kPatience));
  QCOMPARE(inspected.at(0).at(0).toString(), path);
}

void ModelInspectorTest::says_what_the_engine_says_data() {
  QTest::addColumn<QByteArray>("bytes");
  QTest::addColumn<QString>("part");
  QTest::newRow("good") << goodFile() << QString();
  QTest::newRow("a key without a name") << namelessKey() << QStringLiteral("metadata key 1, at byte 24, is empty");
  QTest::newRow("ends in the tensors") << goodFile().chopped(100) << QStringLiteral("shorter than its header says");
  QTest::newRow("ends in the header") << goodFile().first(40) << QStringLiteral("x.gguf");
  QTest::newRow("another kind") << QByteArray("<html>") << QStringLiteral("is not a GGUF file");
  QTest::newRow("empty") << QByteArray() << QStringLiteral("x.gguf");
}

void ModelInspectorTest::says_what_the_engine_says() {
  QFETCH(QByteArray, bytes);
  QFETCH(QString, part);
  ModelInspector inspector;
  const QString path = write(QStringLiteral("x.gguf"), bytes);
  inspect(inspector, path);
  QCOMPARE(inspector.problem(path), sentenceOf(path));
  QCOMPARE(inspector.problem(path).isEmpty(), part.isEmpty());
  QVERIFY2(inspector.problem(path).contains(part), qPrintable(inspector.problem(path)));
}

void ModelInspectorTest::looks_again_only_at_what_has_changed() {
  ModelInspector inspector;
  QStringList paths;
  for (int i = 0; i < 20; ++i) paths.append(write(QStringLiteral("%1.gguf").arg(i), namelessKey()));
  QSignalSpy inspected(&inspector, &ModelInspector::inspected);
  inspector.inspect(paths);
  inspector.inspect(paths);
  QTRY_COMPARE_WITH_TIMEOUT(inspected.count(), 20, kPatience);
  inspector.inspect(paths);
  write(QStringLiteral("7.gguf"), goodFile());
  inspector.inspect(paths);
  QTRY_COMPARE_WITH_TIMEOUT(inspected.count(), 21, kPatience);
  QCOMPARE(inspected.last().at(0).toString(), paths[7]);
}

void ModelInspectorTest::a_repaired_file_is_good_and_a_damaged_one_is_not() {
  ModelInspector inspector;
  const QString path = write(QStringLiteral("x.gguf"), goodFile().chopped(100));
  inspect(inspector, path);
  QVERIFY(!inspector.problem(path).isEmpty());
  write(QStringLiteral("x.gguf"), goodFile());
  inspect(inspector, path);
  QCOMPARE(inspector.problem(path), QString());
  QVERIFY(QFile::resize(path, 30));
  inspect(inspector, path);
  QVERIFY(!inspector.problem(path).isEmpty());
}

void ModelInspectorTest::every_part_of_a_model_counts() {
  ModelInspector inspector;
  const QString folder = writeTinyModel(m_folder->filePath(QStringLiteral("tiny")));
  inspect(inspector, folder);
  QCOMPARE(inspector.problem(folder), QString());
  QVERIFY(QFile::resize(folder + QStringLiteral("/model.safetensors"), 1000));
  inspect(inspector, folder);
  QVERIFY(inspector.problem(folder).contains(QStringLiteral("model.safetensors")));

  const QString first = write(QStringLiteral("x-00001-of-00002.gguf"), goodFile());
  inspect(inspector, first);
  write(QStringLiteral("x-00002-of-00002.gguf"), "no model");
  inspect(inspector, first);  // looks again: its other part has come
}

void ModelInspectorTest::can_be_destroyed_while_it_looks() {
  QStringList paths;
  for (int i = 0; i < 20; ++i) paths.append(write(QStringLiteral("%1.gguf").arg(i), goodFile()));
  for (int round = 0; round < 5; ++round) ModelInspector().inspect(paths);
}

QTEST_GUILESS_MAIN(ModelInspectorTest)
#include "tst_model_inspector.moc"
