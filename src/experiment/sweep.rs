//! Sets of values to try: a grid, or draws from distributions, as the keys of W&B's sweep files say them.
//!
//! Source of the keys and of what is taken where no distribution is named: W&B's documentation, "Sweep configuration options".

use serde_json::{Map, Number, Value, json};

use super::fields::Fields;
use crate::error::Result;
use crate::random::{Draw, Purpose};

/// Keys of sweep files that say how W&B runs programs.
const IGNORED: [&str; 9] = ["program", "command", "early_terminate", "project", "entity", "name", "description", "job", "image_uri"];
/// Those that are read.
const READ: [&str; 4] = ["method", "metric", "parameters", "run_cap"];
/// The keys of a sweep within an experiment.
const OWN: [&str; 5] = ["method", "metric", "parameters", "runs", "seed"];
/// The keys of a parameter.
const PARAMETER: [&str; 6] = ["value", "values", "distribution", "min", "max", "q"];
/// The distributions that are drawn from.
const DISTRIBUTIONS: [&str; 6] = ["constant", "categorical", "int_uniform", "uniform", "q_uniform", "log_uniform_values"];
/// Most points of a sweep.
const MOST: usize = 100_000;

/// What sets are compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// A score, or `val_loss`.
    pub name: String,
    /// Whether large values are good ones; none where the score itself says it.
    pub maximize: Option<bool>,
}

/// Sets of values to try.
#[derive(Debug, Clone)]
pub(super) struct Sweep {
    /// The sets, in the order of their runs.
    pub points: Vec<Map<String, Value>>,
    /// What they are compared by.
    pub metric: Option<Metric>,
    /// What was said that has no effect here.
    pub notes: Vec<String>,
}

/// The values that a parameter may have.
enum Values {
    Listed(Vec<Value>),
    Whole(i64, i64),
    Uniform { min: f64, max: f64, step: Option<f64> },
    Logarithmic(f64, f64),
}

impl Sweep {
    /// Whether the keys at the top of a file are those of a sweep file of W&B.
    pub fn is_file(keys: &Map<String, Value>) -> bool {
        keys.contains_key("parameters") && keys.contains_key("method")
    }

    /// The sweep of W&B's keys.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] for unknown keys, and values that cannot be used.
    pub fn of_file(fields: &Fields) -> Result<Sweep> {
        fields.require_known(&[&READ[..], &IGNORED].concat())?;
        let ignored: Vec<&str> = fields.names().filter(|name| IGNORED.contains(name)).collect();
        let mut sweep = Sweep::read(fields, "run_cap", 0)?;
        if !ignored.is_empty() {
            sweep.notes.insert(0, format!("keys of the sweep without effect here: {}", ignored.join(", ")));
        }
        Ok(sweep)
    }

    /// The sweep of an experiment.
    ///
    /// # Errors
    /// As [`Sweep::of_file`].
    pub fn of_experiment(fields: &Fields) -> Result<Sweep> {
        fields.require_known(&OWN)?;
        Sweep::read(fields, "runs", fields.whole("seed", 0)?.unwrap_or(0))
    }

    fn read(fields: &Fields, runs_key: &str, seed: u64) -> Result<Sweep> {
        let missing = |key: &str, value: &str| fields.error(key, format!("is missing; add a line `{key}: {value}`"));
        let method = fields.word("method", &["grid", "random", "bayes"])?.ok_or_else(|| missing("method", "random"))?;
        let runs = fields.whole(runs_key, 1)?.map(|runs| runs as usize);
        let allowed = "a map of parameters, for example {learning_rate: {values: [0.001, 0.01]}}";
        let named =
            fields.map("parameters", true, allowed)?.ok_or_else(|| missing("parameters", "{learning_rate: {values: [0.001, 0.01]}}"))?;
        let read = |name: &str| Ok((name.to_owned(), Values::read(&named, name)?));
        let parameters: Vec<(String, Values)> = named.names().map(read).collect::<Result<_>>()?;
        let mut notes = Vec::new();
        if method == "bayes" {
            notes.push("method: bayes is done as random: runs do not wait for each other here".to_owned());
        }
        let points = match (method, runs) {
            ("grid", most) => {
                let mut points = grid(&named, &parameters)?;
                points.truncate(most.unwrap_or(usize::MAX));
                points
            }
            (_, None) => return Err(missing(runs_key, "20")),
            (_, Some(runs)) if runs > MOST => return Err(fields.error(runs_key, format!("is {runs}; give at most {MOST}"))),
            (_, Some(runs)) => (0..runs).map(|run| drawn(&parameters, seed, run)).collect(),
        };
        Ok(Sweep { points, metric: metric(fields)?, notes })
    }
}

fn metric(fields: &Fields) -> Result<Option<Metric>> {
    let Some(metric) = fields.map("metric", true, "a map, for example {name: val_loss, goal: minimize}")? else { return Ok(None) };
    metric.require_known(&["name", "goal", "target"])?;
    let name = metric.text("name")?.ok_or_else(|| metric.error("name", "is missing; name a score, or val_loss"))?;
    let goal = metric.word("goal", &["minimize", "maximize"])?;
    Ok(Some(Metric { name, maximize: goal.map(|goal| goal == "maximize") }))
}

