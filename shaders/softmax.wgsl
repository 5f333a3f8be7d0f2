// Softmax along one axis: y[k] = exp(x[k] − largest) / Σ exp(x[j] − largest).
// Launcher:  kernels/softmax.rs   Reference: src/reference/softmax.rs   PyTorch: torch.softmax
// Grid:      one invocation a line along the axis, 64 a workgroup, neighbours behind the axis side by side, folded past 65 535 groups.
// Numerics:  f32; terms in order; finite for all finite values.
struct Params { outer: u32, len: u32, inner: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [outer, len, inner]
@group(0) @binding(1) var<storage, read_write> output: array<f32>; // [outer, len, inner]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn softmax(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let flat = flat_group(group, groups) * 64u + local;
  if flat >= params.outer * params.inner { return; }
  let first = flat / params.inner * params.len * params.inner + flat % params.inner;
  let end = first + params.len * params.inner;
  var largest = input[first];
  for (var i = first; i < end; i += params.inner) { largest = max(largest, input[i]); }
  var sum = 0.0;
  for (var i = first; i < end; i += params.inner) {
    let y = exp(input[i] - largest);
    output[i] = y;
    sum += y;
  }
  for (var i = first; i < end; i += params.inner) { output[i] /= sum; }
}
