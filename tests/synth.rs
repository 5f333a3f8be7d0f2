//! The invented scene against what the reference's data look like, and the written dataset against its own configuration.

mod trials;

use meltcore::config::Config;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Day;
use meltcore::data::day::Split;
use meltcore::data::raster::Raster;
use meltcore::synth::geography::{cut_tags, full_size};
use meltcore::synth::recipe::Model;
use meltcore::synth::runoff::MONTHLY_MELT;
use meltcore::synth::season::{self, in_season, season_index};
use meltcore::synth::terrain::Terrain;
use meltcore::synth::{Scene, SynthOptions, write_dataset};
use std::path::Path;
use std::process::ExitCode;

/// Sums over all days of a scene.
#[derive(Debug)]
struct Survey {
    /// Shares of valid land pixels in eleven equal bins of melt fraction.
    histogram: [f64; 11],
    /// Mean melt fraction, April to September.
    months: [f64; 6],
    mar: Stats,
    /// Share of MAR pixels that are exactly 0.
    mar_zero: f64,
    pmw: Stats,
}

/// Mean, standard deviation and range.
#[derive(Debug)]
struct Stats {
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
}

fn stats(values: impl Iterator<Item = f32>) -> Stats {
    let (mut n, mut sum, mut squares, mut low, mut high) = (0.0, 0.0, 0.0, f64::MAX, f64::MIN);
    for v in values.map(f64::from) {
        (n, sum, squares, low, high) = (n + 1.0, sum + v, squares + v * v, low.min(v), high.max(v));
    }
    Stats { mean: sum / n, std: (squares / n - (sum / n) * (sum / n)).sqrt(), low, high }
}

fn survey(scene: &Scene) -> Survey {
    let (mut histogram, mut months, mut mar, mut pmw) = ([0.0; 11], [(0.0, 0.0); 6], Vec::new(), Vec::new());
    for day in &scene.days {
        let fields = scene.day(*day);
        for (melt, _) in fields.melt.iter().zip(&scene.terrain.land).filter(|(m, land)| **land && !m.is_nan()) {
            histogram[((melt * 11.0) as usize).min(10)] += 1.0;
            months[day.month as usize - 4].0 += f64::from(*melt);
            months[day.month as usize - 4].1 += 1.0;
        }
        mar.extend(fields.mar_wa1);
        pmw.extend(fields.pmw);
    }
    let valid: f64 = histogram.iter().sum();
    let mar_zero = mar.iter().filter(|v| **v == 0.0).count() as f64 / mar.len() as f64;
    let (mar, pmw) = (stats(mar.into_iter()), stats(pmw.into_iter()));
    Survey { histogram: histogram.map(|n| n / valid), months: months.map(|(sum, n)| sum / n), mar, mar_zero, pmw }
}

fn within(name: &str, got: f64, want: f64, by: f64) {
    assert!((got - want).abs() <= by, "{name}: {got:.4} is not within {by} of {want}");
}

/// The wanted numbers are the reference's; the bounds leave room for the scatter of some 70 days, which differs from seed to seed.
fn check_statistics(seed: u64) {
    let scene = Scene::new(&SynthOptions { seed, ..SynthOptions::default() }).unwrap();
    let terrain = &scene.terrain;
    let land = terrain.land.iter().filter(|l| **l).count() as f64 / terrain.land.len() as f64;
    within("land share", land, 0.716, 0.002);
    check_elevation(terrain);
    let s = survey(&scene);
    within("dry bin", s.histogram[0], 0.654, 0.07);
    within("wet bin", s.histogram[10], 0.254, 0.07);
    for (month, (got, (want, by))) in
        s.months.iter().zip([(0.05, 0.03), (0.13, 0.06), (0.36, 0.11), (0.48, 0.12), (0.47, 0.12), (0.30, 0.12)]).enumerate()
    {
        within(&format!("mean melt of month {}", month + 4), *got, want, by);
    }
    check_fields(&scene, &s);
}

