// Dropout: output = input · scale where the element's random word is at least `threshold`, else input · 0. Gradient: the same on ∂L/∂y.
// The word is a PCG hash (O'Neill 2014, HMC-CS-2014-0905: RXS-M-XS output of a linear congruential step) of the element's number, twice,
// with one half of the key each time: a counter-based generator, so every pass over the same key draws the same words.
// Launcher:  kernels/dropout.rs   Reference: src/reference/dropout.rs
// Grid:      64 vectors of four elements a workgroup, folded past 65 535 groups.
// Numerics:  one multiplication; words are exact; NaN stays, also where it is dropped.
struct Params { packs: u32, key_a: u32, key_b: u32, threshold: u32, scale: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;         // [len]
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;  // [len]
//!include shared/flat.wgsl
//!include shared/nan.wgsl

fn hashed(x: vec4u) -> vec4u {
  let state = x * 747796405u + 2891336453u;
  let word = ((state >> ((state >> vec4u(28u)) + 4u)) ^ state) * 277803737u;
  return (word >> vec4u(22u)) ^ word;
}

@compute @workgroup_size(64)
fn dropout(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  let elements = vec4u(0u, 1u, 2u, 3u) + i * 4u;
  let words = hashed(hashed(elements ^ vec4u(params.key_a)) + params.key_b);
  let x = input[i];
  output[i] = select(x * select(vec4f(0.0), vec4f(params.scale), words >= vec4u(params.threshold)), x, are_nan(x));
}
