//! Which axes of a variable are the horizontal ones, from the attributes of their coordinates, else from their names.
//!
//! Source: CF conventions 1.10, sections 4 (`axis`, `units` and `standard_name` of coordinates) and 5.6 (projection coordinates).

use super::units::{is_east, is_north};

/// What the file says of an axis.
#[derive(Debug, Clone, Default)]
pub(super) struct Coordinates {
    /// Name of the axis.
    pub axis: String,
    /// Coordinates; none where it has no coordinate variable of numbers.
    pub values: Option<Vec<f64>>,
    /// Outer edges of the first cell, where they are given.
    pub bounds: Option<(f64, f64)>,
    /// Attributes.
    pub units: Option<String>,
    pub kind: Option<String>,
    pub standard_name: Option<String>,
    pub calendar: Option<String>,
}

/// One of the two horizontal axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Horizontal {
    X,
    Y,
}

impl Coordinates {
    fn is(&self, attribute: &Option<String>, values: &[&str]) -> bool {
        attribute.as_ref().is_some_and(|text| values.contains(&text.trim()))
    }

    /// The axis that its attributes say it is.
    fn by_attributes(&self) -> Option<Horizontal> {
        let units = self.units.as_deref().unwrap_or_default();
        if is_east(units) || self.is(&self.standard_name, &["projection_x_coordinate", "longitude", "grid_longitude"]) {
            return Some(Horizontal::X);
        }
        if is_north(units) || self.is(&self.standard_name, &["projection_y_coordinate", "latitude", "grid_latitude"]) {
            return Some(Horizontal::Y);
        }
        match self.kind.as_deref().map(str::trim) {
            Some("X" | "x") => Some(Horizontal::X),
            Some("Y" | "y") => Some(Horizontal::Y),
            _ => None,
        }
    }

    /// The axis that its name says it is.
    fn by_name(&self) -> Option<Horizontal> {
        match self.axis.to_ascii_lowercase().as_str() {
            "x" | "xc" | "lon" | "longitude" | "rlon" | "easting" | "x_coordinate" | "projection_x_coordinate" => Some(Horizontal::X),
            "y" | "yc" | "lat" | "latitude" | "rlat" | "northing" | "y_coordinate" | "projection_y_coordinate" => Some(Horizontal::Y),
            _ => None,
        }
    }

    /// Whether it is longitude or latitude by its attributes.
    pub fn is_degrees(&self) -> bool {
        let units = self.units.as_deref().unwrap_or_default();
        is_east(units) || is_north(units) || self.is(&self.standard_name, &["longitude", "latitude"])
    }

    /// Whether it is time by its attributes.
    pub fn is_time(&self) -> bool {
        self.is(&self.kind, &["T"]) || self.is(&self.standard_name, &["time"])
    }
}

/// Indices of the axes x and y, where both are known.
pub(super) fn find(axes: &[Coordinates]) -> (Option<usize>, Option<usize>) {
    let one = |wanted: Horizontal| {
        let by = |role: fn(&Coordinates) -> Option<Horizontal>| axes.iter().rposition(|axis| role(axis) == Some(wanted));
        // A name counts only where no attribute says otherwise.
        by(Coordinates::by_attributes).or_else(|| by(|axis| axis.by_attributes().or(axis.by_name())))
    };
    (one(Horizontal::X), one(Horizontal::Y))
}

/// What lacks for the axes to be placed, as a clause; `(x, y)` are those that were found.
pub(super) fn lack(axes: &[Coordinates], (x, y): (Option<usize>, Option<usize>)) -> String {
    let names: Vec<&str> = axes.iter().map(|axis| &axis.axis[..]).collect();
    let mark = |letter: &str, degrees: &str| {
        let standard_name = format!("projection_{}_coordinate", letter.to_ascii_lowercase());
        format!("units {degrees}, standard_name {standard_name} or axis {letter} on its coordinate variable")
    };
    let bare = [x, y].into_iter().flatten().find(|index| axes[*index].values.is_none());
    match (x, y, bare) {
        (_, _, Some(index)) => format!("its axis `{}` has no coordinate variable of numbers; add one", axes[index].axis),
        (None, None, _) => {
            format!("none of its axes ({}) is marked as x or y ({})", names.join(", "), mark("X", "degrees_east"))
        }
        (None, ..) => format!("none of its axes ({}) is marked as x ({})", names.join(", "), mark("X", "degrees_east")),
        (_, None, _) => format!("none of its axes ({}) is marked as y ({})", names.join(", "), mark("Y", "degrees_north")),
        _ => "nothing lacks".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str, units: &str, kind: &str, standard_name: &str) -> Coordinates {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Coordinates {
            axis: name.into(),
            values: Some(vec![0.0, 1.0]),
            units: text(units),
            kind: text(kind),
            standard_name: text(standard_name),
            ..Coordinates::default()
        }
    }

    #[test]
    fn attributes_go_before_names() {
        let time = axis("time", "days since 2000-01-01", "T", "time");
        let cases = [
            (vec![time.clone(), axis("x", "m", "", ""), axis("y", "m", "", "")], (Some(1), Some(2))),
            (vec![axis("a", "degrees_north", "", ""), time.clone(), axis("b", "degrees_east", "", "")], (Some(2), Some(0))),
            // Named the wrong way round.
            (vec![axis("x", "m", "Y", ""), axis("y", "m", "X", "")], (Some(1), Some(0))),
            (vec![axis("rows", "", "", "projection_y_coordinate"), axis("cols", "", "X", "")], (Some(1), Some(0))),
            (vec![time.clone(), axis("i", "1", "", ""), axis("j", "1", "", "")], (None, None)),
        ];
        for (axes, wanted) in cases {
            assert_eq!(find(&axes), wanted, "{axes:?}");
        }
    }

    #[test]
    fn what_lacks_is_named() {
        let axes = [axis("time", "days since 2000-01-01", "T", ""), axis("i", "", "", ""), axis("y", "m", "Y", "")];
        assert!(lack(&axes, find(&axes)).contains("none of its axes (time, i, y) is marked as x (units degrees_east, standard_name"));
        let mut bare = [axis("y", "m", "", ""), axis("x", "m", "", "")];
        bare[1].values = None;
        assert_eq!(lack(&bare, find(&bare)), "its axis `x` has no coordinate variable of numbers; add one");
    }
}