fn check_elevation(terrain: &Terrain) {
    let dem = stats(terrain.dem.iter().copied());
    within("mean elevation", dem.mean, 1175.0, 90.0);
    within("std of elevation", dem.std, 994.0, 70.0);
    within("summit", dem.high, 3439.0, 260.0);
    let ocean = stats(terrain.dem.iter().zip(&terrain.land).filter(|(_, l)| !**l).map(|(z, _)| *z));
    assert!(ocean.low >= 44.0 && ocean.high <= 60.0, "ocean heights {ocean:?}");
}

/// What differs little from one draw of days to another.
fn check_fields(scene: &Scene, s: &Survey) {
    for bin in 1..10 {
        within("middle bin", s.histogram[bin], 0.010, 0.006);
    }
    within("MAR mean", s.mar.mean, 0.006, 0.002);
    within("MAR std", s.mar.std, 0.009, 0.0025);
    within("MAR maximum", s.mar.high, 0.08, 0.015);
    assert!(s.mar.low == 0.0 && s.mar_zero > 0.55, "MAR must be mostly exactly 0: {:.2}", s.mar_zero);
    within("PMW mean", s.pmw.mean, 206.0, 7.0);
    within("PMW std", s.pmw.std, 27.0, 4.0);
    assert!(s.pmw.low >= 137.0 && s.pmw.low < 165.0 && s.pmw.high > 240.0 && s.pmw.high <= 250.0, "PMW {:?}", s.pmw);
    let winter = stats(scene.winter_mean(2018).into_iter());
    assert!(winter.low >= 147.0 && winter.low < 170.0 && winter.high > 205.0 && winter.high <= 229.0, "winter mean {winter:?}");
}

fn statistics_seed_42() {
    check_statistics(42);
}

fn statistics_seed_7() {
    check_statistics(7);
}

fn statistics_seed_1234() {
    check_statistics(1234);
}

fn a_day_does_not_depend_on_the_other_days() {
    let day = Day { year: 2018, month: 7, day: 16, ..Day::UNDATED };
    let fields = |days: usize| {
        let scene = Scene::new(&SynthOptions { rows: 96, cols: 80, days, ..SynthOptions::default() }).unwrap();
        let fields = scene.day(day);
        [fields.melt, fields.mar_wa1, fields.pmw].map(|v| v.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    assert_eq!(fields(12), fields(200));
    let other = Scene::new(&SynthOptions { rows: 96, cols: 80, seed: 43, ..SynthOptions::default() }).unwrap();
    assert_ne!(fields(12)[2], other.day(day).pmw.into_iter().map(f32::to_bits).collect::<Vec<_>>());
}

fn archives_are_sorted_unique_and_hold_every_month() {
    for count in [6, 7, 12, 13, 24, 72, 100, 365, 529, 1000, 1281] {
        let days = season::archive_days(count);
        assert_eq!(days.len(), count);
        assert!(days.windows(2).all(|w| w[0] < w[1]), "{count} days are not sorted and unique");
        for month in 4..=9 {
            assert!(days.iter().any(|d| d.month == month), "{count} days without month {month}");
        }
        assert!(days.iter().all(|d| in_season(d.year, season_index(*d)) == *d));
    }
}

/// Mean melt in bands of elevation, NaN where a band is empty.
fn melt_by_height(scene: &Scene, month: u8, bands: &[f32]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); bands.len() - 1];
    for day in scene.days.iter().filter(|d| d.month == month) {
        let melt = scene.day(*day).melt;
        for (i, m) in melt.iter().enumerate().filter(|(i, m)| scene.terrain.land[*i] && !m.is_nan()) {
            if let Some(band) = bands.windows(2).position(|b| (b[0]..b[1]).contains(&scene.terrain.dem[i])) {
                sums[band] = (sums[band].0 + f64::from(*m), sums[band].1 + 1.0);
            }
        }
    }
    sums.into_iter().map(|(sum, n)| sum / n).collect()
}

