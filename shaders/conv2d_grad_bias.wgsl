// Bias gradient of a convolution: db[c] = Σ_{n,p} dy[n,c,p] over the pixels p of a plane.
// Launcher:  kernels/conv2d/mod.rs   Reference: tests/reference/conv2d.rs
// Grid:      one channel a workgroup, folded past 65 535 groups.
// Numerics:  f32; 64 strided sums a channel, each image summed on its own first, added as a tree.
struct Params { n: u32, c: u32, packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<Pack>;    // [n, c, plane]
@group(0) @binding(1) var<storage, read_write> grad_bias: array<f32>; // [c]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn conv2d_grad_bias(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = flat_group(group, groups);
  if channel >= params.c { return; }
  var sum = 0.0;
  for (var image = 0u; image < params.n; image++) {
    let plane = (image * params.c + channel) * params.packs;
    var part = Pack(0.0);
    for (var i = local; i < params.packs; i += 64u) { part += grad_output[plane + i]; }
    sum += pack_sum(part);
  }
  sums[local] = sum;
  workgroupBarrier();
  for (var reach = 32u; reach > 0u; reach /= 2u) {
    if local < reach { sums[local] += sums[local + reach]; }
    workgroupBarrier();
  }
  if local == 0u { grad_bias[channel] = sums[0]; }
}
