#include <QTest>
#include <limits>

#include "format/gguf_file.h"
#include "gguf_bytes.h"
#include "temporary_folder.h"

using namespace runnel;

namespace {

constexpr std::uint32_t f32 = 0;
constexpr std::uint32_t q4_0 = 2;

GgufBytes bytes_with_values(std::uint64_t n_values) {
  GgufBytes bytes;
  bytes.header(0, n_values);
  return bytes;
}

GgufBytes bytes_with_tensors(std::uint64_t n_tensors) {
  GgufBytes bytes;
  bytes.header(n_tensors, 0);
  return bytes;
}

/// An array that holds an array that holds … `depth` times, in one key.
GgufBytes nested_arrays(int depth) {
  GgufBytes bytes = bytes_with_values(1);
  bytes.key("nested", GgufType::array);
  for (int i = 1; i < depth; ++i) bytes.type(GgufType::array).number(std::uint64_t{1});
  return bytes.type(GgufType::u8).number(std::uint64_t{0});
}

}  // namespace

class GgufFileTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void reads_a_file_of_the_common_converter();
  void shape_is_outermost_first_and_data_is_where_the_table_says();
  void numbers_convert_where_they_fit();
  void reads_arrays_and_strings();
  void answers_nothing_for_a_key_or_tensor_that_is_not_there();
  void refuses_a_value_of_another_type_data();
  void refuses_a_value_of_another_type();
  void loads_oddities_data();
  void loads_oddities();
  void refuses_damage_data();
  void refuses_damage();
  void refuses_every_truncation_of_a_good_file();
  void pointers_survive_a_move();

 private:
  GgufFile open(const GgufBytes& bytes) const { return GgufFile::open(folder_.write("model.gguf", bytes.bytes())); }

  TemporaryFolder folder_;
};

void GgufFileTest::reads_a_file_of_the_common_converter() {
  const GgufFile file = GgufFile::open(RUNNEL_FIXTURES "/format/llama_tied_bias.gguf");
  QCOMPARE(file.version(), 3u);
  QCOMPARE(file.values().size(), 25u);
  QCOMPARE(file.tensors().size(), 34u);
  QCOMPARE(file.get<std::string>("general.architecture"), std::string("llama"));
  QCOMPARE(file.get<int>("llama.block_count"), 2);
  QCOMPARE(file.get<float>("llama.attention.layer_norm_rms_epsilon"), 1e-5f);
  QCOMPARE(file.get<std::vector<std::string_view>>("tokenizer.ggml.tokens").size(), 256u);

  const TensorView* up = file.find_tensor("blk.1.ffn_up.weight");
  QVERIFY(up != nullptr);
  QCOMPARE(up->shape, (std::vector<std::int64_t>{160, 64}));
  QVERIFY(up->type == BlockType::f32);
  QCOMPARE(up->data.size(), std::size_t{160 * 64 * 4});
  QCOMPARE(file.find_tensor("blk.1.ffn_up.bias")->shape, (std::vector<std::int64_t>{160}));
}

void GgufFileTest::shape_is_outermost_first_and_data_is_where_the_table_says() {
  GgufBytes bytes = bytes_with_tensors(2);
  bytes.tensor("experts", {32, 3, 2}, q4_0, 32).tensor("bias", {2}, f32, 0).data(0);
  const std::size_t data_start = bytes.bytes().size();
  bytes.number(1.5f).number(-2.0f).data(2 * 3 * 18);
  const GgufFile file = open(bytes);

  const TensorView& experts = file.tensors()[0];
  QCOMPARE(experts.shape, (std::vector<std::int64_t>{2, 3, 32}));
  QCOMPARE(experts.rows(), 6);
  QCOMPARE(experts.columns(), 32);
  QCOMPARE(experts.data.data() - file.file().bytes().data(), static_cast<std::ptrdiff_t>(data_start + 32));
  QCOMPARE(experts.data.size(), std::size_t{6 * 18});

  float bias[2];
  std::memcpy(bias, file.tensors()[1].data.data(), sizeof bias);
  QCOMPARE(bias[0], 1.5f);
  QCOMPARE(bias[1], -2.0f);
}

