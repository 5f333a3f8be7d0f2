//! Groups of scenes by what their names say, for scores of each.

use super::distances::Compared;
use super::scores::FrontScores;
use crate::domains::SceneName;

/// What scenes are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrontGroup {
    /// The glacier.
    Glacier,
    /// The satellite; two that fly together are one.
    Sensor,
    /// Metres a pixel.
    Resolution,
    /// Summer or winter.
    Season,
    /// Glacier and satellite.
    GlacierSensor,
    /// Glacier and metres a pixel.
    GlacierResolution,
    /// Glacier and season.
    GlacierSeason,
}

impl FrontGroup {
    /// All, in the order of tables.
    pub const ALL: [FrontGroup; 7] = [
        FrontGroup::Glacier,
        FrontGroup::Sensor,
        FrontGroup::Resolution,
        FrontGroup::Season,
        FrontGroup::GlacierSensor,
        FrontGroup::GlacierResolution,
        FrontGroup::GlacierSeason,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            FrontGroup::Glacier => "glacier",
            FrontGroup::Sensor => "sensor",
            FrontGroup::Resolution => "resolution",
            FrontGroup::Season => "season",
            FrontGroup::GlacierSensor => "glacier_sensor",
            FrontGroup::GlacierResolution => "glacier_resolution",
            FrontGroup::GlacierSeason => "glacier_season",
        }
    }

    /// Whether it is one property alone, which short tables show.
    pub fn is_single(self) -> bool {
        self <= FrontGroup::Season
    }

    /// A scene's group: its name, behind what it is sorted by.
    fn of(self, name: &SceneName) -> (String, u64, String) {
        let glacier = || name.glacier.clone();
        // Positive numbers are in the order of their bits.
        let resolution = |before: String| (before, name.resolution.to_bits(), format!("{} m", name.resolution));
        let plain = |before: String, text: &str| (before, 0, text.to_owned());
        match self {
            FrontGroup::Glacier => plain(String::new(), &name.glacier),
            FrontGroup::Sensor => plain(String::new(), name.sensor_group()),
            FrontGroup::Resolution => resolution(String::new()),
            FrontGroup::Season => plain(String::new(), name.season().name()),
            FrontGroup::GlacierSensor => plain(glacier(), name.sensor_group()),
            FrontGroup::GlacierResolution => resolution(glacier()),
            FrontGroup::GlacierSeason => plain(glacier(), name.season().name()),
        }
    }
}

/// The groups of scenes by one of these, in their order, with the scores of each; scenes whose names say nothing are in none.
///
/// # Shapes
/// `scenes`: names, and the fronts beside each other.
pub fn grouped<'a>(scenes: impl Iterator<Item = (&'a str, &'a Compared)>, by: FrontGroup) -> Vec<(String, FrontScores)> {
    let mut groups: std::collections::BTreeMap<(String, u64, String), Vec<&Compared>> = Default::default();
    for (name, compared) in scenes {
        if let Some(name) = SceneName::parse(name) {
            groups.entry(by.of(&name)).or_default().push(compared);
        }
    }
    let labelled = |((before, _, label), scenes): (_, Vec<&Compared>)| -> (String, FrontScores) {
        let before: String = before;
        (format!("{before} {label}").trim_start().to_owned(), FrontScores::of(scenes.into_iter()))
    };
    groups.into_iter().map(labelled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_stand_in_the_groups_of_their_names() {
        let at = |distance: f64| Compared { predicted: 1, observed: 1, to_observed: vec![distance], to_predicted: vec![distance] };
        let scenes = [
            ("COL_2011-11-13_TDX_7_1_092", at(10.0)),
            ("COL_2011-06-13_TSX_7_1_092", at(20.0)),
            ("Mapple_2011-11-13_ERS_20_1_092", at(40.0)),
            ("Mapple_2012-11-13_S1_12_1_092", Compared::default()),
            ("my own scene", at(999.0)),
        ];
        let of = |by| {
            let groups = grouped(scenes.iter().map(|(name, compared)| (*name, compared)), by);
            groups
                .into_iter()
                .map(|(label, scores)| format!("{label}: {}/{} {:?}", scores.images, scores.missing, scores.mde))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(FrontGroup::Glacier), ["COL: 2/0 Some(15.0)", "Mapple: 2/1 Some(40.0)"]);
        assert_eq!(of(FrontGroup::Sensor), ["ERS: 1/0 Some(40.0)", "S1: 1/1 None", "TSX+TDX: 2/0 Some(15.0)"]);
        assert_eq!(of(FrontGroup::Resolution), ["7 m: 2/0 Some(15.0)", "12 m: 1/1 None", "20 m: 1/0 Some(40.0)"]);
        assert_eq!(of(FrontGroup::Season), ["summer: 3/1 Some(30.0)", "winter: 1/0 Some(10.0)"]);
        assert_eq!(
            of(FrontGroup::GlacierSeason),
            ["COL summer: 1/0 Some(20.0)", "COL winter: 1/0 Some(10.0)", "Mapple summer: 2/1 Some(40.0)"]
        );
        assert_eq!(FrontGroup::ALL.map(|by| by.is_single()), [true, true, true, true, false, false, false]);
    }
}
