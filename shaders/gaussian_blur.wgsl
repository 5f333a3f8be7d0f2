// One direction of a separable Gaussian blur: every column is convolved along the rows and written transposed, so that the second
// pass, which is the same kernel, brings the plane back. output[col, row] = Σ_t window[t] · scale·(input[reflect(row + t − radius), col] − offset).
// Launcher:  kernels/gaussian_blur.rs   Reference: tests/reference/gaussian_blur.rs
// Grid:      one pack of columns × 8 rows an invocation (a sliding window: 8 outputs a load), folded past 65 535 groups.
// Numerics:  f32 sums in the order of the taps; borders are reflected without repeating the edge.
struct Params { rows: u32, cols: u32, packs: u32, blocks: u32, planes: u32, pitch_out: u32, radius: u32, taps: u32, offset: f32, scale: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;         // [planes, rows, packs]
@group(0) @binding(1) var<storage, read> window: array<vec4f>;       // [taps], zeros behind the window for 8 rows
@group(0) @binding(2) var<storage, read_write> output: array<f32>;   // [planes, cols, pitch_out]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
const ROWS = 8u;

fn source_row(position: u32) -> u32 {
  let last = i32(params.rows) - 1;
  let row = abs(i32(position) - i32(params.radius));
  // Rows past the last block's end are read but not used: they only have to exist.
  return u32(clamp(select(row, 2 * last - row, row > last), 0, last));
}

@compute @workgroup_size(64)
fn gaussian_blur(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  let pack = i % params.packs;
  let first = i / params.packs % params.blocks * ROWS;
  let plane = i / params.packs / params.blocks;
  if plane >= params.planes { return; }
  let base = plane * params.rows * params.packs + pack;
  var sums: array<Pack, 8>;
  for (var r = 0u; r < ROWS; r++) { sums[r] = Pack(0.0); }
  var older = vec4f(0.0);
  var old = vec4f(0.0);
  for (var t = 0u; t < params.taps; t++) {
    let now = window[t];
    // Row first + 4t + j is tap 4t + j − r of output row r.
    var taps = array<f32, 12>(older.x, older.y, older.z, older.w, old.x, old.y, old.z, old.w, now.x, now.y, now.z, now.w);
    for (var j = 0u; j < 4u; j++) {
      let value = (input[base + source_row(first + 4u * t + j) * params.packs] - params.offset) * params.scale;
      for (var r = 0u; r < ROWS; r++) { sums[r] += taps[8u + j - r] * value; }
    }
    older = old;
    old = now;
  }
  for (var k = 0u; k < PACK; k++) {
    let col = pack * PACK + k;
    if col >= params.cols { return; }
    let target_row = (plane * params.cols + col) * params.pitch_out + first;
    for (var r = 0u; r < ROWS; r++) {
      if first + r < params.rows { output[target_row + r] = vec4f(sums[r])[k]; }
    }
  }
}
