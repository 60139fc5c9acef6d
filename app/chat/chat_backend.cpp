#include "app/chat/chat_backend.h"

namespace runnel::app {

void registerChatValues() {
  qRegisterMetaType<LoadRequest>();
  qRegisterMetaType<TurnRequest>();
  qRegisterMetaType<TokenBatch>();
  qRegisterMetaType<CacheSnapshot>();
  qRegisterMetaType<TurnStats>();
  qRegisterMetaType<PromptProgress>();
  qRegisterMetaType<runnel::ModelFacts>();
  qRegisterMetaType<runnel::CacheSettings>();
}

}  // namespace runnel::app
