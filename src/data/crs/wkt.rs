//! Coordinate systems in well-known text: WKT 1 as GDAL and ESRI write it, and WKT 2.

use std::collections::BTreeMap;

use super::Parameter::{self, *};
use super::{Crs, Geodetic, Projection, Spelt, codes};

/// Deeper text is no coordinate system.
const DEEPEST: usize = 32;

/// Methods by name, without the letters' case and the signs between words, with their GeoTIFF numbers.
const METHODS: &[(&str, u16)] = &[
    ("transversemercator", 1),
    ("gausskruger", 1),
    ("transversemercatorsouthorientated", 27),
    ("mercator", 7),
    ("mercator1sp", 7),
    ("mercator2sp", 7),
    ("mercatorvarianta", 7),
    ("mercatorvariantb", 7),
    ("lambertconformalconic2sp", 8),
    ("lambertconicconformal2sp", 8),
    ("lambertconformalconic", 8),
    ("lambertconformalconic1sp", 9),
    ("lambertconicconformal1sp", 9),
    ("lambertazimuthalequalarea", 10),
    ("lambertazimuthalequalareaspherical", 10),
    ("albersconicequalarea", 11),
    ("albersequalarea", 11),
    ("albers", 11),
    ("azimuthalequidistant", 12),
    ("equidistantconic", 13),
    ("stereographic", 14),
    ("polarstereographic", 15),
    ("polarstereographicvarianta", 15),
    ("polarstereographicvariantb", 15),
    ("stereographicnorthpole", 15),
    ("stereographicsouthpole", 15),
    ("obliquestereographic", 16),
    ("doublestereographic", 16),
    ("equirectangular", 17),
    ("equidistantcylindrical", 17),
    ("platecarree", 17),
    ("orthographic", 21),
    ("polyconic", 22),
    ("sinusoidal", 24),
    ("cylindricalequalarea", 28),
    ("lambertcylindricalequalarea", 28),
    ("lambertcylindricalequalareaspherical", 28),
    ("behrmann", 28),
];

/// Parameters by name, spelt as the methods are.
const PARAMETERS: &[(&str, Parameter)] = &[
    ("latitudeoforigin", Latitude),
    ("latitudeofcenter", Latitude),
    ("latitudeofnaturalorigin", Latitude),
    ("latitudeoffalseorigin", Latitude),
    ("latitudeofprojectioncentre", Latitude),
    ("latitudeofstandardparallel", Latitude),
    ("centralmeridian", Longitude),
    ("longitudeofcenter", Longitude),
    ("longitudeoforigin", Longitude),
    ("longitudeofnaturalorigin", Longitude),
    ("longitudeoffalseorigin", Longitude),
    ("longitudeofprojectioncentre", Longitude),
    ("straightverticallongitudefrompole", Longitude),
    ("standardparallel1", Parallel1),
    ("latitudeof1ststandardparallel", Parallel1),
    ("standardparallel2", Parallel2),
    ("latitudeof2ndstandardparallel", Parallel2),
    ("azimuth", Azimuth),
    ("scalefactor", Scale),
    ("scalefactoratnaturalorigin", Scale),
    ("falseeasting", Easting),
    ("eastingatfalseorigin", Easting),
    ("falsenorthing", Northing),
    ("northingatfalseorigin", Northing),
];

/// Datums by name, spelt as the methods are, with their codes.
const DATUMS: &[(&str, u32)] = &[
    ("wgs1984", 6326),
    ("dwgs1984", 6326),
    ("wgs84", 6326),
    ("worldgeodeticsystem1984", 6326),
    ("worldgeodeticsystem1984ensemble", 6326),
    ("northamericandatum1983", 6269),
    ("dnorthamerican1983", 6269),
    ("northamericandatum1927", 6267),
    ("dnorthamerican1927", 6267),
    ("europeanterrestrialreferencesystem1989", 6258),
    ("europeanterrestrialreferencesystem1989ensemble", 6258),
    ("detrs1989", 6258),
];

