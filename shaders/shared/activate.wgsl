// Activations and their derivatives, an element or four at a time: include nan beside this file, and pack4 (or pack1) for `Pack` and
// `Bits`.
// Kinds: 0 identity, 1 relu, 2 gelu (erf form), 3 sigmoid, 4 tanhshelf, 5 sigmoidcutoff, 6 silu, 7 exp up to ln 100; above these the bits
// of a leaky relu's slope. NaN in gives NaN out.
fn activate(kind: u32, x: Pack) -> Pack {
  if kind == 1u { return keep_nan(x, max(x, Pack(0.0))); }
  if kind == 2u { return x * normal_cdf(x); }
  if kind == 3u { return keep_nan(x, logistic(x)); }
  if kind == 4u { return keep_nan(x, shelf(exp(-2.0 * abs(x)))); }
  if kind == 5u { return keep_nan(x, logistic(10.0 - sixth_power(x))); }
  if kind == 6u { return keep_nan(x, x * logistic(x)); }
  if kind == 7u { return keep_nan(x, exp(min(x, Pack(LN_100)))); }
  if kind > 7u { return keep_nan(x, select(x, x * bitcast<f32>(kind), x < Pack(0.0))); }
  return x;
}

fn activate_derivative(kind: u32, x: Pack) -> Pack {
  if kind == 1u { return keep_one(x, select(Pack(1.0), Pack(0.0), x <= Pack(0.0))); }
  if kind == 2u {
    let near = clamp(x, Pack(-20.0), Pack(20.0));
    return normal_cdf(x) + keep_nan(x, near * 0.3989422804 * exp(-0.5 * near * near));
  }
  if kind == 3u { return keep_nan(x, logistic(x) * logistic(-x)); }
  if kind == 4u {
    let u = exp(-2.0 * abs(x));
    return keep_nan(x, -2.0 * sign(x) * shelf(u) * (1.0 - u * u) / (1.0 + u * (2.0 * COSH_8 + u)));
  }
  if kind == 5u {
    let near = clamp(x, Pack(-4.0), Pack(4.0));
    let z = 10.0 - sixth_power(x);
    return keep_nan(x, -6.0 * near * near * near * near * near * logistic(z) * logistic(-z));
  }
  if kind == 6u {
    let near = clamp(x, Pack(-200.0), Pack(200.0));
    return keep_nan(x, logistic(x) * (1.0 + near * logistic(-x)));
  }
  if kind == 7u { return keep_nan(x, select(exp(x), Pack(0.0), x > Pack(LN_100))); }
  if kind > 7u { return keep_one(x, select(Pack(1.0), Pack(bitcast<f32>(kind)), x <= Pack(0.0))); }
  return Pack(1.0);
}

const SINH_8: f32 = 1490.478826;
const COSH_8: f32 = 1490.479161;
const LN_100: f32 = 4.605170249938965;

// x where it is NaN, else y.
fn keep_nan(x: Pack, y: Pack) -> Pack { return select(y, x, (bitcast<Bits>(x) & Bits(MAGNITUDE)) > Bits(INFINITE)); }

// 1 where x is NaN, else y: rectifiers let the gradient of NaN through.
fn keep_one(x: Pack, y: Pack) -> Pack { return select(y, Pack(1.0), (bitcast<Bits>(x) & Bits(MAGNITUDE)) > Bits(INFINITE)); }

// x⁶, held at 4⁶ beyond |x| = 4, where 10 - x⁶ is far down in the sigmoid's tail.
fn sixth_power(x: Pack) -> Pack {
  let square = min(x * x, Pack(16.0));
  return square * square * square;
}

// 1 / (1 + exp(-x)), both tails with full relative accuracy.
fn logistic(x: Pack) -> Pack {
  let e = exp(-abs(x));
  return select(Pack(1.0), e, x < Pack(0.0)) / (1.0 + e);
}

// tanhshelf without cancellation: ½(tanh(x + 4) + tanh(4 - x)) = sinh 8 / (cosh 2x + cosh 8), with u = exp(-2|x|).
fn shelf(u: Pack) -> Pack { return 2.0 * SINH_8 * u / (1.0 + u * (2.0 * COSH_8 + u)); }

// Φ(x) = ½ erfc(-x/√2). erfc(z)·exp(z²) is a polynomial in t = 1 / (1 + z/2), our own Chebyshev fit: relative error below 6e-8
// for z in 0…10.
fn normal_cdf(x: Pack) -> Pack {
  let a = min(abs(x), Pack(20.0));
  let t = 1.0 / (1.0 + 0.3535533906 * a);
  var q = -0.02985745947 * t + 0.1438841547;
  q = q * t - 0.2469319318;
  q = q * t + 0.1428488551;
  q = q * t - 0.01592087868;
  q = q * t + 0.1024268276;
  q = q * t + 0.1212864465;
  q = q * t + 0.1412225210;
  q = q * t + 0.1410413368;
  let tail = q * t * exp(-0.5 * a * a);
  return keep_nan(x, select(1.0 - tail, tail, x < Pack(0.0)));
}
