//! The scores of a map against its target over valid pixels, with the guards for scenes where a score is undefined.

/// One value per image of each score.
#[derive(Default)]
pub struct MaskedMetrics {
    /// Mean of |pred − target|, 0 without valid pixels.
    pub mae: Vec<f64>,
    /// Mean of (pred − target)², 0 without valid pixels.
    pub mse: Vec<f64>,
    /// Share of pixels on the same side of the threshold, 0 without valid pixels.
    pub accuracy: Vec<f64>,
    /// Share of predicted positives that are positive, 1 where none is predicted.
    pub precision: Vec<f64>,
    /// Share of positives that are predicted, 1 where there are none.
    pub recall: Vec<f64>,
    /// Harmonic mean of precision and recall, 0 where both are 0.
    pub f1: Vec<f64>,
    /// 1 − Σ (p − t)² / Σ (t − t̄)², at least −1; 0 for fewer than two pixels; of a constant target 1 if matched exactly, else −1.
    pub r2: Vec<f64>,
    /// Number of valid pixels.
    pub valid_px: Vec<f64>,
}

/// Scores every image; mask is 1 where a pixel is invalid, positive is a value above `threshold` (compared in float32), NaN counts as 0.
pub fn masked_metrics(pred: &[f64], target: &[f64], mask: &[f64], images: usize, threshold: f64) -> MaskedMetrics {
    let values = pred.len() / images;
    let mut metrics = MaskedMetrics::default();
    for image in 0..images {
        let pixels: Vec<(f64, f64)> = (image * values..(image + 1) * values)
            .filter(|&position| mask[position] == 0.0)
            .map(|position| (if pred[position].is_nan() { 0.0 } else { pred[position] }, target[position]))
            .collect();
        let valid = pixels.len() as f64;
        let mean = |sum: f64| if pixels.is_empty() { 0.0 } else { sum / valid };

        let positive = |value: f64| value as f32 > threshold as f32;
        let tally = |p: bool, t: bool| pixels.iter().filter(|pixel| positive(pixel.0) == p && positive(pixel.1) == t).count() as f64;
        let (hits, false_alarms, misses, quiet) = (tally(true, true), tally(true, false), tally(false, true), tally(false, false));
        let precision = if hits + false_alarms > 0.0 { hits / (hits + false_alarms) } else { 1.0 };
        let recall = if hits + misses > 0.0 { hits / (hits + misses) } else { 1.0 };

        metrics.mae.push(mean(pixels.iter().map(|(p, t)| (p - t).abs()).sum()));
        metrics.mse.push(mean(pixels.iter().map(|(p, t)| (p - t).powi(2)).sum()));
        metrics.accuracy.push(mean(hits + quiet));
        metrics.precision.push(precision);
        metrics.recall.push(recall);
        metrics.f1.push(if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 });
        metrics.r2.push(r2(&pixels));
        metrics.valid_px.push(valid);
    }
    metrics
}

/// 1 − Σ (p − t)² / Σ (t − t̄)², at least −1; 0 for fewer than two pixels; a constant target gives 1 if matched exactly, else −1.
fn r2(pixels: &[(f64, f64)]) -> f64 {
    if pixels.len() < 2 {
        return 0.0;
    }
    let residual: f64 = pixels.iter().map(|(p, t)| (p - t).powi(2)).sum();
    if pixels.iter().all(|pixel| pixel.1 == pixels[0].1) {
        return if residual == 0.0 { 1.0 } else { -1.0 };
    }
    let mean = pixels.iter().map(|pixel| pixel.1).sum::<f64>() / pixels.len() as f64;
    let total: f64 = pixels.iter().map(|(_, t)| (t - mean).powi(2)).sum();
    (1.0 - residual / total).max(-1.0)
}
