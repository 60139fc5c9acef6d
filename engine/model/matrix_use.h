#pragma once

namespace runnel {

/// What a matrix is for, as far as its precision goes.
enum class MatrixUse {
  layer,
  vocabulary,  ///< the embedding and the output matrix
  exact        ///< never rounded to integers: routers, which choose experts by small differences, and learned positions
};

}  // namespace runnel
