#include "proget/core/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECONDS_PER_DAY INT64_C(86400)
/* 9999-12-31T23:59:59Z */
#define CLOCK_SECONDS_MAX INT64_C(253402300799)

struct instant clock_now(void)
{
    struct timespec wall;
    struct timespec boot;

    /* Neither can fail with these clocks and valid pointers. */
    (void) clock_gettime(CLOCK_REALTIME, &wall);
    (void) clock_gettime(CLOCK_BOOTTIME, &boot);
    return (struct instant){
        .wall_us = (int64_t) wall.tv_sec * CLOCK_US_PER_SECOND + wall.tv_nsec / 1000,
        .monotonic_ms = (int64_t) boot.tv_sec * 1000 + boot.tv_nsec / 1000000,
    };
}

static char *digits_put(char *target, int64_t value, int width)
{
    for (int index = width - 1; index >= 0; index--) {
        target[index] = (char) ('0' + value % 10);
        value /= 10;
    }
    return target + width;
}

/*
 * The proleptic Gregorian calendar, both ways, with years that start in March so that the leap day comes last.
 * 719468 days lie between 0000-03-01 and 1970-01-01; 146097 days make 400 years.
 */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t era = march_year / 400;
    int64_t year_of_era = march_year % 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    *ret_day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *ret_month = march_month < 10 ? march_month + 3 : march_month - 9;
    *ret_year = era * 400 + year_of_era + (*ret_month <= 2 ? 1 : 0);
}

/* What the format cannot tell (before 1970, after 9999) becomes the nearest that it can. */
static void clock_format(int64_t wall_us, bool with_micros, char target[CLOCK_TEXT_SIZE])
{
    int64_t seconds = wall_us < 0 ? 0 : wall_us / CLOCK_US_PER_SECOND;
    int64_t micros = wall_us < 0 ? 0 : wall_us % CLOCK_US_PER_SECOND;
    int64_t year, month, day;
    int64_t in_day;
    char *at = target;

    if (seconds > CLOCK_SECONDS_MAX) {
        seconds = CLOCK_SECONDS_MAX;
        micros = CLOCK_US_PER_SECOND - 1;
    }
    date_from_days(seconds / SECONDS_PER_DAY, &year, &month, &day);
    in_day = seconds % SECONDS_PER_DAY;
    at = digits_put(at, year, 4);
    *at++ = '-';
    at = digits_put(at, month, 2);
    *at++ = '-';
    at = digits_put(at, day, 2);
    *at++ = 'T';
    at = digits_put(at, in_day / 3600, 2);
    *at++ = ':';
    at = digits_put(at, in_day / 60 % 60, 2);
    *at++ = ':';
    at = digits_put(at, in_day % 60, 2);
    if (with_micros) {
        *at++ = '.';
        at = digits_put(at, micros, 6);
    }
    *at++ = 'Z';
    *at = '\0';
}

void clock_format_seconds(int64_t wall_us, char target[CLOCK_TEXT_SIZE])
{
    clock_format(wall_us, false, target);
}

void clock_format_micros(int64_t wall_us, char target[CLOCK_TEXT_SIZE])
{
    clock_format(wall_us, true, target);
}

/* Reads exactly `width` digits at *at and moves it. */
static bool digits_take(const char **at, int width, int64_t *ret_value)
{
    int64_t value = 0;

    for (int index = 0; index < width; index++) {
        char character = (*at)[index];

        if (character < '0' || character > '9') {
            return false;
        }
        value = value * 10 + (character - '0');
    }
    *at += width;
    *ret_value = value;
    return true;
}

static bool character_take(const char **at, char expected)
{
    if (**at != expected) {
        return false;
    }
    (*at)++;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool date_take(const char **at, int64_t *ret_days)
{
    int64_t year, month, day;

    if (!digits_take(at, 4, &year) || !character_take(at, '-') || !digits_take(at, 2, &month) ||
        !character_take(at, '-') || !digits_take(at, 2, &day)) {
        return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *ret_days = days_from_date(year, month, day);
    return true;
}

/* No leap second: the API server takes none either. */
static bool time_take(const char **at, int64_t *ret_seconds)
{
    int64_t hour, minute, second;

    if (!digits_take(at, 2, &hour) || !character_take(at, ':') || !digits_take(at, 2, &minute) ||
        !character_take(at, ':') || !digits_take(at, 2, &second)) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* Decimals, if there are any; what is finer than a microsecond is dropped. */
static bool micros_take(const char **at, int64_t *ret_micros)
{
    int64_t micros = 0;
    int64_t unit_us = CLOCK_US_PER_SECOND / 10;
    int count = 0;

    if (character_take(at, '.')) {
        int64_t digit;

        while (digits_take(at, 1, &digit)) {
            micros += digit * unit_us;
            unit_us /= 10;
            if (++count > 9) {
                return false;
            }
        }
        if (count == 0) {
            return false;
        }
    }
    *ret_micros = micros;
    return true;
}

static bool offset_take(const char **at, int64_t *ret_seconds)
{
    int64_t hours, minutes;
    int64_t sign = 1;

    if (character_take(at, 'Z') || character_take(at, 'z')) {
        *ret_seconds = 0;
        return true;
    }
    if (character_take(at, '-')) {
        sign = -1;
    } else if (!character_take(at, '+')) {
        return false;
    }
    if (!digits_take(at, 2, &hours) || !character_take(at, ':') || !digits_take(at, 2, &minutes) || hours > 23 ||
        minutes > 59) {
        return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

int clock_parse(const char *text, int64_t *ret_wall_us)
{
    const char *at = text;
    int64_t days, in_day, micros, offset, seconds;

    if (text == NULL || !date_take(&at, &days)) {
        return ERROR_BAD_INPUT;
    }
    if (!character_take(&at, 'T') && !character_take(&at, 't')) {
        return ERROR_BAD_INPUT;
    }
    if (!time_take(&at, &in_day) || !micros_take(&at, &micros) || !offset_take(&at, &offset) || *at != '\0') {
        return ERROR_BAD_INPUT;
    }
    seconds = days * SECONDS_PER_DAY + in_day - offset;
    if (seconds < 0 || seconds > CLOCK_SECONDS_MAX) {
        return ERROR_BAD_INPUT;
    }
    *ret_wall_us = seconds * CLOCK_US_PER_SECOND + micros;
    return 0;
}

void clock_format_duration(int64_t duration_ms, char target[CLOCK_TEXT_SIZE])
{
    long long seconds = duration_ms < 0 ? 0 : duration_ms / 1000;
    long long minutes = seconds / 60;
    long long hours = minutes / 60;

    if (minutes == 0) {
        (void) snprintf(target, CLOCK_TEXT_SIZE, "%lld s", seconds);
    } else if (hours == 0) {
        (void) snprintf(target, CLOCK_TEXT_SIZE, "%lld min", minutes);
    } else if (hours >= 48) {
        (void) snprintf(target, CLOCK_TEXT_SIZE, "%lld d", hours / 24);
    } else if (minutes % 60 == 0) {
        (void) snprintf(target, CLOCK_TEXT_SIZE, "%lld h", hours);
    } else {
        (void) snprintf(target, CLOCK_TEXT_SIZE, "%lld h %lld min", hours, minutes % 60);
    }
}