/// Every combination, the last parameter changing first.
fn grid(named: &Fields, parameters: &[(String, Values)]) -> Result<Vec<Map<String, Value>>> {
    let mut points = vec![Map::new()];
    for (name, values) in parameters {
        let listed = match values {
            Values::Listed(values) => values.clone(),
            Values::Whole(min, max) if max.abs_diff(*min) < MOST as u64 => (*min..=*max).map(Value::from).collect(),
            _ => {
                let message = "has no list of values, and a grid tries each; write `values: [0.001, 0.01]`, or `method: random`";
                return Err(named.error(name, message));
            }
        };
        if points.len().saturating_mul(listed.len()) > MOST {
            return Err(named.error(name, format!("makes a grid of more than {MOST} runs; list fewer values")));
        }
        let with = |point: &Map<String, Value>, value: &Value| {
            let mut point = point.clone();
            point.insert(name.clone(), value.clone());
            point
        };
        points = points.iter().flat_map(|point| listed.iter().map(|value| with(point, value)).collect::<Vec<_>>()).collect();
    }
    Ok(points)
}

/// The draws of one run, parameter after parameter.
fn drawn(parameters: &[(String, Values)], seed: u64, run: usize) -> Map<String, Value> {
    let mut draw = Draw::new(seed, Purpose::Sweep, run as i64);
    parameters.iter().map(|(name, values)| (name.clone(), values.drawn(&mut draw))).collect()
}

impl Values {
    fn read(named: &Fields, name: &str) -> Result<Values> {
        let example = "a map, for example {min: 0.0001, max: 0.01, distribution: log_uniform_values}";
        let fields = named.map(name, true, example)?.ok_or_else(|| named.error(name, format!("must be {example}, but null was given")))?;
        if fields.get("parameters").is_some() {
            return Err(
                named.error(name, "holds parameters of its own, and keys of a configuration hold none; write them one level higher")
            );
        }
        fields.require_known(&PARAMETER)?;
        let said = fields.word("distribution", &DISTRIBUTIONS)?;
        if let Some(value) = fields.get("value") {
            return Ok(Values::Listed(vec![value.clone()]));
        }
        if let Some(values) = fields.list("values", "a list that is not empty", |value| Some(value.clone()))? {
            return Ok(Values::Listed(values));
        }
        let bound = |key: &str| {
            let missing = || named.error(name, "has neither `value`, nor `values`, nor `min` and `max`; add one of them");
            fields.number(key)?.ok_or_else(missing)
        };
        let (min, max) = (bound("min")?, bound("max")?);
        if min > max {
            return Err(fields.error("min", format!("is {min}, above `max`, {max}; exchange the two")));
        }
        let whole = |key: &str| fields.get(key).and_then(Value::as_i64);
        match (said, whole("min").zip(whole("max"))) {
            (Some("constant" | "categorical"), _) => {
                Err(fields.error("distribution", "is of listed values, and there are `min` and `max`; write `values`"))
            }
            (None | Some("int_uniform"), Some((min, max))) => Ok(Values::Whole(min, max)),
            (Some("int_uniform"), None) => Err(fields.error("distribution", "is of whole numbers; give whole numbers as `min` and `max`")),
            (Some("log_uniform_values"), _) if min <= 0.0 => {
                Err(fields.error("min", format!("is {min}, and a logarithm needs a number above 0")))
            }
            (Some("log_uniform_values"), _) => Ok(Values::Logarithmic(min, max)),
            (Some("q_uniform"), _) => {
                let step = fields.number("q")?.unwrap_or(1.0);
                if step <= 0.0 {
                    return Err(fields.error("q", format!("must be a number above 0, but {step} was given")));
                }
                Ok(Values::Uniform { min, max, step: Some(step) })
            }
            _ => Ok(Values::Uniform { min, max, step: None }),
        }
    }

    fn drawn(&self, draw: &mut Draw) -> Value {
        match self {
            Values::Listed(values) => values[draw.below(values.len())].clone(),
            Values::Whole(min, max) => json!(min.wrapping_add(draw.below((max.abs_diff(*min) as usize).saturating_add(1)) as i64)),
            Values::Uniform { min, max, step } => {
                let x = min + draw.unit() * (max - min);
                rounded(step.map_or(x, |step| ((x / step).round() * step).clamp(*min, *max)))
            }
            Values::Logarithmic(min, max) => rounded((min.ln() + draw.unit() * (max.ln() - min.ln())).exp().clamp(*min, *max)),
        }
    }
}

/// Six significant digits: what every platform's logarithm gives alike, and a table has room for.
fn rounded(x: f64) -> Value {
    let rounded = format!("{x:.5e}").parse().unwrap_or(x);
    Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}
