// Per-workgroup sums of squares of up to six gradients, to the bits of clip_grad_norm_stats, and the gradients side by side in one array.
// Launcher:  kernels/clip_grad_norm.rs   Reference: src/reference/gradient_clipping.rs
// Grid:      16 packs of four an invocation, the workgroups of one gradient after those of the one before.
// Numerics:  f32 sums of 64 values an invocation, then a tree of fixed order; the gradients as they are.
struct Params { len0: u32, len1: u32, len2: u32, len3: u32, len4: u32, len5: u32,
                first0: u32, first1: u32, first2: u32, first3: u32, first4: u32, first5: u32, start: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> gradient0: array<vec4f>;       // [len0]
@group(0) @binding(1) var<storage, read> gradient1: array<vec4f>;       // [len1]
@group(0) @binding(2) var<storage, read> gradient2: array<vec4f>;       // [len2]
@group(0) @binding(3) var<storage, read> gradient3: array<vec4f>;       // [len3]
@group(0) @binding(4) var<storage, read> gradient4: array<vec4f>;       // [len4]
@group(0) @binding(5) var<storage, read> gradient5: array<vec4f>;       // [len5]
@group(0) @binding(6) var<storage, read_write> gathered: array<vec4f>;  // [all], gradients at multiples of 64, the first at 4·start
@group(0) @binding(7) var<storage, read_write> squares: array<f32>;     // [parts of all gradients], those of each from its first on
//!include shared/flat.wgsl
//!include shared/sum1.wgsl
const PACKS_EACH = 16u;
const GROUP = 64u;
const SOURCES = 6u;
alias Sum = f32;

fn pack_of(source: u32, i: u32) -> vec4f {
  switch source {
    case 0u: { return gradient0[i]; }
    case 1u: { return gradient1[i]; }
    case 2u: { return gradient2[i]; }
    case 3u: { return gradient3[i]; }
    case 4u: { return gradient4[i]; }
    default: { return gradient5[i]; }
  }
}

@compute @workgroup_size(64)
fn clip_grad_norm_gather(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  var lens = array<u32, SOURCES>(params.len0, params.len1, params.len2, params.len3, params.len4, params.len5);
  var firsts = array<u32, SOURCES>(params.first0, params.first1, params.first2, params.first3, params.first4, params.first5);
  let part_len = 4u * PACKS_EACH * GROUP;
  var part = flat_group(group, groups);
  var start = params.start;
  var source = 0u;
  for (; source < SOURCES; source++) {
    let own = (lens[source] + part_len - 1u) / part_len;
    if part < own { break; }
    part -= own;
    start += (lens[source] + 63u) / 64u * 16u;
  }
  if source == SOURCES { return; }
  let len = lens[source];
  var i = part * PACKS_EACH * GROUP + local;
  let end = min(i - local + PACKS_EACH * GROUP, (len + 3u) / 4u);
  var sum = vec4f(0.0);
  for (; i < end; i += GROUP) {
    // Elements past the length are unspecified.
    let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(len);
    let value = select(vec4f(0.0), pack_of(source, i), inside);
    gathered[start + i] = value;
    sum += value * value;
  }
  let all = summed(local, (sum.x + sum.y) + (sum.z + sum.w));
  if local == 0u { squares[firsts[source] + part] = all; }
}
