// Per-workgroup counts and sums behind the scores of a map: confusion counts, Σ|e|, Σe², and mean, Σ(t − t̄)², extremes of the target.
// Launcher:  kernels/masked_metrics.rs   Reference: src/reference/masked_metrics.rs
// Grid:      16 packs an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  counts are u32; sums are f32 over 64 values, then a tree of fixed order; the target's mean is kept as its first value and
//            what is above that, squares are taken about that value and merged by Chan's rule, so an offset does not cancel; the host
//            merges workgroups in f64. A NaN prediction is 0.
struct Params { packs: u32, parts: u32, images: u32, threshold: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> pred: array<Pack>;         // [images, packs]
@group(0) @binding(1) var<storage, read> wanted: array<Pack>;       // [images, packs]
@group(0) @binding(2) var<storage, read> mask: array<Pack>;         // [images, packs], 1 = invalid
@group(0) @binding(3) var<storage, read_write> tallies: array<u32>; // [images, parts, 12], floats as their bits
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/nan.wgsl
//!include shared/pinned.wgsl
const PACKS_EACH = 16u;

// The target's mean is about + above.
struct Tally {
  valid: u32, hits: u32, false_alarms: u32, misses: u32, nans: u32,
  abs_sum: f32, sq_sum: f32, about: f32, above: f32, spread: f32, low: f32, high: f32,
}
var<workgroup> lanes: array<Tally, 64>;

fn merge(x: Tally, y: Tally) -> Tally {
  var z = x;
  if x.valid == 0u { z.about = y.about; }
  z.valid += y.valid;
  z.hits += y.hits;
  z.false_alarms += y.false_alarms;
  z.misses += y.misses;
  z.nans += y.nans;
  z.abs_sum += y.abs_sum;
  z.sq_sum += y.sq_sum;
  z.low = min(x.low, y.low);
  z.high = max(x.high, y.high);
  let share = f32(y.valid) / f32(max(z.valid, 1u));
  let apart = first_of(pinned(Pack(y.about - z.about), params.parts >> 31u)) + (y.above - x.above);
  z.above += apart * share;
  z.spread += y.spread + apart * apart * f32(x.valid) * share;
  return z;
}

@compute @workgroup_size(64)
fn masked_metrics(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.images * params.parts { return; }
  let base = part / params.parts * params.packs;
  var i = part % params.parts * PACKS_EACH * 64u + local;
  let end = min(i - local + PACKS_EACH * 64u, params.packs);
  var own = Tally(0u, 0u, 0u, 0u, 0u, 0.0, 0.0, 0.0, 0.0, 0.0, 3.4e38, -3.4e38);
  // The target about its first valid value: sum and sum of squares.
  var about = vec2f(0.0);
  for (; i < end; i += 64u) {
    let values = vec4f(pred[base + i]);
    let truths = vec4f(wanted[base + i]);
    let hidden = vec4f(mask[base + i]);
    for (var k = 0u; k < PACK; k++) {
      if hidden[k] != 0.0 { continue; }
      let nan = is_nan(values[k]);
      let p = select(values[k], 0.0, nan);
      let t = truths[k];
      if own.valid == 0u { own.about = t; }
      let above = t - own.about;
      about += vec2f(above, above * above);
      let melts = p > params.threshold;
      let melted = t > params.threshold;
      own.valid += 1u;
      own.hits += u32(melts && melted);
      own.false_alarms += u32(melts && !melted);
      own.misses += u32(!melts && melted);
      own.nans += u32(nan);
      own.abs_sum += abs(p - t);
      own.sq_sum += (p - t) * (p - t);
      own.low = min(own.low, t);
      own.high = max(own.high, t);
    }
  }
  own.above = about.x / f32(max(own.valid, 1u));
  own.spread = max(about.y - about.x * own.above, 0.0);
  lanes[local] = own;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if local < half { lanes[local] = merge(lanes[local], lanes[local + half]); }
  }
  if local == 0u {
    let all = lanes[0];
    var words = array<u32, 12>(all.valid, all.hits, all.false_alarms, all.misses, all.nans, bitcast<u32>(all.abs_sum), bitcast<u32>(all.sq_sum),
      bitcast<u32>(all.about), bitcast<u32>(all.above), bitcast<u32>(all.spread), bitcast<u32>(all.low), bitcast<u32>(all.high));
    for (var k = 0u; k < 12u; k++) { tallies[part * 12u + k] = words[k]; }
  }
}