void GgufFileTest::numbers_convert_where_they_fit() {
  GgufBytes bytes = bytes_with_values(7);
  bytes.key("u64", GgufType::u64).number(std::numeric_limits<std::uint64_t>::max());
  bytes.key("i64", GgufType::i64).number(std::numeric_limits<std::int64_t>::min());
  bytes.key("u8", GgufType::u8).number(std::uint8_t{200});
  bytes.key("i8", GgufType::i8).number(std::int8_t{-1});
  bytes.key("f64", GgufType::f64).number(0.1);
  bytes.key("wide", GgufType::f64).number(1e300);
  bytes.key("infinite", GgufType::f64).number(std::numeric_limits<double>::infinity());
  const GgufFile file = open(bytes);

  QCOMPARE(file.get<std::uint64_t>("u64"), std::numeric_limits<std::uint64_t>::max());
  QCOMPARE(file.get<std::int64_t>("i64"), std::numeric_limits<std::int64_t>::min());
  QCOMPARE(file.get<int>("u8"), 200);
  QCOMPARE(file.get<int>("i8"), -1);
  QCOMPARE(file.get<float>("u8"), 200.0f);
  QCOMPARE(file.get<float>("f64"), 0.1f);
  QCOMPARE(file.get<float>("infinite"), std::numeric_limits<float>::infinity());
  QVERIFY(refusal([&] { file.get<std::int64_t>("u64"); }).contains("u64 holds 18446744073709551615, expected"));
  QVERIFY(refusal([&] { file.get<std::int8_t>("u8"); }).contains("u8 holds 200, expected a value from -128 to 127"));
  QVERIFY(refusal([&] { file.get<std::uint32_t>("i8"); }).contains("i8 holds -1, expected a value from 0"));
  QVERIFY(refusal([&] { file.get<float>("wide"); }).contains("wide holds 1e+300, expected"));
}

void GgufFileTest::reads_arrays_and_strings() {
  GgufBytes bytes = bytes_with_values(5);
  bytes.array("tokens", GgufType::string, 4).text("a").text("").text("a").text(std::string_view("\0\xFF", 2));
  bytes.array("heads", GgufType::u32, 2).number(7u).number(9u);
  bytes.array("scores", GgufType::f32, 2).number(-1.5f).number(0.25f);
  bytes.array("pattern", GgufType::boolean, 3).number('\1').number('\0').number('\1');
  bytes.key("name", GgufType::string).text("a model");
  const GgufFile file = open(bytes);

  const std::vector<std::string> tokens = {"a", "", "a", std::string("\0\xFF", 2)};
  QCOMPARE(file.get<std::vector<std::string>>("tokens"), tokens);
  QCOMPARE(file.get<std::vector<std::string_view>>("tokens").back().size(), 2u);
  QCOMPARE(file.get<std::vector<int>>("heads"), (std::vector<int>{7, 9}));
  QCOMPARE(file.get<std::vector<float>>("scores"), (std::vector<float>{-1.5f, 0.25f}));
  QCOMPARE(file.get<std::vector<bool>>("pattern"), (std::vector<bool>{true, false, true}));
  QCOMPARE(file.get<std::string>("name"), std::string("a model"));
  QCOMPARE(file.value("tokens")->count, 4u);
  QVERIFY(file.value("tokens")->element == GgufType::string);
}

void GgufFileTest::answers_nothing_for_a_key_or_tensor_that_is_not_there() {
  const GgufFile file = open(bytes_with_values(0));
  QVERIFY(!file.has("general.name"));
  QVERIFY(!file.find<std::string>("general.name"));
  QVERIFY(file.find_tensor("output.weight") == nullptr);
  const QString sentence = refusal([&] { file.get<int>("llama.block_count"); });
  QVERIFY(sentence.contains("model.gguf") && sentence.contains("llama.block_count is missing"));
}

