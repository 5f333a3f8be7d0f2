//! How normalisations share planes and channels out among invocations; plain arithmetic, tested without a device.

use crate::gpu::DeviceKind;

/// Invocations of a workgroup.
pub(in crate::kernels) const GROUP: usize = 64;
/// Chunks of all channels that keep the host's threads busy.
const HOST_TASKS: usize = 128;
/// Chunks of a channel at most: one invocation merges them.
const MAX_CHUNKS: usize = 128;

/// How planes are shared out among invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernels) struct Geometry {
    pub(in crate::kernels) n: usize,
    pub(in crate::kernels) c: usize,
    /// Packs of a plane.
    pub(in crate::kernels) plane: usize,
    /// Packs of a chunk, a multiple of `lanes`.
    pub(in crate::kernels) step: usize,
    pub(in crate::kernels) chunks: usize,
    pub(in crate::kernels) lanes: usize,
    pub(in crate::kernels) team: usize,
    pub(in crate::kernels) scalar: bool,
}

impl Geometry {
    fn cut(dims: [usize; 4], team: impl Fn(usize) -> usize, chunks: impl Fn(usize) -> usize) -> Geometry {
        let [n, c, h, w] = dims;
        let scalar = !(h * w).is_multiple_of(4);
        let plane = if scalar { h * w } else { h * w / 4 };
        let team = team(plane);
        let lanes = plane.next_power_of_two().min(team);
        let step = plane.div_ceil(chunks(plane).max(1)).div_ceil(lanes) * lanes;
        Geometry { n, c, plane, step, chunks: plane.div_ceil(step), lanes, team, scalar }
    }

    /// An invocation handles at most 8 packs.
    pub(in crate::kernels) fn elementwise(dims: [usize; 4]) -> Geometry {
        Geometry::cut(dims, |_| GROUP, |plane| plane.div_ceil(GROUP * 8))
    }

    /// Channels are cut while an invocation keeps 16 packs and workgroups are fewer than the device can use, and in any case so that
    /// none adds up more than 512. Small channels are reduced by 8 invocations instead of 64. On the host a chunk is a task.
    pub(in crate::kernels) fn reduction(kind: DeviceKind, dims: [usize; 4]) -> Geometry {
        let [n, c, ..] = dims;
        if kind == DeviceKind::Host {
            // A task a chunk: few where channels are many, each of some 8192 packs.
            return Geometry::cut(dims, |_| GROUP, |plane| HOST_TASKS.div_ceil(c).min(n * plane / 8192).clamp(1, MAX_CHUNKS));
        }
        let team = |plane: usize| if n * plane <= 64 { 8 } else { GROUP };
        let chunks = |plane: usize| (n * plane).div_ceil(GROUP * 512).max(4096usize.div_ceil(c).min(n * plane / (GROUP * 16)));
        Geometry::cut(dims, team, |plane| chunks(plane).min(MAX_CHUNKS))
    }

    pub(in crate::kernels) fn elementwise_groups(&self) -> usize {
        (self.n * self.c).div_ceil(GROUP / self.lanes) * self.chunks
    }

    pub(in crate::kernels) fn reduction_groups(&self) -> usize {
        (self.c * self.chunks).div_ceil(GROUP / self.team)
    }
}

#[cfg(test)]
mod tests {
    use super::Geometry;
    use crate::gpu::DeviceKind;

    #[test]
    fn chunks_cover_every_plane() {
        for dims in [[1, 1, 1, 1], [2, 3, 41, 47], [8, 64, 256, 256], [8, 728, 16, 16], [1, 5000, 1, 1], [1, 1, 2863, 1633]] {
            let reductions = [DeviceKind::Gpu, DeviceKind::Host].map(|kind| Geometry::reduction(kind, dims));
            for geometry in reductions.into_iter().chain([Geometry::elementwise(dims)]) {
                assert!(geometry.chunks * geometry.step >= geometry.plane, "{dims:?} {geometry:?}");
                assert!((geometry.chunks - 1) * geometry.step < geometry.plane, "{dims:?} {geometry:?}");
                assert!(geometry.step.is_multiple_of(geometry.lanes) && geometry.team.is_multiple_of(geometry.lanes));
            }
        }
    }

    #[test]
    fn reductions_fill_a_large_device_but_not_a_processor() {
        let early = Geometry::reduction(DeviceKind::Gpu, [8, 64, 256, 256]);
        assert!(early.c * early.chunks >= 2048, "{early:?}");
        assert_eq!(Geometry::reduction(DeviceKind::Gpu, [8, 728, 16, 16]).chunks, 1);
        assert_eq!(Geometry::reduction(DeviceKind::Host, [4, 64, 128, 128]).chunks, 2);
    }
}
