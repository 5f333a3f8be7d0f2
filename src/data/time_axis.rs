//! Days of a CF time axis: "days since 2014-09-01 00:00:00" with a calendar, numbers to dates.
//!
//! Source: CF conventions 1.10, section 4.4 (units of time, calendars). Civil dates from day numbers as in the Julian day tables
//! (E. G. Richards, Explanatory Supplement to the Astronomical Almanac, 3rd edition, section 15.11).

use super::day::Day;

/// Seconds of a day; leap seconds do not exist on a CF axis.
const DAY: i64 = 86_400;
/// Julian day number of 1582-10-15, the first Gregorian day.
const REFORM: i64 = 2_299_161;

/// How dates follow each other on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calendar {
    /// Gregorian since 1582-10-15, Julian before.
    Standard,
    /// Gregorian at all times.
    Proleptic,
    /// No 29 February.
    NoLeap,
}

/// A time axis: reference, unit and calendar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeAxis {
    calendar: Calendar,
    /// Days of the reference from the calendar's own zero.
    reference_day: i64,
    /// Seconds of the reference into its day, in UTC.
    reference_second: f64,
    unit_seconds: f64,
}

impl TimeAxis {
    /// Reads the attributes `units` and `calendar` (none means standard).
    ///
    /// # Errors
    /// A message where the axis has another form, or a calendar whose dates are no days of the civil one.
    pub fn parse(units: &str, calendar: Option<&str>) -> Result<TimeAxis, String> {
        let calendar = match calendar.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "standard" | "gregorian") => Calendar::Standard,
            Some("proleptic_gregorian") => Calendar::Proleptic,
            Some("365_day" | "noleap") => Calendar::NoLeap,
            Some(other) => {
                return Err(format!(
                    "its time axis counts in the calendar `{other}`, which has days that do not exist (or lacks days that do); \
                     standard, gregorian, proleptic_gregorian and 365_day (noleap) can be read"
                ));
            }
        };
        let form = || {
            format!(
                "its time units are `{units}`; weeks, days, hours, minutes, seconds or parts of them since a date (YYYY-MM-DD hh:mm:ss) can be read"
            )
        };
        let (unit, since) = units.trim().split_once(" since ").ok_or_else(form)?;
        let unit_seconds = match unit.trim().to_ascii_lowercase().as_str() {
            "week" | "weeks" => 7.0 * DAY as f64,
            "day" | "days" | "d" => DAY as f64,
            "hour" | "hours" | "hr" | "hrs" | "h" => 3600.0,
            "minute" | "minutes" | "min" | "mins" => 60.0,
            "second" | "seconds" | "sec" | "secs" | "s" => 1.0,
            "millisecond" | "milliseconds" | "msec" | "msecs" | "ms" => 1e-3,
            "microsecond" | "microseconds" | "us" => 1e-6,
            "nanosecond" | "nanoseconds" | "ns" => 1e-9,
            _ => return Err(form()),
        };
        let (reference_day, reference_second) = reference(since.trim(), calendar).ok_or_else(form)?;
        Ok(TimeAxis { calendar, reference_day, reference_second, unit_seconds })
    }

    /// The day that a value of the axis falls on, to the nearest second; `None` before year 1 or after 9999, and for no number.
    pub fn day(&self, value: f64) -> Option<Day> {
        let seconds = (value * self.unit_seconds + self.reference_second + 0.5).floor();
        if !seconds.is_finite() || seconds.abs() > 1e13 {
            return None;
        }
        let number = self.reference_day + (seconds as i64).div_euclid(DAY);
        let (year, month, day) = match self.calendar {
            Calendar::NoLeap => no_leap_date(number),
            Calendar::Standard => date(number, number >= REFORM),
            Calendar::Proleptic => date(number, true),
        };
        (1..=9999).contains(&year).then_some(Day { year: year as u16, month: month as u8, day: day as u8, ..Day::UNDATED })
    }
}