void GgufFileTest::refuses_a_value_of_another_type_data() {
  QTest::addColumn<int>("wanted");
  QTest::addColumn<QString>("sentence");
  QTest::newRow("integer from string") << 0 << "key text holds string, expected an integer";
  QTest::newRow("string from integer") << 1 << "key number holds u32, expected a string";
  QTest::newRow("bool from integer") << 2 << "key number holds u32, expected a bool";
  QTest::newRow("integer from float") << 3 << "key float holds f32, expected an integer";
  QTest::newRow("integer from bool") << 4 << "key flag holds bool, expected an integer";
  QTest::newRow("integer from array") << 5 << "key list holds array of f32 (1 elements), expected an integer";
  QTest::newRow("array from integer") << 6 << "key number holds u32, expected an array";
  QTest::newRow("strings from floats") << 7 << "key list holds array of f32 (1 elements), expected an array";
}

void GgufFileTest::refuses_a_value_of_another_type() {
  GgufBytes bytes = bytes_with_values(5);
  bytes.key("text", GgufType::string).text("7");
  bytes.key("number", GgufType::u32).number(7u);
  bytes.key("float", GgufType::f32).number(7.0f);
  bytes.key("flag", GgufType::boolean).number('\1');
  bytes.array("list", GgufType::f32, 1).number(7.0f);
  const GgufFile file = open(bytes);

  QFETCH(int, wanted);
  QFETCH(QString, sentence);
  const QString found = refusal([&] {
    switch (wanted) {
      case 0:
        file.get<int>("text");
        break;
      case 1:
        file.get<std::string>("number");
        break;
      case 2:
        file.get<bool>("number");
        break;
      case 3:
        file.get<int>("float");
        break;
      case 4:
        file.get<int>("flag");
        break;
      case 5:
        file.get<int>("list");
        break;
      case 6:
        file.get<std::vector<int>>("number");
        break;
      default:
        file.get<std::vector<std::string>>("list");
        break;
    }
  });
  QVERIFY2(found.contains("model.gguf") && found.contains(sentence), qPrintable(found));
}

void GgufFileTest::loads_oddities_data() {
  QTest::addColumn<GgufBytes>("bytes");
  QTest::newRow("nothing in it") << bytes_with_values(0);
  QTest::newRow("version 2") << GgufBytes().header(0, 0, 2);
  QTest::newRow("an array without elements") << bytes_with_values(1).array("empty", GgufType::string, 0);
  QTest::newRow("nested arrays") << nested_arrays(8);
  QTest::newRow("a key that nobody knows") << bytes_with_values(1).key("käse.\n", GgufType::u8).number('\0');
  QTest::newRow("a tensor without dimensions") << bytes_with_tensors(1).tensor("scalar", {}, f32, 0).data(4);
  QTest::newRow("a gap between tensors")
      << bytes_with_tensors(2).tensor("a", {1}, f32, 0).tensor("b", {1}, f32, 64).data(68);
  QTest::newRow("bytes after the last tensor") << bytes_with_tensors(1).tensor("a", {1}, f32, 0).data(1000);
  QTest::newRow("another alignment") << GgufBytes()
                                            .header(1, 1)
                                            .key("general.alignment", GgufType::u32)
                                            .number(8u)
                                            .tensor("a", {2}, f32, 8)
                                            .data(16, 8);
}

void GgufFileTest::loads_oddities() {
  QFETCH(GgufBytes, bytes);
  QCOMPARE(refusal([&] { open(bytes); }), QString());
}

