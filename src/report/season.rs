//! The year as its season sees it: it begins where no month has maps, so that an Antarctic summer is one curve.

use crate::data::day::{Day, MONTHS};

/// Which month a year begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Season {
    /// 1…12.
    pub first_month: u8,
}

impl Season {
    /// Begins in the middle of the longest run of months without maps where days lie on both sides of the new year, else in January.
    pub fn of<'a>(days: impl Iterator<Item = &'a Day>) -> Season {
        let mut present = [false; 12];
        days.for_each(|day| present[usize::from(day.month.clamp(1, 12)) - 1] = true);
        if !(present[0] && present[11]) || present.iter().all(|month| *month) {
            return Season { first_month: 1 };
        }
        let run_from = |start: usize| (0..12).take_while(|i| !present[(start + i) % 12]).count();
        let longest = (0..12).rev().max_by_key(|start| run_from(*start)).unwrap_or(0);
        Season { first_month: ((longest + run_from(longest) / 2) % 12) as u8 + 1 }
    }

    /// The season's year of a day: the calendar year that it begins in.
    pub fn year(&self, day: &Day) -> u16 {
        if day.month >= self.first_month { day.year } else { day.year.saturating_sub(1) }
    }

    /// Its name: `2018`, or `2015/16` where it holds a new year.
    pub fn name(&self, year: u16) -> String {
        if self.first_month == 1 { year.to_string() } else { format!("{year}/{:02}", (year + 1) % 100) }
    }

    /// Place of a day within its season's year, in days of a common year.
    pub fn place(&self, day: &Day) -> f64 {
        // Of a year without a leap day, so that a date has one place in all years.
        let first_of = |month: u8| f64::from(Day { year: 2001, month: month.clamp(1, 12), day: 1, ..Day::UNDATED }.day_of_year());
        (first_of(day.month) + f64::from(day.day) - 1.0 - first_of(self.first_month)).rem_euclid(365.0)
    }

    /// Place of the first of a month, and its name.
    pub fn month(&self, month: u8) -> (f64, String) {
        (self.place(&Day { year: 2001, month, day: 1, ..Day::UNDATED }), MONTHS[usize::from(month.clamp(1, 12)) - 1].to_owned())
    }

    /// Number of a month within the season's year, from 0.
    pub fn month_number(&self, month: u8) -> usize {
        usize::from((month + 12 - self.first_month) % 12)
    }

    /// The months in the order of the season's year, 1…12.
    pub fn months(&self) -> impl Iterator<Item = u8> + use<> {
        let first = self.first_month;
        (0..12).map(move |i| (first - 1 + i) % 12 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: u16, month: u8, day: u8) -> Day {
        Day { year, month, day, ..Day::UNDATED }
    }

    #[test]
    fn a_southern_summer_is_one_year() {
        let days = [day(2015, 12, 6), day(2016, 1, 17), day(2016, 2, 3), day(2016, 11, 20)];
        let season = Season::of(days.iter());
        assert_eq!(season.first_month, 7);
        assert_eq!([0, 1, 2, 3].map(|i: usize| season.year(&days[i])), [2015, 2015, 2015, 2016]);
        assert_eq!((season.name(2015), season.name(1999)), ("2015/16".into(), "1999/00".into()));
        assert!(season.place(&days[0]) < season.place(&days[1]));
        assert_eq!(season.months().next(), Some(7));
    }

    #[test]
    fn a_northern_summer_is_a_calendar_year() {
        let season = Season::of([day(2018, 4, 1), day(2018, 9, 30)].iter());
        assert_eq!((season.first_month, season.name(2018), season.place(&day(2018, 4, 1))), (1, "2018".into(), 90.0));
        let whole: Vec<Day> = (1..=12).map(|month| day(2018, month, 5)).collect();
        assert_eq!(Season::of(whole.iter()).first_month, 1);
        assert_eq!(Season::of([].iter()).first_month, 1);
    }
}
