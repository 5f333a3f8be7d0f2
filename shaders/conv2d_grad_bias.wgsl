// Bias gradient of a convolution: db[c] = Σ_{n,p} dy[n,c,p] over the pixels p of a plane.
// Launcher:  kernels/conv2d/mod.rs   Reference: src/reference/conv2d.rs
// Grid:      one channel of one span of images and of their planes a workgroup, folded past 65 535 groups.
// Numerics:  f32; 64 strided sums a span, each image summed on its own first, added as a tree; then partial sums in order (sum_partials).
struct Params { n: u32, c: u32, packs: u32, span_images: u32, span_packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<Pack>;   // [n, c, plane]
@group(0) @binding(1) var<storage, read_write> partials: array<f32>; // [spans, c]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/sum1.wgsl
const GROUP = 64u;
alias Sum = f32;

@compute @workgroup_size(64)
fn conv2d_grad_bias(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let flat = flat_group(group, groups);
  let channel = flat % params.c;
  let span = flat / params.c;
  let plane_spans = (params.packs + params.span_packs - 1u) / params.span_packs;
  let first_image = span / plane_spans * params.span_images;
  if first_image >= params.n { return; }
  let begin = span % plane_spans * params.span_packs;
  let end = min(begin + params.span_packs, params.packs);
  var sum = 0.0;
  for (var image = first_image; image < min(first_image + params.span_images, params.n); image++) {
    let plane = (image * params.c + channel) * params.packs;
    var part = Pack(0.0);
    for (var i = begin + local; i < end; i += 64u) { part += grad_output[plane + i]; }
    sum += pack_sum(part);
  }
  let all = summed(local, sum);
  if local == 0u { partials[flat] = all; }
}
