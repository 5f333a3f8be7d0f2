//! One channel of a batch: a chunk of its plane in every image. Elements are summed in f32 in groups of few thousand, whose sums are added
//! in f64.

use super::sums::RUN;

/// Where a chunk of a channel lies.
#[derive(Clone, Copy)]
pub(crate) struct Chunk {
    pub(crate) images: usize,
    /// Words between two images.
    pub(crate) image: usize,
    /// First word of the chunk in the first image, and words of it.
    pub(crate) begin: usize,
    pub(crate) len: usize,
}

/// As many pieces of `len` words, one an image.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    begin: usize,
    image: usize,
    pub(crate) pieces: usize,
    pub(crate) len: usize,
}

impl Group {
    /// The piece of an image.
    #[inline(always)]
    pub(crate) fn piece<'a>(&self, values: &'a [f32], piece: usize) -> &'a [f32] {
        &values[self.begin + piece * self.image..][..self.len]
    }
}

impl Chunk {
    /// The chunk in order: few images with short planes together, long planes in runs.
    pub(crate) fn groups(self) -> impl Iterator<Item = Group> {
        let together = (RUN / self.len.max(1)).max(1);
        (0..self.images).step_by(together).flat_map(move |first| {
            (0..self.len).step_by(RUN).map(move |at| Group {
                begin: self.begin + first * self.image + at,
                image: self.image,
                pieces: together.min(self.images - first),
                len: RUN.min(self.len - at),
            })
        })
    }
}
