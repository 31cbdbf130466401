//! The proleptic Gregorian calendar from the year 0 on.

const fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

pub(super) const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days before each month of a common year.
const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/// Days from 1 January of the year 0 to 1970.
const TO_1970: i64 = 719_528;

/// Days since 1970 in the proleptic Gregorian calendar, for the year 0 and later.
pub(super) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    days_before_year(year) + BEFORE[month as usize - 1] + (month > 2 && is_leap(year)) as i64 + day
        - 1
        - TO_1970
}

/// Days from 1 January of the year 0 to 1 January of this year.
const fn days_before_year(year: i64) -> i64 {
    if year == 0 {
        return 0;
    }
    let past = year - 1;
    year * 365 + 1 + past / 4 - past / 100 + past / 400
}

/// Year, month and day; a year below 0 stands for everything before the year 0.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + TO_1970;
    if days < 0 {
        return (-1, 1, 1);
    }
    // Never too late, at most a year too early.
    let mut year = days * 400 / 146_097;
    while year > 0 && days_before_year(year) > days {
        year -= 1;
    }
    while days_before_year(year + 1) <= days {
        year += 1;
    }
    let mut rest = days - days_before_year(year);
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}
