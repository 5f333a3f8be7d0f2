//! Charts as inline SVG: two axes, lines, dots, a rug of marks. Colours and fonts come from the page's style sheet, so that one drawing
//! serves light and dark; the view box is about as wide as a phone, so that labels stay readable where the page is narrow.

use std::fmt::Write;

use super::html::escape;

/// Size of a chart in its own units, about pixels on a phone.
const SIZE: [f64; 2] = [360.0, 214.0];
/// Room for labels left, right, above and below.
const MARGINS: [f64; 4] = [46.0, 12.0, 20.0, 36.0];

/// An axis with its range and labelled places.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// Least and greatest value.
    pub range: [f64; 2],
    /// Where labels are, and what they say.
    pub ticks: Vec<(f64, String)>,
    /// Whether equal ratios take equal lengths.
    pub logarithmic: bool,
}

impl Axis {
    /// An axis over the values, from 0 where `from_zero` says so, with ticks at round numbers.
    pub fn linear(label: &str, values: impl Iterator<Item = f64>, from_zero: bool) -> Axis {
        let (mut low, mut high) = bounds(values);
        if from_zero {
            low = low.min(0.0);
        }
        if high <= low {
            high = low + 1.0;
        }
        Axis::stepped(label, [low, high], round_step((high - low) / 4.0))
    }

    /// An axis over values that count something, with ticks at whole numbers.
    pub fn whole(label: &str, values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = bounds(values);
        let step = round_step((high - low) / 4.0).max(1.0);
        Axis::stepped(label, [low, high.max(low + 1.0)], if step.fract() == 0.0 { step } else { step.floor() })
    }

    /// An axis that begins and ends at multiples of `step`, with ticks at all of them.
    fn stepped(label: &str, [low, high]: [f64; 2], step: f64) -> Axis {
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let ticks: Vec<f64> = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        let whole = |decimals: &usize| {
            (step * 10f64.powi(*decimals as i32)).fract().min(1.0 - (step * 10f64.powi(*decimals as i32)).fract()) < 1e-6
        };
        let decimals = (0..9).find(whole).unwrap_or(9);
        let label_of = |value: &f64| (*value, grouped(&format!("{:.*}", decimals, if value.abs() < step / 2.0 { 0.0 } else { *value })));
        let range = [first * step, last * step];
        Axis { label: label.into(), range, ticks: ticks.iter().map(label_of).collect(), logarithmic: false }
    }

