// Norm of all gradients times `unscale` and the factor that makes it so and clips them: norm = unscale · √Σ squares,
// scale = unscale · min(1, max_norm / (norm + 1e-6)).
// Launcher:  kernels/clip_grad_norm.rs   Reference: src/reference/gradient_clipping.rs
// Grid:      one workgroup.
// Numerics:  f32 in fixed order; a norm that is NaN gives a scale that is NaN.
struct Params { parts: u32, max_norm: f32, unscale: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> squares: array<f32>;            // [parts]
@group(0) @binding(1) var<storage, read_write> scale: array<f32>;        // [1]
@group(0) @binding(2) var<storage, read_write> total_norm: array<f32>;   // [1]
//!include shared/nan.wgsl
//!include shared/sum1.wgsl
const GROUP = 256u;
alias Sum = f32;

@compute @workgroup_size(GROUP)
fn clip_grad_norm(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var part = local; part < params.parts; part += GROUP) { sum += squares[part]; }
  let all = summed(local, sum);
  if local == 0u {
    let norm = sqrt(all) * params.unscale;
    let factor = params.max_norm / (norm + 1e-6);
    total_norm[0] = norm;
    scale[0] = select(min(factor, 1.0) * params.unscale, norm, is_nan(norm));
  }
}