/// Day number and second in UTC of `2014-09-01 00:00:00 +02:00`; parts behind the date may lack.
fn reference(text: &str, calendar: Calendar) -> Option<(i64, f64)> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (clock, zone) = split_zone(time.trim());
    let second = if clock.is_empty() { 0.0 } else { seconds(clock)? };
    let number = match calendar {
        Calendar::NoLeap => no_leap_number(year, month, day)?,
        Calendar::Proleptic => day_number(year, month, day, true),
        Calendar::Standard => day_number(year, month, day, (year, month, day) >= (1582, 10, 15)),
    };
    Some((number, second - zone?))
}

/// `hh:mm:ss.f` and the offset of its time zone from UTC in seconds.
fn split_zone(text: &str) -> (&str, Option<f64>) {
    let text = text.strip_suffix("UTC").or(text.strip_suffix("GMT")).or(text.strip_suffix(['Z', 'z'])).unwrap_or(text).trim_end();
    // A zone may follow with or without a space; a bare 0:00 is UTC too.
    let at = text.find(['+', '-']).or_else(|| text.find(' '));
    let Some((clock, zone)) = at.map(|at| text.split_at(at)) else { return (text, Some(0.0)) };
    let zone = zone.trim();
    let (sign, digits) = match zone.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let digits = match (digits.len(), digits.contains(':')) {
        (4, false) if digits.is_ascii() => format!("{}:{}", &digits[..2], &digits[2..]),
        _ => digits.to_owned(),
    };
    (clock.trim(), seconds(&digits).map(|seconds| sign * seconds))
}

/// Seconds of `hh`, `hh:mm` or `hh:mm:ss.f`.
fn seconds(clock: &str) -> Option<f64> {
    let mut parts = clock.split(':');
    let mut part = |limit: f64| match parts.next() {
        None => Some(0.0),
        Some(text) => text.parse::<f64>().ok().filter(|value| (0.0..limit).contains(value)),
    };
    let (hours, minutes, seconds) = (part(25.0)?, part(60.0)?, part(61.0)?);
    parts.next().is_none().then_some(hours * 3600.0 + minutes * 60.0 + seconds)
}

/// Julian day number of a date of the Gregorian or the Julian calendar.
fn day_number(year: i64, month: i64, day: i64, gregorian: bool) -> i64 {
    // Years begin in March, so that the leap day is their last.
    let early = i64::from(month <= 2);
    let (y, m) = (year + 4800 - early, month + 12 * early - 3);
    let julian = day + (153 * m + 2) / 5 + 365 * y + y.div_euclid(4) - 32083;
    if gregorian { julian - y.div_euclid(100) + y.div_euclid(400) + 38 } else { julian }
}

/// The date of a Julian day number.
fn date(number: i64, gregorian: bool) -> (i64, i64, i64) {
    let (b, c) = if gregorian {
        let a = number + 32044;
        let b = (4 * a + 3).div_euclid(146_097);
        (b, a - (146_097 * b).div_euclid(4))
    } else {
        (0, number + 32082)
    };
    let d = (4 * c + 3).div_euclid(1461);
    let e = c - (1461 * d).div_euclid(4);
    let m = (5 * e + 2) / 153;
    (100 * b + d - 4800 + m / 10, m + 3 - 12 * (m / 10), e - (153 * m + 2) / 5 + 1)
}

/// Days before each month of a year without a leap day.
const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

fn no_leap_number(year: i64, month: i64, day: i64) -> Option<i64> {
    let before = BEFORE.get(usize::try_from(month - 1).ok()?)?;
    ((month, day) != (2, 29)).then_some(365 * year + before + day - 1)
}

