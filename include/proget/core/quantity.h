/*
 * Kubernetes quantities ("100m", "1.5Gi", "2e3"), compared by value.
 */
#ifndef PROGET_CORE_QUANTITY_H
#define PROGET_CORE_QUANTITY_H

#include <stdint.h>

/* In thousandths, rounded up, saturating at INT64_MAX. 0 or ERROR_BAD_INPUT. apimachinery pkg/api/resource/quantity.go
 */
int quantity_parse(const char *text, int64_t *ret_thousandths);

#endif
