//! From a network's outputs to class probabilities, the most likely class, and how sure it is.

/// Probabilities are kept this far from 0 and 1 in the entropy (Maslov et al. 2025, doi 10.1038/s41467-024-54956-x).
const CLIP: f64 = 1e-6;

/// Softmax over classes, pixel by pixel, in place.
///
/// # Shapes
/// classes × pixels.
pub fn softmax(outputs: &mut [f32], classes: usize, pixels: usize) {
    let mut of_pixel = vec![0.0f64; classes];
    for pixel in 0..pixels {
        let largest = (0..classes).map(|class| outputs[class * pixels + pixel]).fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for (class, value) in of_pixel.iter_mut().enumerate() {
            *value = f64::from(outputs[class * pixels + pixel] - largest).exp();
            sum += *value;
        }
        for (class, value) in of_pixel.iter().enumerate() {
            outputs[class * pixels + pixel] = (value / sum) as f32;
        }
    }
}

/// The class of the largest probability, the first of equals; 0 of no class.
pub fn most_likely(probabilities: impl Iterator<Item = f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, probability) in probabilities.enumerate() {
        if probability > best.1 {
            best = (class, probability);
        }
    }
    best.0
}

/// 1 − H / ln(classes) with H = −Σ q ln q, q the probabilities clipped: 0 where all classes are alike, near 1 where one is sure.
pub fn confidence(probabilities: impl Iterator<Item = f32>, classes: usize) -> f32 {
    let entropy: f64 = probabilities.map(|p| f64::from(p).clamp(CLIP, 1.0 - CLIP)).map(|q| -q * q.ln()).sum();
    (1.0 - entropy / (classes.max(2) as f64).ln()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_become_probabilities_classes_and_confidence() {
        let mut outputs = [1000.0, 0.0, 1001.0, 0.0];
        softmax(&mut outputs, 2, 2);
        let sure = 1.0 / (1.0 + 1f64.exp());
        assert!((f64::from(outputs[0]) - sure).abs() < 1e-7 && outputs[1] == 0.5, "{outputs:?}");
        assert_eq!(most_likely([0.5, 0.5].into_iter()), 0, "the first of equals");
        assert_eq!(most_likely([0.2, 0.3, 0.5].into_iter()), 2);
        assert!(confidence([0.5, 0.5].into_iter(), 2).abs() < 1e-7);
        assert!((confidence([1.0, 0.0].into_iter(), 2) - 1.0).abs() < 5e-5);
    }
}
