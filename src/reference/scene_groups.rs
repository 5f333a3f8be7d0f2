//! Scores over parts of a split, counted the slow way: distances of days by walking the calendar, pixels of a bin by looking at all.

/// Year, month, day of a file `YYYY_MM_DD.tif`, which is for the caller to give.
pub fn date(file: &str) -> [u32; 3] {
    [0..4, 5..7, 8..10].map(|part| file[part].parse().expect("digits"))
}

fn next_day([year, month, day]: [u32; 3]) -> [u32; 3] {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
    if day < days {
        [year, month, day + 1]
    } else if month < 12 {
        [year, month + 1, 1]
    } else {
        [year + 1, 1, 1]
    }
}

/// Days from the earlier of two dates to the later.
pub fn days_apart(a: [u32; 3], b: [u32; 3]) -> u32 {
    let (mut from, to, mut days) = (a.min(b), a.max(b), 0);
    while from != to {
        from = next_day(from);
        days += 1;
    }
    days
}

/// Group of a file by its days to the nearest other train day, which is for the caller to give: `1`, `2-3`, `4-6`, `7+`.
pub fn gap(file: &str, train: &[&str]) -> &'static str {
    let nearest = train.iter().filter(|other| **other != file).map(|other| days_apart(date(file), date(other))).min().expect("a train day");
    ["1", "2-3", "4-6", "7+"][if nearest <= 1 {
        0
    } else if nearest <= 3 {
        1
    } else if nearest <= 6 {
        2
    } else {
        3
    }]
}

/// Pixels, mean prediction and mean target of those (prediction, target) whose prediction is in bin `bin` of ten, the last one closed.
pub fn reliability(pixels: &[(f64, f64)], bin: usize) -> (usize, f64, f64) {
    let inside = |p: f64| p >= bin as f64 / 10.0 && (p < (bin + 1) as f64 / 10.0 || bin == 9);
    let inside: Vec<_> = pixels.iter().filter(|(p, _)| inside(*p)).collect();
    let mean = |value: fn(&&(f64, f64)) -> f64| inside.iter().map(value).sum::<f64>() / inside.len() as f64;
    (inside.len(), mean(|pixel| pixel.0), mean(|pixel| pixel.1))
}