fn no_leap_date(number: i64) -> (i64, i64, i64) {
    let (year, of_year) = (number.div_euclid(365), number.rem_euclid(365));
    let month = BEFORE.iter().filter(|before| **before <= of_year).count();
    (year, month as i64, of_year - BEFORE[month - 1] + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Julian day number of 1970-01-01.
    const EPOCH: i64 = 2_440_588;

    fn day(units: &str, calendar: &str, value: f64) -> String {
        TimeAxis::parse(units, Some(calendar)).unwrap().day(value).map_or("none".into(), |day| day.to_string())
    }

    /// Dates that Python's cftime gives.
    #[test]
    fn values_fall_on_their_days() {
        for (units, calendar, value, wanted) in [
            ("days since 2014-09-01 00:00:00", "", 2100.5, "2020-06-01"),
            ("days since 2014-9-1", "standard", 2100.0, "2020-06-01"),
            ("hours since 1900-01-01 00:00:0.0", "gregorian", 1_055_736.0, "2020-06-09"),
            ("hours since 1900-01-01", "gregorian", 1_055_735.999_999_9, "2020-06-09"),
            ("hours since 1900-01-01", "gregorian", 1_055_735.99, "2020-06-08"),
            ("seconds since 1970-01-01T00:00:00Z", "proleptic_gregorian", -1.0, "1969-12-31"),
            ("minutes since 2020-02-28 23:30", "standard", 30.0, "2020-02-29"),
            ("days since 2020-02-28", "365_day", 1.0, "2020-03-01"),
            ("days since 0001-01-01", "noleap", 736_935.0, "2020-01-01"),
            ("days since 0001-01-01 00:00:00", "standard", 737_425.0, "2019-12-31"),
            ("days since 0001-01-01 00:00:00", "proleptic_gregorian", 737_425.0, "2020-01-02"),
            ("days since 1582-10-04", "standard", 1.0, "1582-10-15"),
            ("hours since 2020-06-01 00:00:00 +02:00", "standard", 1.0, "2020-05-31"),
            ("hours since 2020-06-01 00:00:00 -0300", "standard", 20.0, "2020-06-01"),
            ("hours since 2020-06-01 00:00:00 0:00", "standard", 24.0, "2020-06-02"),
            ("nanoseconds since 1970-01-01", "proleptic_gregorian", 1.582_934_399e18, "2020-02-28"),
            ("microseconds since 1970-01-01", "proleptic_gregorian", 1.582_934_400e15, "2020-02-29"),
            ("weeks since 2020-01-01", "standard", 1.5, "2020-01-11"),
            ("days since 2020-01-01", "standard", f64::NAN, "none"),
            ("days since 2020-01-01", "standard", 1e9, "none"),
        ] {
            assert_eq!(day(units, calendar, value), wanted, "{units} {calendar} {value}");
        }
    }

    #[test]
    fn what_is_no_civil_day_is_refused() {
        for (units, calendar, wanted) in [
            ("months since 2020-01-01", "standard", "months since"),
            ("days after 2020-01-01", "standard", "YYYY-MM-DD"),
            ("days since yesterday", "standard", "YYYY-MM-DD"),
            ("days since 2020-13-01", "standard", "YYYY-MM-DD"),
            ("days since 2020-01-01 99:00", "standard", "YYYY-MM-DD"),
            ("days since 2020-02-29", "noleap", "YYYY-MM-DD"),
            ("days since 2020-01-01", "360_day", "360_day"),
            ("days since 2020-01-01", "julian", "julian"),
        ] {
            let message = TimeAxis::parse(units, Some(calendar)).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
    }

    #[test]
    fn every_day_of_a_leap_cycle_returns() {
        for number in 0..146_097 {
            let (year, month, day) = date(EPOCH + number, true);
            assert_eq!(Day { year: year as u16, month: month as u8, day: day as u8, ..Day::UNDATED }.number(), number);
        }
        for number in REFORM - 1461..REFORM {
            let (year, month, day) = date(number, false);
            assert_eq!(day_number(year, month, day, false), number);
        }
    }
}
