//! What the name of a radar scene of a glacier says: `GLACIER_YYYY-MM-DD_SENSOR_RESOLUTION_QUALITY_ORBIT`, as the benchmark CaFFe writes
//! it (N. Gourmelon et al., "Calving fronts and where to find them", Earth System Science Data 14, 2022).

use jiff::civil::Date;

/// Glaciers of the northern half of the world among those of CaFFe; all others lie in the south.
const NORTHERN: [&str; 2] = ["COL", "JAC"];

/// A part of the year by what a glacier sees of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Season {
    /// April to August in the north, September to March in the south.
    Summer,
    /// The rest.
    Winter,
}

impl Season {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Season::Summer => "summer",
            Season::Winter => "winter",
        }
    }
}

/// What the name of a scene says.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneName {
    /// The glacier's short name.
    pub glacier: String,
    /// The day it was seen.
    pub date: Date,
    /// The satellite.
    pub sensor: String,
    /// Metres a pixel.
    pub resolution: f64,
}

impl SceneName {
    /// What a name of this form says, with or without `_zones` or `_front` behind; `None` for any other name. The quality (a whole
    /// number) has to be there, the orbit may be missing.
    pub fn parse(name: &str) -> Option<SceneName> {
        let name = name.strip_suffix("_zones").or_else(|| name.strip_suffix("_front")).unwrap_or(name);
        let parts: Vec<&str> = name.split('_').collect();
        let [glacier, date, sensor, resolution, quality, orbit @ ..] = &parts[..] else { return None };
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_form =
            is_word(glacier) && is_word(sensor) && is_number(quality) && orbit.len() <= 1 && orbit.iter().all(|orbit| is_word(orbit));
        let metres = resolution.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| resolution.parse::<f64>().ok())??;
        if !is_form || date.len() != "YYYY-MM-DD".len() || !metres.is_finite() || metres <= 0.0 {
            return None;
        }
        let date: Date = date.parse().ok()?;
        Some(SceneName { glacier: (*glacier).into(), date, sensor: (*sensor).into(), resolution: metres })
    }

    /// The satellite, or the two that fly together and see the same: `TSX+TDX`.
    pub fn sensor_group(&self) -> &str {
        match self.sensor.as_str() {
            "TSX" | "TDX" => "TSX+TDX",
            other => other,
        }
    }

    /// The season where the glacier lies: of those that CaFFe has.
    pub fn season(&self) -> Season {
        let is_northern = NORTHERN.contains(&self.glacier.as_str());
        match (4..=8).contains(&self.date.month()) == is_northern {
            true => Season::Summer,
            false => Season::Winter,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn names_say_glacier_day_sensor_and_resolution() {
        let name = SceneName::parse("COL_2011-11-13_TDX_7_1_092").unwrap();
        let wanted = SceneName { glacier: "COL".into(), date: date(2011, 11, 13), sensor: "TDX".into(), resolution: 7.0 };
        assert_eq!((name.sensor_group(), name.season(), &name), ("TSX+TDX", Season::Winter, &wanted));
        for name in ["COL_2011-11-13_TDX_7_1_092_zones", "COL_2011-11-13_TDX_7_1_092_front", "COL_2011-11-13_TDX_7_1"] {
            assert_eq!(SceneName::parse(name).as_ref(), Some(&wanted), "{name}");
        }
        for name in [
            "2019_05_01",
            "everest",
            "COL_2011-13-13_TDX_7_1_092",
            "COL_2011-11-13_TDX_0_1_092",
            "COL_2011-11-13_TDX_inf_1_092",
            "COL_2011-11-13_TDX_7",
            "COL_2011-11-13_TDX_7_1_092_zones_zones",
            "COL_2011-11-13_TDX_7_a_092",
            "_2011-11-13_TDX_7_1_092",
            "COL_20111113_TDX_7_1_092",
        ] {
            assert_eq!(SceneName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn seasons_turn_around_at_the_equator() {
        let season = |glacier: &str, month: i8| {
            let date = date(2011, month, 1);
            SceneName { glacier: glacier.into(), date, sensor: "ERS".into(), resolution: 20.0 }.season()
        };
        for month in 1..=12 {
            let is_summer = [4, 5, 6, 7, 8].contains(&month);
            for (glacier, summer) in [("COL", is_summer), ("JAC", is_summer), ("Mapple", !is_summer), ("Crane", !is_summer)] {
                assert_eq!(season(glacier, month) == Season::Summer, summer, "{glacier} {month}");
            }
        }
    }
}