    /// A logarithmic axis over the positive values among these, with ticks at 1, 2 and 5 times powers of ten; a linear one from 0 where
    /// they lie within a factor of 5, which would leave it one tick or none.
    pub fn logarithmic(label: &str, values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = bounds(values.filter(|value| *value > 0.0));
        if low > 0.0 && high < 5.0 * low {
            return Axis::linear(label, [low, high].into_iter(), true);
        }
        let (low, high) = if low > 0.0 && high > low { (low / 1.05, high * 1.05) } else { (high.max(1.0) / 10.0, high.max(1.0) * 10.0) };
        let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
        let all = |steps: &'static [f64]| {
            let ticks = decades.clone().flat_map(move |decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
            ticks.filter(|tick| (low..=high).contains(tick)).collect::<Vec<_>>()
        };
        let ticks = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]].map(all).into_iter().find(|ticks| ticks.len() <= 6).unwrap_or_default();
        let label_of =
            |tick: f64| (tick, if (1e-3..1e4).contains(&tick) { format!("{}", (tick * 1e6).round() / 1e6) } else { format!("{tick:.0e}") });
        Axis { label: label.into(), range: [low, high], ticks: ticks.into_iter().map(label_of).collect(), logarithmic: true }
    }

    /// An axis with given ticks that ends where it is told.
    pub fn fixed(label: &str, range: [f64; 2], ticks: Vec<(f64, String)>) -> Axis {
        Axis { label: label.into(), range, ticks, logarithmic: false }
    }

    /// Place of a value along the axis, 0…1 within the range.
    fn place(&self, value: f64) -> f64 {
        let scale = |x: f64| if self.logarithmic { x.max(f64::MIN_POSITIVE).ln() } else { x };
        let [low, high] = self.range.map(scale);
        (scale(value) - low) / (high - low)
    }
}

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
    /// The chart as a figure with its title.
    pub fn to_html(&self) -> String {
        format!("<figure class=\"chart\"><figcaption>{}</figcaption>{}</figure>\n", escape(&self.title), self.to_svg())
    }

    fn position(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, right, top, bottom] = MARGINS;
        [left + self.x.place(x) * (SIZE[0] - left - right), SIZE[1] - bottom - self.y.place(y) * (SIZE[1] - top - bottom)]
    }

    fn to_svg(&self) -> String {
        let [left, right, top, bottom] = MARGINS;
        let [width, height] = SIZE;
        let (end, foot) = (width - right, height - bottom);
        let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">", escape(&self.title));
        for (value, label) in &self.y.ticks {
            let [_, y] = self.position([self.x.range[0], *value]);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{left} {y:.1}H{end}\"/><text x=\"{}\" y=\"{:.1}\" class=\"end\">",
                left - 6.0,
                y + 3.6
            );
            let _ = write!(svg, "{}</text>", escape(label));
        }
        for (value, label) in &self.x.ticks {
            let [x, _] = self.position([*value, self.y.range[0]]);
            let _ = write!(svg, "<path class=\"tick\" d=\"M{x:.1} {foot}v4\"/><text x=\"{x:.1}\" y=\"{}\" class=\"mid\">", foot + 15.0);
            let _ = write!(svg, "{}</text>", escape(label));
        }
        let _ = write!(svg, "<path class=\"axis\" d=\"M{left} {foot}H{end}\"/>");
        let _ = write!(svg, "<text x=\"0\" y=\"{}\" class=\"unit\">{}</text>", top - 9.0, escape(&self.y.label));
        let centre = (left + end) / 2.0;
        let _ = write!(svg, "<text x=\"{centre}\" y=\"{}\" class=\"mid unit\">{}</text>", height - 4.0, escape(&self.x.label));
        if !self.rug.is_empty() {
            let marks: String =
                self.rug.iter().map(|x| format!("M{:.1} {:.1}v-5", self.position([*x, self.y.range[0]])[0], foot)).collect();
            let _ = write!(svg, "<path class=\"rug\" d=\"{marks}\"/>");
        }
        self.series.iter().for_each(|series| self.draw(series, &mut svg));
        svg.push_str("</svg>");
        svg
    }

    fn draw(&self, series: &Series, svg: &mut String) {
        let colour = series.colour.map_or("ink".to_owned(), |number| format!("c{}", number % COLOURS));
        let drawable = |point: &&[f64; 2]| point.iter().all(|value| value.is_finite()) && !(self.y.logarithmic && point[1] <= 0.0);
        if let Mark::Line(apart) | Mark::Dashed(apart) | Mark::Both(apart) = series.mark {
            let (mut path, mut before): (String, Option<f64>) = (String::new(), None);
            for point in series.points.iter().filter(drawable) {
                let [x, y] = self.position(*point);
                let joined = before.is_some_and(|before| point[0] - before <= apart);
                let _ = write!(path, "{}{x:.1} {y:.1}", if joined { 'L' } else { 'M' });
                before = Some(point[0]);
            }
            let dashed = if matches!(series.mark, Mark::Dashed(_)) { " dashed" } else { "" };
            let _ = write!(svg, "<path class=\"line {colour}{dashed}\" d=\"{path}\"/>");
        }
        if let Mark::Dots | Mark::Both(_) = series.mark {
            for (i, point) in series.points.iter().enumerate().filter(|(_, point)| drawable(point)) {
                let [x, y] = self.position(*point);
                let radius = series.radii.get(i).copied().unwrap_or(2.2);
                let _ = write!(svg, "<circle class=\"dot {colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>");
            }
        }
    }
}

/// Colours of series that the style sheet knows; further series begin again with the first.
pub const COLOURS: usize = 6;