fn melt_starts_in_valleys_and_leaves_the_coast_in_september() {
    let scene = Scene::new(&SynthOptions::default()).unwrap();
    let april = melt_by_height(&scene, 4, &[0.0, 900.0, 1500.0, 3500.0]);
    assert!(april[0] > 0.12 && april[1] < 0.1 && april[2] < 0.01, "April by elevation: {april:?}");
    let september = melt_by_height(&scene, 9, &[0.0, 600.0, 900.0, 1300.0, 2600.0, 3500.0]);
    assert!(september[0] + 0.2 < september[2], "the coast must be darker than the ice above it: {september:?}");
    assert!(september[4] < 0.01, "no melt on the summit: {september:?}");
}

fn swaths_see_fixed_shares_and_end_in_straight_lines() {
    let scene = Scene::new(&SynthOptions { days: 200, ..SynthOptions::default() }).unwrap();
    let cols = scene.options.cols;
    let mut levels = std::collections::BTreeSet::new();
    for day in &scene.days {
        let share = scene.seen_share(*day);
        if !levels.insert((share * 716.0).round() as i64) {
            continue;
        }
        let melt = scene.day(*day).melt;
        let seen = melt.iter().zip(&scene.terrain.land).filter(|(m, land)| **land && !m.is_nan()).count() as f64 / melt.len() as f64;
        within("observed land", seen, share * 0.716, 0.01);
        for row in melt.chunks(cols) {
            assert!(row.windows(2).filter(|w| w[0].is_nan() != w[1].is_nan()).count() <= 1, "one edge a row at most");
        }
    }
    assert_eq!(levels.into_iter().collect::<Vec<_>>(), [70, 160, 460, 560, 620, 716]);
}

/// Melt for the test days from up to three train days before and after, with its mean absolute error and that of the scene's own mean.
fn the_running_mean_is_good_but_leaves_room() {
    let folder = tempfile::tempdir().unwrap();
    let options = SynthOptions::default();
    write_dataset(folder.path(), &options, |_, _| ()).unwrap();
    let scene = Scene::new(&options).unwrap();
    let list = |split: &str| -> Vec<Day> {
        let text = std::fs::read_to_string(folder.path().join("splits").join(format!("{split}.csv"))).unwrap();
        scene.days.iter().copied().filter(|d| text.lines().any(|l| l == d.file_name())).collect()
    };
    let (train, test) = (list("train"), list("test"));
    let (mut running, mut constant, mut n) = (0.0, 0.0, 0.0);
    for day in test {
        let before = train.iter().rev().filter(|d| d.year == day.year && **d < day).take(3);
        let near: Vec<Vec<f32>> =
            before.chain(train.iter().filter(|d| d.year == day.year && **d > day).take(3)).map(|d| scene.day(*d).melt).collect();
        for (i, want) in scene.day(day).melt.iter().enumerate().filter(|(i, m)| scene.terrain.land[*i] && !m.is_nan()) {
            let known: Vec<f32> = near.iter().map(|m| m[i]).filter(|m| !m.is_nan()).collect();
            let mean = if known.is_empty() { 0.0 } else { known.iter().sum::<f32>() / known.len() as f32 };
            running += f64::from((mean - want).abs());
            constant += f64::from((0.3 - want).abs());
            n += 1.0;
        }
    }
    assert!(running / n < 0.55 * constant / n, "the running mean must carry information");
    assert!(running / n > 0.06, "a network must be able to beat the running mean clearly");
}

