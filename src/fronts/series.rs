//! A glacier's front over time: its length in each scene, where it crosses the centre line, and how that changes.

use crate::data::csv::field;
use crate::data::dated_names::days_in;
use crate::data::day::Day;
use crate::domains::SceneName;

/// The front of one scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The scene's name.
    pub scene: String,
    /// Its day, where its name says one.
    pub date: Option<Day>,
    /// Pixels of its front; 0 of a scene without one.
    pub pixels: usize,
    /// Metres of its lines together.
    pub length: f64,
    /// Where it crosses the centre line, metres from the inland end, in ascending order.
    pub crossings: Vec<f64>,
}

/// The same with what came before.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesRow {
    /// The front.
    pub seen: Seen,
    /// Mean of its crossings, m; none where it crosses nowhere.
    pub position: Option<f64>,
    /// That position less that of the scene before that has one, m: above 0 where the front advanced.
    pub change: Option<f64>,
    /// Days since that scene.
    pub days: Option<i64>,
}

impl SeriesRow {
    /// Metres a day since the scene before; none within one day.
    pub fn rate(&self) -> Option<f64> {
        let days = self.days.filter(|days| *days > 0)?;
        Some(self.change? / days as f64)
    }

    /// Whether there is a front, and a position, in words.
    pub fn status(&self) -> &'static str {
        match (self.seen.pixels, self.position) {
            (0, _) => "no front",
            (_, None) => "does not cross the centre line",
            _ => "front",
        }
    }
}

/// The day that a scene's name says: that of CaFFe's form, else the only date in it.
pub fn date_of(name: &str) -> Option<Day> {
    if let Some(date) = SceneName::parse(name).map(|name| name.date) {
        return Day::new(date.year().try_into().ok()?, date.month().try_into().ok()?, date.day().try_into().ok()?);
    }
    let days = days_in(name);
    days.first().filter(|_| days.len() == 1).copied()
}

/// Scenes in the order of their days, those without one behind, each with how the front moved since the last one that has a position.
pub fn series(mut scenes: Vec<Seen>) -> Vec<SeriesRow> {
    scenes.sort_by(|a, b| (a.date.is_none(), a.date, &a.scene).cmp(&(b.date.is_none(), b.date, &b.scene)));
    let mut last: Option<(f64, Day)> = None;
    let row = |seen: Seen| {
        let count = seen.crossings.len() as f64;
        let position = (!seen.crossings.is_empty()).then(|| seen.crossings.iter().sum::<f64>() / count);
        let now = position.zip(seen.date);
        let change = now.zip(last).map(|((position, date), (before, day))| (position - before, date.number() - day.number()));
        last = now.or(last);
        SeriesRow { position, change: change.map(|(metres, _)| metres), days: change.map(|(_, days)| days), seen }
    };
    scenes.into_iter().map(row).collect()
}

/// A line a scene under a header; what is not known is empty.
pub fn series_to_csv(rows: &[SeriesRow]) -> String {
    let mut csv = String::from("scene,date,status,length_m,position_m,least_m,greatest_m,crossings,change_m,days,rate_m_per_day\n");
    for row in rows {
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let seen = &row.seen;
        let cells = [
            field(&seen.scene),
            seen.date.map_or(String::new(), |date| date.to_string()),
            row.status().to_owned(),
            number((seen.pixels > 0).then_some(seen.length)),
            number(row.position),
            number(seen.crossings.first().copied()),
            number(seen.crossings.last().copied()),
            seen.crossings.len().to_string(),
            number(row.change),
            row.days.map_or(String::new(), |days| days.to_string()),
            number(row.rate()),
        ];
        csv.push_str(&(cells.join(",") + "\n"));
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(scene: &str, pixels: usize, crossings: &[f64]) -> Seen {
        Seen { scene: scene.into(), date: date_of(scene), pixels, length: pixels as f64 * 7.0, crossings: crossings.to_vec() }
    }

    #[test]
    fn changes_are_since_the_last_scene_with_a_position() {
        let rows = series(vec![
            seen("COL_2011-01-11_TDX_7_1_092", 100, &[950.0]),
            seen("undated", 10, &[1.0]),
            seen("COL_2011-01-01_TDX_7_1_092", 100, &[990.0, 1000.0, 1010.0]),
            seen("COL_2011-01-03_TDX_7_1_092", 0, &[]),
            seen("COL_2011-01-05_TDX_7_1_092", 50, &[]),
            seen("COL_2011-01-11_TSX_7_1_093", 100, &[960.0]),
        ]);
        let csv = series_to_csv(&rows);
        let wanted = "scene,date,status,length_m,position_m,least_m,greatest_m,crossings,change_m,days,rate_m_per_day\n\
            COL_2011-01-01_TDX_7_1_092,2011-01-01,front,700,1000,990,1010,3,,,\n\
            COL_2011-01-03_TDX_7_1_092,2011-01-03,no front,,,,,0,,,\n\
            COL_2011-01-05_TDX_7_1_092,2011-01-05,does not cross the centre line,350,,,,0,,,\n\
            COL_2011-01-11_TDX_7_1_092,2011-01-11,front,700,950,950,950,1,-50,10,-5\n\
            COL_2011-01-11_TSX_7_1_093,2011-01-11,front,700,960,960,960,1,10,0,\n\
            undated,,front,70,1,1,1,1,,,\n";
        assert_eq!(csv, wanted);
    }

    #[test]
    fn days_are_those_of_names() {
        assert_eq!(date_of("COL_2011-11-13_TDX_7_1_092"), Day::new(2011, 11, 13));
        assert_eq!(date_of("S1A_IW_20190305"), Day::new(2019, 3, 5));
        assert_eq!(date_of("2019_03_05"), Day::new(2019, 3, 5));
        assert_eq!((date_of("20190305_20190317"), date_of("scene")), (None, None));
    }
}