/// `KEYWORD[argument, …]`.
#[derive(Debug)]
struct Node<'a> {
    keyword: &'a str,
    nodes: Vec<Node<'a>>,
    texts: Vec<&'a str>,
    numbers: Vec<f64>,
}

/// The keyword of a node that begins here, and what follows its bracket.
fn opening(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (keyword, rest) = text.split_at(end);
    let rest = rest.trim_start().strip_prefix(['[', '('])?;
    (!keyword.is_empty()).then_some((keyword, rest))
}

impl<'a> Node<'a> {
    /// Reads a node and what follows it; `None` where the text is none.
    fn parse(text: &'a str, depth: usize) -> Option<(Node<'a>, &'a str)> {
        let (keyword, mut rest) = opening(text)?;
        if depth > DEEPEST {
            return None;
        }
        let mut node = Node { keyword, nodes: Vec::new(), texts: Vec::new(), numbers: Vec::new() };
        loop {
            rest = rest.trim_start();
            if let Some(quoted) = rest.strip_prefix('"') {
                let (inside, after) = quoted.split_once('"')?;
                node.texts.push(inside);
                rest = after;
            } else if opening(rest).is_some() {
                // A node that does not end spoils the whole: read again as words, text of this kind would take for ever.
                let (inner, after) = Node::parse(rest, depth + 1)?;
                node.nodes.push(inner);
                rest = after;
            } else {
                let (word, after) = rest.split_at(rest.find([',', ']', ')'])?);
                let number = word.trim().parse::<f64>().ok();
                if number.is_some_and(|number| !number.is_finite()) {
                    return None;
                }
                node.numbers.extend(number);
                rest = after;
            }
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix([']', ')']) {
                return Some((node, after));
            }
            rest = rest.strip_prefix(',')?;
        }
    }

    fn is(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.keyword.eq_ignore_ascii_case(keyword))
    }

    fn child(&self, keywords: &[&str]) -> Option<&Node<'a>> {
        self.nodes.iter().find(|node| node.is(keywords))
    }

    /// The EPSG code at its end.
    fn code(&self) -> Option<u32> {
        let id = self.nodes.iter().rev().find(|node| node.is(&["AUTHORITY", "ID"]))?;
        if !id.texts.first()?.eq_ignore_ascii_case("EPSG") {
            return None;
        }
        let number = id.numbers.first().map(|number| *number as u32);
        number.or_else(|| id.texts.get(1)?.trim().parse().ok())
    }

    /// The factor of its unit.
    fn unit(&self, keywords: &[&str]) -> Option<f64> {
        self.child(keywords)?.numbers.first().copied()
    }
}

/// A name without what programs spell in different ways.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn look_up<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let name = plain(name);
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl Crs {
    /// The system of a definition: `EPSG:n`, an URN that ends in a code, a PROJ string, or WKT. One that is not understood compares with
    /// none.
    pub fn of_definition(text: &str) -> Crs {
        let text = text.trim();
        let upper = text.to_ascii_uppercase();
        if upper.starts_with("EPSG:") || upper.starts_with("URN:OGC:DEF:CRS:EPSG:") {
            return text.rsplit(':').next().and_then(|code| code.parse().ok()).map(Crs::of_code).unwrap_or_default();
        }
        if upper.starts_with('+') || upper.starts_with("PROJ=") {
            return super::proj_string::read(text).unwrap_or_default();
        }
        let Some((root, _)) = Node::parse(text, 0) else { return Crs::default() };
        horizontal(&root).map(crs_of).unwrap_or_default()
    }
}

const PROJECTED: &[&str] = &["PROJCS", "PROJCRS", "PROJECTEDCRS"];
const GEOGRAPHIC: &[&str] = &["GEOGCS", "GEOGCRS", "GEODCRS", "BASEGEOGCRS", "BASEGEODCRS", "GEOGRAPHICCRS", "GEODETICCRS"];

