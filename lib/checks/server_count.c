#include "server_count.h"

int64_t server_count(const struct cluster *cluster)
{
    int64_t live = (int64_t) cluster->live_count;
    return cluster->intended > live ? cluster->intended : live;
}
