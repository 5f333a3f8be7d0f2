// One direction of a separable Gaussian blur: every column is convolved along the rows and written transposed, so that the second
// pass, which is the same kernel, brings the plane back. output[col, row] = Σ_t window[t] · scale·(input[reflect(row + t − radius), col] −
// offset).
// Launcher:  kernels/gaussian_blur.rs   Reference: src/reference/gaussian_blur.rs
// Grid:      one pack of columns × 16 rows an invocation (a sliding window: each load serves 16 outputs), folded past 65 535 groups.
// Numerics:  f32 sums in the order of the taps; borders are reflected without repeating the edge.
struct Params { rows: u32, cols: u32, packs: u32, blocks: u32, planes: u32, pitch_out: u32, radius: u32, taps: u32, offset: f32, scale: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;         // [planes, rows, packs]
@group(0) @binding(1) var<storage, read> window: array<vec4f>;       // [taps], zeros behind the window for 16 rows
@group(0) @binding(2) var<storage, read_write> output: array<f32>;   // [planes, cols, pitch_out]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
const ROWS = 16u;

// Input of the row that `position`, counted from the border's reflection, falls on.
fn load(base: u32, position: u32) -> Pack {
  let last = i32(params.rows) - 1;
  let row = abs(i32(position) - i32(params.radius));
  // Rows past the last block's end are read but not used: they only have to exist.
  let inside = clamp(select(row, 2 * last - row, row > last), 0, last);
  return (input[base + u32(inside) * params.packs] - params.offset) * params.scale;
}

@compute @workgroup_size(64)
fn gaussian_blur(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  let pack = i % params.packs;
  let first = i / params.packs % params.blocks * ROWS;
  let plane = i / params.packs / params.blocks;
  if plane >= params.planes { return; }
  let base = plane * params.rows * params.packs + pack;
  // Sums of the 16 output rows, and the weights of this step (w0) and the four before it. Written out: as arrays in loops they stay
  // in memory on the software device, which takes twice as long.
  var s0 = Pack(0.0); var s1 = Pack(0.0); var s2 = Pack(0.0); var s3 = Pack(0.0);
  var s4 = Pack(0.0); var s5 = Pack(0.0); var s6 = Pack(0.0); var s7 = Pack(0.0);
  var s8 = Pack(0.0); var s9 = Pack(0.0); var s10 = Pack(0.0); var s11 = Pack(0.0);
  var s12 = Pack(0.0); var s13 = Pack(0.0); var s14 = Pack(0.0); var s15 = Pack(0.0);
  var w0 = vec4f(0.0); var w1 = vec4f(0.0); var w2 = vec4f(0.0); var w3 = vec4f(0.0); var w4 = vec4f(0.0);
  for (var t = 0u; t < params.taps; t++) {
    w0 = window[t];
    let v0 = load(base, first + 4u * t);
    let v1 = load(base, first + 4u * t + 1u);
    let v2 = load(base, first + 4u * t + 2u);
    let v3 = load(base, first + 4u * t + 3u);
    // Input row 4t + j is tap 4t + j − r of output row r.
    s0 += w0.x * v0 + w0.y * v1 + w0.z * v2 + w0.w * v3;
    s1 += w1.w * v0 + w0.x * v1 + w0.y * v2 + w0.z * v3;
    s2 += w1.z * v0 + w1.w * v1 + w0.x * v2 + w0.y * v3;
    s3 += w1.y * v0 + w1.z * v1 + w1.w * v2 + w0.x * v3;
    s4 += w1.x * v0 + w1.y * v1 + w1.z * v2 + w1.w * v3;
    s5 += w2.w * v0 + w1.x * v1 + w1.y * v2 + w1.z * v3;
    s6 += w2.z * v0 + w2.w * v1 + w1.x * v2 + w1.y * v3;
    s7 += w2.y * v0 + w2.z * v1 + w2.w * v2 + w1.x * v3;
    s8 += w2.x * v0 + w2.y * v1 + w2.z * v2 + w2.w * v3;
    s9 += w3.w * v0 + w2.x * v1 + w2.y * v2 + w2.z * v3;
    s10 += w3.z * v0 + w3.w * v1 + w2.x * v2 + w2.y * v3;
    s11 += w3.y * v0 + w3.z * v1 + w3.w * v2 + w2.x * v3;
    s12 += w3.x * v0 + w3.y * v1 + w3.z * v2 + w3.w * v3;
    s13 += w4.w * v0 + w3.x * v1 + w3.y * v2 + w3.z * v3;
    s14 += w4.z * v0 + w4.w * v1 + w3.x * v2 + w3.y * v3;
    s15 += w4.y * v0 + w4.z * v1 + w4.w * v2 + w3.x * v3;
    w4 = w3; w3 = w2; w2 = w1; w1 = w0;
  }
  var sums = array<Pack, 16>(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15);
  for (var k = 0u; k < PACK; k++) {
    let col = pack * PACK + k;
    if col >= params.cols { return; }
    let turned = (plane * params.cols + col) * params.pitch_out + first;
    for (var r = 0u; r < ROWS; r++) {
      if first + r < params.rows { output[turned + r] = vec4f(sums[r])[k]; }
    }
  }
}