/// Names beside their colours, above the charts that they belong to. The marks are `line`, `dash`, `dot` and `rug`.
pub fn legend(entries: &[(String, Option<usize>, &str)]) -> String {
    let entry = |(name, colour, mark): &(String, Option<usize>, &str)| {
        let colour = colour.map_or("ink".to_owned(), |number| format!("c{}", number % COLOURS));
        format!("<li><span class=\"key {mark} {colour}\"></span>{}</li>", escape(name))
    };
    format!("<ul class=\"legend\">{}</ul>\n", entries.iter().map(entry).collect::<String>())
}

/// Least and greatest finite value, 0 and 1 of nothing.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.filter(|value| value.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// The least of 1, 2, 2.5, 5, 10 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let decade = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|factor| factor * decade).find(|round| *round >= step * 0.999).unwrap_or(10.0 * decade)
}

/// A number with a thin space between thousands and a true minus.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let whole = digits.split('.').next().unwrap_or(digits);
    let mut out = String::from(sign);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && whole.len() > 4 && (whole.len() - i) % 3 == 0 {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    out + &digits[whole.len()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let axis = Axis::linear("", [0.013, 0.71].into_iter(), true);
        assert_eq!((axis.range, axis.ticks.len()), ([0.0, 0.8], 5));
        assert_eq!(axis.ticks[1].1, "0.2");
        let axis = Axis::linear("", [0.0, 48_213.0].into_iter(), true);
        assert_eq!(axis.ticks.last().unwrap().1, "60\u{2009}000");
        let axis = Axis::linear("", [0.0, 0.09].into_iter(), true);
        assert_eq!(axis.ticks.iter().map(|tick| tick.1.as_str()).collect::<Vec<_>>(), ["0.000", "0.025", "0.050", "0.075", "0.100"]);
        for nothing in [vec![], vec![3.0], vec![f64::NAN]] {
            let axis = Axis::linear("", nothing.into_iter(), false);
            assert!(axis.range[0] < axis.range[1] && axis.ticks.len() > 1);
        }
    }

    #[test]
    fn logarithmic_axes_have_ticks_within() {
        for values in [vec![0.004, 0.26], vec![1e-6, 1e-2], vec![], vec![0.0]] {
            let axis = Axis::logarithmic("", values.into_iter());
            assert!((2..=6).contains(&axis.ticks.len()) && axis.range[0] > 0.0, "{axis:?}");
            assert!(axis.ticks.iter().all(|(tick, _)| (0.0..=1.0).contains(&axis.place(*tick))));
        }
        for values in [vec![0.17, 0.34], vec![5.0], vec![0.11, 0.5]] {
            let axis = Axis::logarithmic("", values.into_iter());
            assert!(!axis.logarithmic && axis.range[0] == 0.0 && axis.ticks.len() > 2, "{axis:?}");
        }
    }

    #[test]
    fn counts_have_whole_ticks() {
        let ticks = |last: f64| {
            let axis = Axis::whole("epoch", [1.0, last].into_iter());
            axis.ticks.into_iter().map(|tick| tick.1).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            (ticks(1.0), ticks(3.0), ticks(10.0), ticks(60.0)),
            ("1 2".into(), "1 2 3".into(), "0 2 4 6 8 10".into(), "0 20 40 60".into())
        );
    }

    #[test]
    fn lines_break_at_gaps_and_numbers_that_are_none() {
        let points = vec![[0.0, 1.0], [1.0, f64::NAN], [2.0, 1.0], [9.0, 2.0]];
        let axis = || Axis::linear("<x>", [0.0, 10.0].into_iter(), true);
        let series = vec![Series::new(Some(1), Mark::Both(3.0), points)];
        let svg = Plot { title: "a & b".into(), x: axis(), y: axis(), series, rug: vec![4.0] }.to_html();
        let path = svg.split("class=\"line c1\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count(), svg.matches("<circle").count()), (2, 1, 3));
        assert!(svg.contains("&lt;x&gt;") && svg.contains("a &amp; b") && !svg.contains("NaN"));
        assert_eq!(grouped("-1234567.5"), "−1\u{2009}234\u{2009}567.5");
    }
}
