//! The variants of the kernels that a configuration uses, raced on the device at hand.
//!
//! A training step is planned once for each variant that can be forced. Launches that differ from the usual ones only in their variant are
//! then carried out by all their plans with noise in their arrays: each must leave the bits of the usual one, and the fastest is chosen.

use super::case::noise;
use super::measure::{Effort, times};
use super::row::Times;
use super::tuned::Tuned;
use crate::error::Result;
use crate::event::Event;
use crate::gpu::{Gpu, Launched, Needs, Plan, Selectable};
use crate::kernels::variants::{SELECTABLE, sample};

/// How much faster than the usual variant another one must be to be chosen: less is noise.
const GAIN: f64 = 0.03;

/// One kernel with one set of parameters, raced.
#[derive(Debug, Clone)]
pub struct Found {
    /// The choice that its plans differ in.
    pub of: &'static Selectable,
    /// The usual plan.
    pub usual: Plan,
    /// Its time, ms.
    pub usual_ms: f64,
    /// The fastest plan, which may be the usual one.
    pub best: Plan,
    /// Its time, ms.
    pub best_ms: f64,
    /// Variants that were timed.
    pub tried: usize,
    /// Variants that left other bits than the usual one, and so are out of the race.
    pub refused: Vec<Plan>,
}

/// What a race gave.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// What to choose on this device.
    pub tuned: Tuned,
    /// Every race in the order of the step's launches.
    pub found: Vec<Found>,
    /// What was raced: kernels with the bytes of their parameters.
    pub raced: Vec<(&'static str, Vec<u8>)>,
    /// Races that were not begun.
    pub left: usize,
}

/// Work on a planner whose kernels are to be raced.
pub type Work<'a> = &'a dyn Fn(&Gpu) -> Result<()>;

/// Races the variants of all kernels that `work` launches, for about `seconds` each; none after `stop` says so, as it is asked before each.
///
/// # Errors
/// Those of the work; device errors.
pub fn tune(gpu: &Gpu, work: Work, seconds: f64, stop: &dyn Fn() -> bool, observe: &mut dyn FnMut(Event)) -> Result<Tuning> {
    let races = races(gpu, work)?;
    observe(Event::Start { label: "tune", total: races.len(), unit: "kernels" });
    let (mut tuned, mut found) = (Tuned::of(gpu.capabilities()), Vec::new());
    for race in races.iter().take_while(|_| !stop()) {
        observe(Event::Message(race.launched.plan.stem.into()));
        let result = race.run(gpu, &Effort::of_seconds(seconds))?;
        if result.best != result.usual {
            tuned.choose(race.of, &race.launched.params, &values(race.of, &result.best), [result.best_ms, result.usual_ms]);
        }
        found.push(result);
        observe(Event::Done(1));
    }
    let (races_in_all, ran) = (races.len(), found.len());
    let raced = races.into_iter().take(ran).map(|race| (race.of.stem, race.launched.params)).collect();
    Ok(Tuning { tuned, found, raced, left: races_in_all - ran })
}

/// A launch with the plans that it may have beside its own.
struct Race {
    of: &'static Selectable,
    launched: Launched,
    others: Vec<Plan>,
}

/// The values of a choice in a plan.
fn values(of: &Selectable, plan: &Plan) -> Vec<u32> {
    let value = |name: &&str| plan.variant.consts.iter().find(|(own, _)| own == name).map(|(_, value)| *value);
    of.names.iter().filter_map(value).collect()
}

/// What a launch leaves to choose, by its own kernel or by the one that stands for it.
fn choice_of(plan: &Plan) -> Option<&'static Selectable> {
    SELECTABLE.iter().find(|selectable| selectable.stem == plan.stem || selectable.tile == Some(plan.stem))
}

/// The launches of the work that leave a choice, each set of parameters once.
fn races(gpu: &Gpu, work: Work) -> Result<Vec<Race>> {
    let mut able = gpu.capabilities().clone();
    able.choices = Default::default();
    let launches = |able| {
        let planner = Gpu::invented(able);
        planner.launches_of(|| work(&planner))
    };
    let usual = launches(able.clone())?;
    let mut races: Vec<Race> = Vec::new();
    let mut places = Vec::new();
    for (place, launched) in usual.iter().enumerate() {
        let Some(of) = choice_of(&launched.plan) else { continue };
        // A choice is by parameters, so that launches that differ in their activation alone share one.
        if !races.iter().any(|race| race.of == of && race.launched.is_like(launched)) {
            races.push(Race { of, launched: launched.clone(), others: Vec::new() });
            places.push(place);
        }
    }
    for selectable in SELECTABLE {
        for values in selectable.values {
            if !races.iter().any(|race| race.of == selectable) || Needs::of(&sample(selectable, values))?.beyond(&able).is_some() {
                continue;
            }
            // By parameters, as a file of these choices does it: what is forced may change what else is launched.
            let mut tuned = able.clone();
            for race in races.iter().filter(|race| race.of == selectable) {
                tuned.choices.tune(selectable, &race.launched.params, values);
            }
            let other = launches(tuned)?;
            for (race, place) in races.iter_mut().zip(&places).filter(|(race, _)| race.of == selectable) {
                let same_work = other.get(*place).filter(|other| other.is_like(&race.launched) && other.plan != race.launched.plan);
                race.others.extend(same_work.map(|other| other.plan.clone()));
            }
        }
    }
    // Sums that are split, and others whose order the choice would change, have one plan.
    races.retain(|race| !race.others.is_empty());
    Ok(races)
}

impl Found {
    /// The names and values of the choice in one of its plans, `ROWS=8 COLUMNS=4`.
    pub fn constants(&self, plan: &Plan) -> String {
        let pairs = self.of.names.iter().zip(values(self.of, plan)).map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    }
}

impl Race {
    fn run(&self, gpu: &Gpu, effort: &Effort) -> Result<Found> {
        let usual = &self.launched.plan;
        let replay = self.launched.again(gpu)?;
        let bits = |plan: &Plan| {
            replay.fill(|words| noise(1, words));
            replay.run(plan)?;
            replay.bits()
        };
        let wanted = bits(usual)?;
        let time = |plan: &Plan| Ok(Times::of(&times(gpu, effort, &mut || replay.run(plan))?, false).ms);
        let usual_ms = time(usual)?;
        let of = self.of;
        let mut found = Found { of, usual: usual.clone(), usual_ms, best: usual.clone(), best_ms: usual_ms, tried: 1, refused: Vec::new() };
        for plan in &self.others {
            if bits(plan)? != wanted {
                found.refused.push(plan.clone());
                continue;
            }
            found.tried += 1;
            let ms = time(plan)?;
            if ms < found.best_ms && ms < usual_ms * (1.0 - GAIN) {
                (found.best, found.best_ms) = (plan.clone(), ms);
            }
        }
        Ok(found)
    }
}
