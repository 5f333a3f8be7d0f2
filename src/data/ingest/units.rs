//! Units of horizontal axes.

/// Metres in a unit of length.
pub(super) fn metres(unit: &str) -> Option<f64> {
    match unit.trim().to_ascii_lowercase().as_str() {
        "km" | "kilometer" | "kilometers" | "kilometre" | "kilometres" => Some(1000.0),
        "m" | "meter" | "meters" | "metre" | "metres" => Some(1.0),
        _ => None,
    }
}

/// Whether a unit is that of longitude (CF 1.10, section 4.2).
pub(super) fn is_east(unit: &str) -> bool {
    matches!(unit.trim(), "degrees_east" | "degree_east" | "degree_E" | "degrees_E" | "degreeE" | "degreesE")
}

/// Whether a unit is that of latitude (CF 1.10, section 4.1).
pub(super) fn is_north(unit: &str) -> bool {
    matches!(unit.trim(), "degrees_north" | "degree_north" | "degree_N" | "degrees_N" | "degreeN" | "degreesN")
}