void GgufFileTest::refuses_damage_data() {
  constexpr std::uint64_t huge = std::uint64_t{1} << 63;
  QTest::addColumn<GgufBytes>("bytes");
  QTest::addColumn<QString>("sentence");
  const auto row = [](const char* name, const GgufBytes& bytes, const char* sentence) {
    QTest::newRow(name) << bytes << QString::fromUtf8(sentence);
  };

  row("another format", GgufBytes().raw("PK\x03\x04 and so on"), "is not a GGUF file: it begins with \"PK\\x03\\x04\"");
  row("shorter than its magic", GgufBytes().raw("GG"), "is not a GGUF file: it begins with \"GG\"");
  row("magic alone", GgufBytes().raw("GGUF"), "is shorter than its header says");
  row("version 1", GgufBytes().header(0, 0, 1), "abandoned version 1");
  row("version 4", GgufBytes().header(0, 0, 4), "is a GGUF file of version 4; versions 2 and 3");
  row("big endian", GgufBytes().header(0, 0, 0x03000000), "is a big-endian GGUF file");
  row("2^63 tensors", GgufBytes().header(huge, 0), "claims 9223372036854775808 tensors");
  row("2^63 keys", GgufBytes().header(0, huge), "claims 9223372036854775808 metadata keys");

  row("a key without name", bytes_with_values(1).key("", GgufType::u32).number(1u),
      "the name of metadata key 1, at byte 24, is empty");
  row("a key with a name of 8 EB", bytes_with_values(1).number(huge).data(64), "needs 9223372036854775808 bytes");
  row("a key with a name of 70,000 bytes", bytes_with_values(1).key(std::string(70000, 'k'), GgufType::u8).number('\0'),
      "is 70000 bytes long, at most 65535");
  row("a key twice", bytes_with_values(2).key("k", GgufType::u8).number('\1').key("k", GgufType::u8).number('\1'),
      "key k stands in it twice");
  row("an unknown value type", bytes_with_values(1).text("k").number(13u).data(8),
      "key k has the unknown value type 13");
  row("an unknown element type", bytes_with_values(1).key("k", GgufType::array).number(77u).data(16),
      "key k has the unknown value type 77");
  row("a string of 8 EB", bytes_with_values(1).key("general.name", GgufType::string).number(huge),
      "key general.name at byte 56 needs 9223372036854775808 bytes");
  row("a string in an array beyond the end",
      bytes_with_values(1).array("tokens", GgufType::string, 2).text("ab").number(std::uint64_t{1}),
      "key tokens at byte 72 needs 1 bytes");
  row("an array of 2^63 bytes", bytes_with_values(1).array("k", GgufType::u8, huge), "key k at byte 49 claims");
  row("an array of 2^61 longs", bytes_with_values(1).array("k", GgufType::u64, std::uint64_t{1} << 61).data(64),
      "claims 2305843009213693952 elements");
  row("arrays in arrays", nested_arrays(9), "key nested nests arrays more than 8 deep");
  row("a depth bomb", nested_arrays(100000), "key nested nests arrays more than 8 deep");

  row("alignment 0", bytes_with_values(1).key("general.alignment", GgufType::u32).number(0u),
      "general.alignment holds 0, expected a multiple of 8");
  row("alignment 3", bytes_with_values(1).key("general.alignment", GgufType::u32).number(3u),
      "general.alignment holds 3, expected a multiple of 8");
  row("alignment of another type", bytes_with_values(1).key("general.alignment", GgufType::string).text("32"),
      "general.alignment holds string, expected an integer");

  row("a tensor without name", bytes_with_tensors(1).tensor("", {1}, f32, 0).data(4),
      "the name of tensor 1, at byte 24");
  row("a tensor twice", bytes_with_tensors(2).tensor("t", {1}, f32, 0).tensor("t", {1}, f32, 32).data(64),
      "tensor t stands in it twice");
  row("a dimension of 0", bytes_with_tensors(1).tensor("t", {4, 0}, f32, 0).data(4), "dimension 1 of tensor t is 0");
  row("five dimensions", bytes_with_tensors(1).tensor("t", {1, 1, 1, 1, 1}, f32, 0).data(4),
      "tensor t has 5 dimensions, at most 4");
  row("2^32 dimensions", bytes_with_tensors(1).text("t").number(0xFFFFFFFFu).data(64),
      "tensor t has 4294967295 dimensions");
  row("values beyond 64 bits", bytes_with_tensors(1).tensor("t", {huge, 2}, f32, 0).data(4),
      "tensor t claims more values than any file can hold");
  row("bytes beyond 64 bits", bytes_with_tensors(1).tensor("t", {huge / 2}, f32, 0).data(4),
      "tensor t claims more values than any file can hold");
  row("a type by name", bytes_with_tensors(1).tensor("blk.0.ffn_up.weight", {32}, 39, 0).data(64),
      "tensor blk.0.ffn_up.weight has type 39 (MXFP4); supported are F32, ");
  row("an unknown type", bytes_with_tensors(1).tensor("t", {32}, 4294967295, 0).data(64),
      "tensor t has type 4294967295 (unknown); supported are F32, ");
  row("rows of broken blocks", bytes_with_tensors(1).tensor("t", {33, 32}, q4_0, 0).data(2000),
      "the rows of tensor t have 33 values, expected a multiple of 32, the block size of Q4_0");
  row("an offset beside the alignment", bytes_with_tensors(1).tensor("t", {1}, f32, 4).data(64),
      "tensor t begins at offset 4, expected a multiple of the alignment 32");
  row("an offset near 2^64", bytes_with_tensors(1).tensor("t", {1}, f32, ~std::uint64_t{31}).data(64),
      "tensor t begins at offset 18446744073709551584, which no file reaches");
  row("data beyond the end", bytes_with_tensors(1).tensor("blk.3.ffn_up.weight", {2}, f32, 0).data(7),
      "is shorter than its header says: tensor blk.3.ffn_up.weight needs bytes up to 104, the file has 103.");
  row("tensors that overlap", bytes_with_tensors(2).tensor("a", {9}, f32, 0).tensor("b", {1}, f32, 32).data(64),
      "tensors a and b overlap");
  row("a name that would break the sentence", bytes_with_tensors(1).tensor("a\nb\xFF\x1B[31m", {0}, f32, 0).data(4),
      "tensor a\\x0ab\\xff\\x1b[31m is 0");
}

