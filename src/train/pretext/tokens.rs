//! Tokens of a crop, squares of a few pixels that a transformer sees as one: which are hidden, and the optical bands under them.

use crate::config::{Config, Objective};
use crate::error::Result;
use crate::models::OPTICAL_BANDS;
use crate::random::Draw;

/// Share of tokens that the published program hides.
const SHARE: f64 = 0.3;

/// The tokens of a crop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tokens {
    /// Pixels along one.
    pub(super) patch: usize,
    /// Rows and columns of them.
    grid: [usize; 2],
    /// Share that is hidden.
    share: f64,
}

impl Tokens {
    /// Those of a configuration whose objective hides some.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] for a share that hides nothing or everything, and for crops that patches do not fill.
    pub(super) fn of(config: &Config, crop: [usize; 2]) -> Result<Option<Tokens>> {
        if config.objective != Objective::OptSimMim {
            return Ok(None);
        }
        let (patch, share) = (config.patch_size, config.hidden_share.unwrap_or(SHARE));
        if share <= 0.0 || share >= 1.0 {
            return Err(config.key_error("hidden_share", format!("is {share}, and must be between 0 and 1, as {SHARE}")));
        }
        if crop.iter().any(|side| !side.is_multiple_of(patch.max(1))) {
            let message = format!("is {patch}, and crops of {} x {} pixels are no whole number of it", crop[0], crop[1]);
            return Err(config.key_error("patch_size", message));
        }
        Ok(Some(Tokens { patch, grid: crop.map(|side| side / patch), share }))
    }

    pub(super) fn count(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    pub(super) fn describe(&self) -> String {
        format!(" under {} hidden tokens of {}", self.count() - self.kept(), self.count())
    }

    /// How many are seen: the first, and of the others their share, cut to a whole number.
    fn kept(&self) -> usize {
        ((self.count().saturating_sub(1)) as f64 * (1.0 - self.share)) as usize + 1
    }

    /// Which are hidden, drawn one by one; never the first.
    pub(super) fn hidden(&self, draw: &mut Draw) -> Vec<bool> {
        let count = self.count();
        let mut order: Vec<usize> = (1..count).collect();
        let mut is_hidden = vec![false; count];
        for place in 0..count - self.kept().min(count) {
            let other = place + draw.below(count - 1 - place);
            order.swap(place, other);
            is_hidden[order[place]] = true;
        }
        is_hidden
    }
}

/// The bands of a crop's pixels by tokens: channels are row and column in the token, then the band, which goes fastest.
///
/// # Shapes
/// `bands`: `[n, bands, height, width]`; gives `[n, patch² · bands, height / patch, width / patch]`.
pub(super) fn of_tokens(bands: &[f32], [n, height, width]: [usize; 3], patch: usize) -> Vec<f32> {
    let (plane, mut out) = (height * width, Vec::with_capacity(bands.len()));
    for image in 0..n {
        for channel in 0..patch * patch * OPTICAL_BANDS {
            let (pixel, band) = (channel / OPTICAL_BANDS, channel % OPTICAL_BANDS);
            let (down, right) = (pixel / patch, pixel % patch);
            for row in (down..height).step_by(patch) {
                let line = &bands[(image * OPTICAL_BANDS + band) * plane + row * width..][..width];
                out.extend(line.iter().skip(right).step_by(patch));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn as_many_tokens_are_hidden_as_published() {
        let tokens = Tokens { patch: 4, grid: [128, 128], share: SHARE };
        let hidden = tokens.hidden(&mut Draw::new(1, Purpose::Hide, 3));
        assert_eq!((tokens.kept(), hidden.iter().filter(|hidden| **hidden).count(), hidden[0]), (11_469, 4_915, false));
        assert_ne!(hidden, tokens.hidden(&mut Draw::new(1, Purpose::Hide, 4)));
    }

    #[test]
    fn bands_go_fastest_in_a_token() {
        // Two images of 4 × 6 pixels; a value says image, band, row and column.
        let value = |image: usize, band: usize, row: usize, col: usize| (((image * 14 + band) * 4 + row) * 6 + col) as f32;
        let mut bands = Vec::new();
        (0..2).for_each(|i| (0..14).for_each(|b| (0..4).for_each(|r| (0..6).for_each(|c| bands.push(value(i, b, r, c))))));
        let tokens = of_tokens(&bands, [2, 4, 6], 2);
        let at = |image: usize, channel: usize, row: usize, col: usize| tokens[((image * 56 + channel) * 2 + row) * 3 + col];
        for (image, row, col, down, right, band) in [(0, 0, 0, 0, 0, 5), (1, 1, 2, 1, 0, 13), (0, 1, 1, 0, 1, 0)] {
            let channel = (down * 2 + right) * 14 + band;
            assert_eq!(at(image, channel, row, col), value(image, band, 2 * row + down, 2 * col + right));
        }
    }
}
