// Per-workgroup confusion of class maps over counted pixels: how many pixels of each true class (rows) have each predicted class (columns),
// and, last, how many have a number that is no class.
// Launcher:  kernels/segmentation_scores.rs   Reference: src/reference/segmentation_scores.rs
// Grid:      64 pixels an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  counts are u32, whose sums no order changes; the host adds workgroups in u64. A pixel's number is an index only where it is a
//            class.
struct Params { pixels: u32, parts: u32, images: u32, classes: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> pred: array<f32>;          // [images, pixels], numbers of classes
@group(0) @binding(1) var<storage, read> wanted: array<f32>;        // [images, pixels], numbers of classes
@group(0) @binding(2) var<storage, read> mask: array<f32>;          // [images, pixels], 1 = not counted
@group(0) @binding(3) var<storage, read_write> tallies: array<u32>; // [images, parts, classes² + 1]
//!include shared/flat.wgsl
//!include shared/class_of.wgsl
const PIXELS_EACH = 64u;
// 32 classes at most.
var<workgroup> cells: array<atomic<u32>, 1025>;

@compute @workgroup_size(64)
fn segmentation_scores(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.images * params.parts { return; }
  let none = params.classes * params.classes;
  for (var cell = local; cell <= none; cell += 64u) { atomicStore(&cells[cell], 0u); }
  workgroupBarrier();
  let image = part / params.parts;
  var i = part % params.parts * PIXELS_EACH * 64u + local;
  let end = min(i - local + PIXELS_EACH * 64u, params.pixels);
  for (; i < end; i += 64u) {
    let at = image * params.pixels + i;
    if mask[at] != 0.0 { continue; }
    let row = class_of(wanted[at], params.classes);
    let column = class_of(pred[at], params.classes);
    let known = row < params.classes && column < params.classes;
    atomicAdd(&cells[select(none, row * params.classes + column, known)], 1u);
  }
  workgroupBarrier();
  for (var cell = local; cell <= none; cell += 64u) { tallies[part * (none + 1u) + cell] = atomicLoad(&cells[cell]); }
}
