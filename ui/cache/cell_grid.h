#pragma once

#include <QPoint>
#include <QRect>

namespace runnel::ui {

/** How cells are laid out: rows of squares, as large as the room allows, in device pixels. */
struct CellGrid {
  int cells = 0;
  int columns = 1;
  int pitch = 1;  //!< from one cell to the next
  int gap = 0;    //!< of it, the space between two

  /** Fills `width` with `cells` cells, keeping to `preferredHeight` unless a cell would be less than a pixel.
   *  `largest`: pitch that is never exceeded. */
  static CellGrid fit(int cells, int width, int preferredHeight, int largest);

  int rows() const { return (cells + columns - 1) / columns; }
  int width() const { return columns * pitch; }
  int height() const { return rows() * pitch; }
  QRect rectOf(int cell) const;
  int cellAt(const QPoint& point) const;  //!< -1: none
};

}  // namespace runnel::ui