fn written_datasets_load_with_their_configuration() {
    let folder = tempfile::tempdir().unwrap();
    // A name that YAML must quote; on Windows, where none has quotation marks, the path's backslashes must be, too.
    let out = folder.path().join(if cfg!(windows) { "scene # 'one'" } else { "scene \"one\"" });
    let options = SynthOptions { rows: 80, cols: 64, days: 12, seed: 5, geography: None };
    let mut heard = Vec::new();
    let summary = write_dataset(&out, &options, |done, all| heard.push((done, all))).unwrap();
    assert_eq!(heard.last(), Some(&(12, 12)));
    assert_eq!(summary.days, 12);
    let overrides = ["in_keys=[pmw, mar_wa1]".to_owned(), "in_keys_aux=[pmw_winter_mean]".to_owned()];
    let config = Config::load(&summary.config, &overrides).unwrap();
    assert!(config.img_size[0] <= 64 && config.blur_kernel_size.values().all(|k| k / 2 < config.img_size[0]));
    for split in [Split::Train, Split::Val, Split::Test, Split::Eval, Split::All, Split::Deploy] {
        let dataset = Dataset::open(&config, split).unwrap();
        assert!(!dataset.days().is_empty(), "{split} is empty");
        assert_eq!(dataset.scene(0), [80, 64]);
    }
    for model in Model::ALL {
        let config = Config::load(&out.join(model.file()), &[]).unwrap();
        assert_eq!(format!("{:?}", config.model_key).to_lowercase(), model.key().replace('_', ""));
    }
    // The rule of the reference has no 31st.
    let deploy = std::fs::read_to_string(out.join("splits/deploy.csv")).unwrap();
    let all = std::fs::read_to_string(out.join("splits/all.csv")).unwrap();
    assert!(deploy.lines().eq(all.lines().filter(|day| !day.ends_with("_31.tif"))));
    let scene = Scene::new(&options).unwrap();
    let day = scene.days[3];
    let melt = Raster::open(out.join("melt").join(day.file_name())).unwrap();
    let bits = |v: Vec<f32>| v.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(melt.read_all().unwrap()), bits(scene.day(day).melt));
    let transform = melt.geo().transform().unwrap();
    assert_eq!((transform.origin_x, transform.origin_y, transform.row_y), (226_500.0, -263_400.0, -3580.0));
    // The statistics in the file are those of the train days.
    let train = std::fs::read_to_string(out.join("splits/train.csv")).unwrap();
    let pmw = train.lines().flat_map(|name| Raster::open(out.join("pmw").join(name)).unwrap().read_all().unwrap());
    let want = stats(pmw);
    within("mean_pmw", config.mean["pmw"], want.mean, 1e-6);
    within("std_pmw", config.std["pmw"], want.std, 1e-6);
}

fn impossible_options_are_errors() {
    let default = SynthOptions::default;
    for options in [
        SynthOptions { rows: 10, ..default() },
        SynthOptions { cols: 1 << 40, ..default() },
        SynthOptions { days: 0, ..default() },
        SynthOptions { days: 5000, ..default() },
    ] {
        assert_eq!(Scene::new(&options).err().unwrap().exit_status(), 2);
    }
    let nowhere = SynthOptions { geography: Some("no/such/folder".into()), ..default() };
    assert_eq!(Scene::new(&nowhere).err().unwrap().exit_status(), 2);
}

/// The real scene at 1/11.2 of its size, half of all seasons' days.
fn real_geography_has_the_statistics_of_the_reference(folder: &Path) {
    let options = SynthOptions { rows: 256, cols: 146, days: 183, geography: Some(folder.to_owned()), ..SynthOptions::default() };
    let scene = Scene::new(&options).unwrap();
    let land = scene.terrain.land.iter().filter(|l| **l).count() as f64 / scene.terrain.land.len() as f64;
    within("land share", land, 0.716, 0.01);
    check_elevation(&scene.terrain);
    let s = survey(&scene);
    within("dry bin", s.histogram[0], 0.654, 0.04);
    within("wet bin", s.histogram[10], 0.254, 0.04);
    for (month, (got, want)) in s.months.iter().zip(MONTHLY_MELT).enumerate() {
        within(&format!("mean melt of month {}", month + 4), *got, want, 0.03 + 0.1 * want);
    }
    check_fields(&scene, &s);
    // All swaths, and as often as they should be.
    for (wanted, often) in [(0.716, 0.50), (0.62, 0.14), (0.56, 0.13), (0.46, 0.11), (0.16, 0.07), (0.07, 0.05)] {
        let days = scene.days.iter().filter(|d| (scene.seen_share(**d) * 0.716 - wanted).abs() < 1e-6).count();
        within(&format!("days that see {wanted}"), days as f64 / scene.days.len() as f64, often, 0.09);
    }
    let wide = SynthOptions { cols: 256, ..options };
    assert!(Scene::new(&wide).err().unwrap().to_string().contains("256x146"));
}

