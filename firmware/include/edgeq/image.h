/* An image of which kernels/pair_rows.h makes pair rows, as part of parameters. Either axis may be its rows'.
 */
#ifndef EDGEQ_IMAGE_H
#define EDGEQ_IMAGE_H

#include <stdint.h>

/* Where the input lies in the padded rows that pair rows are made of. */
typedef struct edgeq_image {
  int32_t height;
  int32_t width;
  int32_t row;    /* bytes from a value to the one below it */
  int32_t column; /* bytes from a value to the one beside it */
  int32_t pad_top;
  int32_t pad_left;
  int32_t outside;   /* the zero point in each byte */
  int32_t positions; /* of a padded row that windows reach */
  int32_t inside;    /* of those, how many are the input's, at least 1 */
  int32_t pitch;     /* bytes from one pair row to the next, at least 16 * positions */
} edgeq_image;

#endif
