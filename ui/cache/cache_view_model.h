#pragma once

#include <QtQml/qqmlregistration.h>
#include <QObject>
#include <QTimer>

#include <optional>
#include <vector>

#include "app/chat/chat_values.h"
#include "ui/cache/cache_cells.h"

namespace runnel::ui {

/**
 * What the cache view shows, taken from the backend's snapshots at most 15 times a second: drawing must not
 * take from the model what it needs to compute.
 * Lives on the window's thread.
 */
class CacheViewModel : public QObject {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(int ctxSize READ ctxSize NOTIFY changed)
  Q_PROPERTY(int cached READ cached NOTIFY changed)
  Q_PROPERTY(int sinks READ sinks NOTIFY changed)
  Q_PROPERTY(int pinned READ pinned NOTIFY changed)
  Q_PROPERTY(int window READ window NOTIFY changed)
  Q_PROPERTY(double forgotten READ forgotten NOTIFY changed)
  Q_PROPERTY(double bytes READ bytes NOTIFY changed)
  Q_PROPERTY(double unboundedBytes READ unboundedBytes NOTIFY changed)
  Q_PROPERTY(QString bytesText READ bytesText NOTIFY changed)
  Q_PROPERTY(QString unboundedBytesText READ unboundedBytesText NOTIFY changed)
  Q_PROPERTY(double tokensPerSecond READ tokensPerSecond NOTIFY changed)
  Q_PROPERTY(QList<double> speedHistory READ speedHistory NOTIFY changed)
  Q_PROPERTY(double topSpeed READ topSpeed NOTIFY changed)
  Q_PROPERTY(QString settingsLine READ settingsLine NOTIFY changed)
  Q_PROPERTY(QString rollingLine READ rollingLine NOTIFY changed)
  Q_PROPERTY(int hoveredSlot READ hoveredSlot WRITE setHoveredSlot NOTIFY hoveredChanged)
  Q_PROPERTY(QString hoveredTitle READ hoveredTitle NOTIFY hoveredChanged)
  Q_PROPERTY(QString hoveredDetail READ hoveredDetail NOTIFY hoveredChanged)
  Q_PROPERTY(Colouring colouring READ colouring WRITE setColouring NOTIFY colouringChanged)

 public:
  /** What the colours of the map tell of a token. */
  enum Colouring { Whose, Attention, Surprise };
  Q_ENUM(Colouring)

  static constexpr int kFrameMilliseconds = 66;
  static constexpr int kSpeedPoints = 160;
  static constexpr int kTokensPerSpeedPoint = 8;

  explicit CacheViewModel(QObject* parent = nullptr);

  /** Takes a snapshot; shows it at once, or with the next frame when the last one was shown just now. */
  void update(const app::CacheSnapshot& snapshot);
  /** Shows what is waiting. */
  void flush();
  /** Forgets what was shown: another conversation, another model. `settings` are those that will hold. */
  void clear(const CacheSettings& settings);

  int ctxSize() const { return m_shown.telemetry.settings.ctx_size; }
  int cached() const { return m_shown.telemetry.cached; }
  int sinks() const { return m_sinks; }
  int pinned() const { return m_pinned; }
  int window() const { return m_window; }
  double forgotten() const { return static_cast<double>(m_shown.telemetry.evicted); }
  double bytes() const { return static_cast<double>(m_shown.telemetry.bytes); }
  double unboundedBytes() const;
  QString bytesText() const;
  QString unboundedBytesText() const;
  double tokensPerSecond() const { return m_shown.tokensPerSecond; }
  QList<double> speedHistory() const { return m_speeds; }
  double topSpeed() const;
  QString settingsLine() const;
  /** What happens to old tokens, in words. */
  QString rollingLine() const;

  Colouring colouring() const { return m_colouring; }
  void setColouring(Colouring colouring);

  /** The slot under the pointer; −1: none. */
  int hoveredSlot() const { return m_hoveredSlot; }
  void setHoveredSlot(int slot);
  QString hoveredTitle() const { return cellTitle(m_hoveredSlot); }
  QString hoveredDetail() const { return cellDetail(m_hoveredSlot); }
  /** Takes the answer to `tokenAsked`; of use only while the pointer is still where it was. */
  void takeTokenLabel(qint64 conversationId, qint64 position, const QString& label);

  const std::vector<Cell>& cells() const { return m_cells; }
  int head() const { return m_shown.telemetry.head; }
  const app::CacheSnapshot& shown() const { return m_shown; }

  /** Which token is in `slot`, and what it stands for where that is known: of the slot under the pointer. */
  Q_INVOKABLE QString cellTitle(int slot) const;
  Q_INVOKABLE QString cellDetail(int slot) const;
  /** The message whose token is in `slot`; 0 when there is none. */
  Q_INVOKABLE qint64 messageAt(int slot) const;

 Q_SIGNALS:
  void changed();
  void colouringChanged();
  void hoveredChanged();
  /** The token under the pointer is to be described. */
  void tokenAsked(qint64 conversationId, qint64 position);

 private:
  void show(const app::CacheSnapshot& snapshot);
  void noteSpeed();
  void updateHovered();
  const Cell* cellAt(int slot) const;
  QString watchedOf(int slot) const;

  app::CacheSnapshot m_shown;
  std::optional<app::CacheSnapshot> m_waiting;
  std::vector<Cell> m_cells;
  QList<double> m_speeds;
  qint64 m_speedNotedAt = 0;
  int m_sinks = 0;
  int m_pinned = 0;
  int m_window = 0;
  int m_hoveredSlot = -1;
  qint64 m_describedPosition = -1;
  QString m_tokenLabel;  // of the token at m_describedPosition; empty until the answer comes
  Colouring m_colouring = Whose;
  QTimer m_frame;
};

}  // namespace runnel::ui
