//! Charts as inline SVG: two axes, lines, dots, a rug of marks. Colours and fonts come from the page's style sheet, so that one drawing
//! serves light and dark; the view box is about as wide as a phone, so that labels stay readable where the page is narrow.

use maud::{Markup, Render, html};

pub use super::axis::Axis;
use super::html::colour_class;

/// Size of a chart in its own units, about pixels on a phone.
const SIZE: [f64; 2] = [360.0, 214.0];
/// Room for labels left, right, above and below.
const MARGINS: [f64; 4] = [46.0, 12.0, 20.0, 36.0];

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// Joined where neighbours are at most so far apart along x.
    Line(f64),
    /// As `Line`, thin and dashed.
    Dashed(f64),
    /// Dots alone.
    Dots,
    /// Dots, and lines as with `Line`.
    Both(f64),
}

/// One series of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Number of its colour; `None` takes that of text.
    pub colour: Option<usize>,
    /// How it is drawn.
    pub mark: Mark,
    /// Points (x, y), ordered along x; those that are not finite are left out.
    pub points: Vec<[f64; 2]>,
    /// Radius of each dot; 2.2 where there is none.
    pub radii: Vec<f64>,
}

impl Series {
    /// A series of the colour with this number.
    pub fn new(colour: Option<usize>, mark: Mark, points: Vec<[f64; 2]>) -> Series {
        Series { colour, mark, points, radii: Vec::new() }
    }
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What it shows, above it.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// What is drawn, the first lowest.
    pub series: Vec<Series>,
    /// Places along x that are marked at the foot.
    pub rug: Vec<f64>,
}

impl Plot {
    fn position(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, right, top, bottom] = MARGINS;
        [left + self.x.place(x) * (SIZE[0] - left - right), SIZE[1] - bottom - self.y.place(y) * (SIZE[1] - top - bottom)]
    }

    fn svg(&self) -> Markup {
        let [left, right, top, bottom] = MARGINS;
        let [width, height] = SIZE;
        let (end, foot) = (width - right, height - bottom);
        let row = |value: f64| self.position([self.x.range[0], value])[1];
        let col = |value: f64| self.position([value, self.y.range[0]])[0];
        html! {
            svg viewBox=(format_args!("0 0 {width} {height}")) role="img" aria-label=(self.title) {
                @for (value, label) in &self.y.ticks {
                    path.grid d=(format_args!("M{left} {:.1}H{end}", row(*value))) {}
                    text.end x=(left - 6.0) y=(format_args!("{:.1}", row(*value) + 3.6)) { (label) }
                }
                @for (value, label) in &self.x.ticks {
                    path.tick d=(format_args!("M{:.1} {foot}v4", col(*value))) {}
                    text.mid x=(format_args!("{:.1}", col(*value))) y=(foot + 15.0) { (label) }
                }
                path.axis d=(format_args!("M{left} {foot}H{end}")) {}
                text.unit x="0" y=(top - 9.0) { (self.y.label) }
                text.mid.unit x=((left + end) / 2.0) y=(height - 4.0) { (self.x.label) }
                @if !self.rug.is_empty() {
                    path.rug d={ @for x in &self.rug { (format_args!("M{:.1} {foot:.1}v-5", col(*x))) } } {}
                }
                @for series in &self.series { (self.drawn(series)) }
            }
        }
    }

    /// A series: its line broken where neighbours are too far apart, its dots above that.
    fn drawn(&self, series: &Series) -> Markup {
        let colour = colour_class(series.colour);
        let drawable = |point: &[f64; 2]| point.iter().all(|value| value.is_finite()) && !(self.y.logarithmic && point[1] <= 0.0);
        let points = series.points.iter().enumerate().filter(|(_, point)| drawable(point));
        let line = |apart: f64| {
            let (mut path, mut before): (String, Option<f64>) = (String::new(), None);
            for (_, point) in points.clone() {
                let [x, y] = self.position(*point);
                let joined = before.is_some_and(|before| point[0] - before <= apart);
                path += &format!("{}{x:.1} {y:.1}", if joined { 'L' } else { 'M' });
                before = Some(point[0]);
            }
            path
        };
        let circles = || points.clone().map(|(i, point)| (self.position(*point), series.radii.get(i).copied().unwrap_or(2.2)));
        html! {
            @match series.mark {
                Mark::Line(apart) | Mark::Both(apart) => path class={ "line " (colour) } d=(line(apart)) {},
                Mark::Dashed(apart) => path class={ "line " (colour) " dashed" } d=(line(apart)) {},
                Mark::Dots => {},
            }
            @if let Mark::Dots | Mark::Both(_) = series.mark {
                @for ([x, y], radius) in circles() {
                    circle class={ "dot " (colour) }
                        cx=(format_args!("{x:.1}")) cy=(format_args!("{y:.1}")) r=(format_args!("{radius:.1}")) {}
                }
            }
        }
    }
}

impl Render for Plot {
    /// The chart as a figure with its title.
    fn render(&self) -> Markup {
        html! { figure.chart { figcaption { (self.title) } (self.svg()) } }
    }
}

/// Colours of series that the style sheet knows; further series begin again with the first.
pub const COLOURS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_gaps_and_numbers_that_are_none() {
        let points = vec![[0.0, 1.0], [1.0, f64::NAN], [2.0, 1.0], [9.0, 2.0]];
        let axis = || Axis::linear("<x>", [0.0, 10.0].into_iter(), true);
        let series = vec![Series::new(Some(1), Mark::Both(3.0), points)];
        let svg = Plot { title: "a & b".into(), x: axis(), y: axis(), series, rug: vec![4.0] }.render().into_string();
        let path = svg.split("class=\"line c1\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count(), svg.matches("<circle").count()), (2, 1, 3));
        assert!(svg.contains("&lt;x&gt;") && svg.contains("a &amp; b") && !svg.contains("NaN"));
    }
}