/// The system of x and y within one that has heights, too, or a change of datum.
fn horizontal<'a, 'b>(node: &'b Node<'a>) -> Option<&'b Node<'a>> {
    if node.is(PROJECTED) || node.is(GEOGRAPHIC) {
        return Some(node);
    }
    let wrapped = node.is(&["COMPD_CS", "COMPOUNDCRS", "BOUNDCRS", "SOURCECRS"]);
    if wrapped { node.nodes.iter().find_map(horizontal) } else { None }
}

fn crs_of(node: &Node) -> Crs {
    let geographic = node.is(GEOGRAPHIC);
    let spelt = if geographic {
        geodetic(node).map(|geodetic| Spelt { projection: None, geodetic })
    } else {
        node.child(GEOGRAPHIC).and_then(|base| Some(Spelt { projection: Some(projection(node, base)?), geodetic: geodetic(base)? }))
    };
    match node.code() {
        Some(code) => Crs { geographic, ..Crs::of_code(code) },
        None => Crs { code: None, geographic, spelt },
    }
}

fn geodetic(node: &Node) -> Option<Geodetic> {
    let datum = node.child(&["DATUM", "GEODETICDATUM", "TRF", "ENSEMBLE"])?;
    let ellipsoid = datum.child(&["SPHEROID", "ELLIPSOID"])?;
    let [semi_major, inverse_flattening, ..] = ellipsoid.numbers[..] else { return None };
    let semi_major = semi_major * ellipsoid.unit(&["LENGTHUNIT", "UNIT"]).unwrap_or(1.0);
    let named = datum.texts.first().and_then(|name| look_up(DATUMS, name));
    let of_system = || node.code().and_then(codes::geographic).and_then(|geodetic| geodetic.datum);
    let meridian = node.child(&["PRIMEM", "PRIMEMERIDIAN"]);
    let meridian = meridian.and_then(|meridian| meridian.numbers.first()).map_or(0.0, |longitude| longitude * degrees(node));
    Some(Geodetic {
        semi_major,
        inverse_flattening,
        datum: named.or_else(of_system).or_else(|| codes::told_apart(datum.code()?)),
        meridian,
    })
}

/// Degrees in the unit of a geographic system's angles.
fn degrees(geographic: &Node) -> f64 {
    geographic.unit(&["UNIT", "ANGLEUNIT"]).map_or(1.0, |radians| radians.to_degrees())
}

fn projection(node: &Node, base: &Node) -> Option<Projection> {
    let conversion = node.child(&["CONVERSION"]).unwrap_or(node);
    let method = look_up(METHODS, conversion.child(&["PROJECTION", "METHOD"])?.texts.first()?)?;
    let axis = node.nodes.iter().find(|node| node.is(&["AXIS"])).and_then(|axis| axis.unit(&["LENGTHUNIT", "UNIT"]));
    let unit = node.unit(&["UNIT", "LENGTHUNIT"]).or(axis).unwrap_or(1.0);
    let mut parameters = BTreeMap::new();
    for given in conversion.nodes.iter().filter(|node| node.is(&["PARAMETER"])) {
        let (name, value) = (given.texts.first()?, *given.numbers.first()?);
        let Some(parameter) = look_up(PARAMETERS, name) else {
            // One that says nothing may be unknown.
            if value == 0.0 { continue } else { return None }
        };
        let own = given.unit(&["ANGLEUNIT", "LENGTHUNIT", "SCALEUNIT", "UNIT"]);
        let factor = match (parameter, own) {
            (Scale, own) => own.unwrap_or(1.0),
            (_, Some(own)) if parameter.is_angle() => own.to_degrees(),
            (_, None) if parameter.is_angle() => degrees(base),
            (_, own) => own.unwrap_or(unit),
        };
        parameters.insert(parameter, value * factor);
    }
    Some(Projection { method, parameters, unit })
}
