// Source coordinates of interpolation along one axis, PyTorch's rules. MODE: 0 nearest, 1 bilinear, 2 bilinear with align_corners.
// The kernel that includes this declares MODE.

// The two source positions of output position `o` and the share of the second.
struct Tap { low: u32, high: u32, share: f32 }

fn tap(o: u32, ratio: f32, size: u32) -> Tap {
  if MODE == 0u {
    let low = min(u32(f32(o) * ratio), size - 1u);
    return Tap(low, low, 0.0);
  }
  var source = f32(o) * ratio;
  if MODE == 1u { source = max((f32(o) + 0.5) * ratio - 0.5, 0.0); }
  let low = min(u32(source), size - 1u);
  return Tap(low, min(low + 1u, size - 1u), clamp(source - f32(low), 0.0, 1.0));
}

// First and one past the last output position that may use source position `i`, with a margin for rounding.
fn users(i: u32, ratio: f32, size: u32, count: u32) -> vec2u {
  let shift = select(0.0, 0.5, MODE == 1u);
  let reach = select(1.0, 0.0, MODE == 0u);
  var first = 0.0;
  var last = f32(count);
  if ratio > 0.0 {
    if i > 0u { first = floor((f32(i) - reach + shift) / ratio - shift - 0.01) + 1.0; }
    if i + 1u < size { last = ceil((f32(i) + 1.0 + shift) / ratio - shift + 0.01); }
  }
  return vec2u(u32(clamp(first, 0.0, f32(count))), u32(clamp(last, 0.0, f32(count))));
}