fn seasons_follow_the_runoff(folder: &Path) {
    let options = SynthOptions { rows: 64, cols: 36, geography: Some(folder.to_owned()), ..SynthOptions::default() };
    assert!(Scene::new(&options).is_err(), "too narrow");
    let scene = Scene::new(&SynthOptions { rows: 128, cols: 64, ..options }).unwrap();
    // July 2019 brought the most runoff of the radar's years with a record, May 2018 the least of the Mays.
    let mean = |year: u16, days: std::ops::Range<usize>| {
        let n = days.len() as f64;
        days.map(|d| f64::from(scene.weather(in_season(year, d)).melt_share)).sum::<f64>() / n
    };
    let seasons: Vec<f64> = (2017..2024).map(|year| mean(year, 0..183)).collect();
    assert!(mean(2018, 30..61) < mean(2017, 30..61) && mean(2018, 30..61) < mean(2019, 30..61));
    assert!(seasons.iter().all(|mean| (0.2..0.4).contains(mean)), "{seasons:?}");
    // Day by day, the logit of the share against the logarithm of the record itself.
    let record = std::fs::read_to_string(folder.join("runoff._.BN_RACMO2.3p2_ERA5_3h_FGRN055.1km.DD.csv")).unwrap();
    for year in 2017..2020 {
        let pairs: Vec<(f64, f64)> = (0..183)
            .map(|index| {
                let day = in_season(year, index);
                let date = format!("{year}-{:02}-{:02} ", day.month, day.day);
                let line = record.lines().find(|l| l.starts_with(&date)).unwrap();
                let share = f64::from(scene.weather(day).melt_share);
                ((line.split(',').nth(1).unwrap().trim().parse::<f64>().unwrap()).ln(), (share / (1.0 - share)).ln())
            })
            .collect();
        let n = pairs.len() as f64;
        let (x, y) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
        let sum = |f: fn(f64, f64) -> f64| pairs.iter().map(|p| f(p.0 - x, p.1 - y)).sum::<f64>();
        let correlation = sum(|x, y| x * y) / (sum(|x, _| x * x) * sum(|_, y| y * y)).sqrt();
        assert!(correlation > 0.8, "{year}: {correlation}");
    }
}

fn real_geography_keeps_its_georeference(folder: &Path) {
    let mask = Raster::open(folder.join("landMask_100m.tif")).unwrap().geo().transform().unwrap();
    let whole = cut_tags(folder, 2863, 1633).unwrap().unwrap().transform().unwrap();
    assert_eq!(whole, mask);
    // 128 of the 146 columns at a tenth or so of the size: the margins are equal.
    let part = cut_tags(folder, 256, 128).unwrap().unwrap().transform().unwrap();
    let (left, right) = (part.at(0.0, 0.0).0 - mask.origin_x, mask.at(0.0, 1633.0).0 - part.at(0.0, 128.0).0);
    within("margins", left, right, 1e-9);
    within("height", part.at(256.0, 0.0).1, mask.at(2863.0, 0.0).1, 1e-9);
    assert_eq!(full_size(folder).unwrap(), (2863, 1633));
}

fn main() -> ExitCode {
    let mut trials = trials::trials![
        statistics_seed_42,
        statistics_seed_7,
        statistics_seed_1234,
        a_day_does_not_depend_on_the_other_days,
        archives_are_sorted_unique_and_hold_every_month,
        melt_starts_in_valleys_and_leaves_the_coast_in_september,
        swaths_see_fixed_shares_and_end_in_straight_lines,
        the_running_mean_is_good_but_leaves_room,
        written_datasets_load_with_their_configuration,
        impossible_options_are_errors
    ];
    trials.extend([
        trials::needing_data(
            "real_geography_has_the_statistics_of_the_reference",
            "data/helheim",
            real_geography_has_the_statistics_of_the_reference,
        ),
        trials::needing_data("seasons_follow_the_runoff", "data/helheim", seasons_follow_the_runoff),
        trials::needing_data("real_geography_keeps_its_georeference", "data/helheim", real_geography_keeps_its_georeference),
    ]);
    trials::run(trials)
}
