//! Samples of a block to float32 values.

use super::no_data::NoData;

/// A number as it is stored.
pub(super) trait Sample: Copy + PartialEq {
    /// Bytes of one.
    const BYTES: usize;
    /// From its bytes, of which there are [`BYTES`](Self::BYTES), in the byte order of the file.
    fn of(bytes: &[u8], little_endian: bool) -> Self;
    /// As float64; integers of more than 53 bits are rounded.
    fn wide(self) -> f64;
    /// Whether it is the no-data value.
    fn is(self, no_data: NoData) -> bool;
}

macro_rules! sample {
    ($kind:ty, |$sample:ident, $no_data:ident| $is:expr) => {
        impl Sample for $kind {
            const BYTES: usize = size_of::<$kind>();

            fn of(bytes: &[u8], little_endian: bool) -> Self {
                let mut word = [0; size_of::<$kind>()];
                word.copy_from_slice(bytes);
                if little_endian { <$kind>::from_le_bytes(word) } else { <$kind>::from_be_bytes(word) }
            }

            fn wide(self) -> f64 {
                self as f64
            }

            fn is(self, $no_data: NoData) -> bool {
                let $sample = self;
                $is
            }
        }
    };
}

sample!(u8, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(i8, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(u16, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(i16, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(u32, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(i32, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(u64, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(i64, |sample, no_data| no_data == NoData::Integer(sample.into()));
sample!(f32, |sample, no_data| no_data.is_f32(sample));
sample!(f64, |sample, no_data| no_data.is_f64(sample));
