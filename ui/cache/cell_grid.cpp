#include "ui/cache/cell_grid.h"

#include <algorithm>

namespace runnel::ui {

CellGrid CellGrid::fit(int cells, int width, int preferredHeight, int largest) {
  CellGrid grid{.cells = std::max(0, cells)};
  width = std::max(1, width);
  const auto heightAt = [&](int pitch) {
    const int columns = std::max(1, width / pitch);
    return (grid.cells + columns - 1) / columns * pitch;
  };
  int pitch = std::clamp(largest, 1, width);
  while (pitch > 1 && heightAt(pitch) > preferredHeight) --pitch;
  grid.pitch = pitch;
  grid.columns = std::max(1, width / pitch);
  grid.gap = pitch >= 14 ? 2 : pitch >= 3 ? 1 : 0;
  return grid;
}

QRect CellGrid::rectOf(int cell) const {
  return {cell % columns * pitch, cell / columns * pitch, pitch - gap, pitch - gap};
}

int CellGrid::cellAt(const QPoint& point) const {
  if (point.x() < 0 || point.y() < 0 || point.x() >= width()) return -1;
  const int cell = point.y() / pitch * columns + point.x() / pitch;
  return cell < cells ? cell : -1;
}

}  // namespace runnel::ui
