#include "ui/transcript/drafts.h"

#include <utility>

namespace runnel::ui {

Draft draftOf(const QString& text) {
  return text.size() > kLongPaste ? Draft{.pasted = text} : Draft{.typed = text};
}

const Draft& Drafts::current() const {
  static const Draft kNone;
  const auto writing = m_writings.constFind(m_conversationId);
  if (writing == m_writings.constEnd()) return kNone;
  return writing->edited == 0 ? writing->draft : writing->edit;
}

Draft& Drafts::present() {
  Writing& writing = m_writings[m_conversationId];
  return writing.edited == 0 ? writing.draft : writing.edit;
}

void Drafts::setTyped(const QString& text) {
  present().typed = text;
}

void Drafts::setPasted(const QString& text) {
  present().pasted = text;
}

qint64 Drafts::edited() const {
  return m_writings.value(m_conversationId).edited;
}

void Drafts::open(qint64 conversationId) {
  m_conversationId = conversationId;
}

void Drafts::beginEdit(qint64 messageId, const QString& text) {
  leaveEdit();
  Writing& writing = m_writings[m_conversationId];
  writing.edited = messageId;
  writing.edit = m_leftEdits.contains(messageId) ? m_leftEdits.take(messageId) : draftOf(text);
}

void Drafts::leaveEdit() {
  Writing& writing = m_writings[m_conversationId];
  const qint64 messageId = std::exchange(writing.edited, 0);
  if (messageId != 0) m_leftEdits.insert(messageId, std::exchange(writing.edit, Draft()));
}

void Drafts::drop() {
  take();
}

Draft Drafts::take() {
  const Draft taken = std::exchange(present(), Draft());
  m_writings[m_conversationId].edited = 0;
  return taken;
}

void Drafts::giveBack(qint64 conversationId, const Draft& text) {
  Draft& draft = m_writings[conversationId].draft;
  if (draft.isEmpty())
    draft = text;
  else
    draft = draftOf(text.whole() + QStringLiteral("\n\n") + draft.whole());
}

void Drafts::giveBackEdit(qint64 conversationId, qint64 messageId, const Draft& text) {
  Writing& writing = m_writings[conversationId];
  if (writing.edited != 0) m_leftEdits.insert(writing.edited, writing.edit);
  writing.edited = messageId;
  writing.edit = text;
}

}  // namespace runnel::ui