void GgufFileTest::refuses_damage() {
  QFETCH(GgufBytes, bytes);
  QFETCH(QString, sentence);
  const QString found = refusal([&] { open(bytes); });
  QVERIFY2(found.contains("model.gguf ") && found.contains(sentence), qPrintable(found));
}

void GgufFileTest::refuses_every_truncation_of_a_good_file() {
  GgufBytes bytes;
  bytes.header(2, 3);
  bytes.key("general.architecture", GgufType::string).text("llama");
  bytes.array("tokens", GgufType::string, 2).text("a").text("bc");
  bytes.array("nested", GgufType::array, 1).type(GgufType::u16).number(std::uint64_t{1}).number(std::uint16_t{5});
  bytes.tensor("a", {32}, q4_0, 0).tensor("b", {3}, f32, 32).data(32 + 12);
  QCOMPARE(refusal([&] { open(bytes); }), QString());
  for (std::size_t length = 1; length < bytes.bytes().size(); ++length) {
    const GgufBytes part = GgufBytes().raw(std::string_view(bytes.bytes()).substr(0, length));
    QVERIFY2(!refusal([&] { open(part); }).isEmpty(), qPrintable(QString("cut to %1 bytes").arg(length)));
  }
}

void GgufFileTest::pointers_survive_a_move() {
  GgufFile file = open(bytes_with_tensors(1).tensor("short", {1}, f32, 0).data(4));
  const TensorView* before = file.find_tensor("short");
  const GgufFile moved = std::move(file);
  QCOMPARE(moved.find_tensor("short"), before);
  QCOMPARE(moved.find_tensor("short")->name, std::string("short"));
}

QTEST_APPLESS_MAIN(GgufFileTest)
#include "tst_gguf_file.moc"
