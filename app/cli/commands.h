#pragma once

namespace CLI {
class App;
}

/** The subcommands of runnel-cli. Each adds itself to the program; it runs when its name was given. */

namespace runnel::cli {

void add_inspect(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_detokenize(CLI::App& app);
void add_render(CLI::App& app);
void add_generate(CLI::App& app);
void add_chat(CLI::App& app);
void add_logits(CLI::App& app);
void add_replay(CLI::App& app);
void add_perplexity(CLI::App& app);
void add_bench(CLI::App& app);
void add_quantize(CLI::App& app);

}  // namespace runnel::cli
