// NaN is known by its bits alone: the compilers behind DX12 and Metal may assume that floats are numbers ("fast math"). They then drop
// `!(x == x)`, and turn comparisons and min and max around as if NaN answered them like a number. What is asked of an integer stays.
const MAGNITUDE: u32 = 0x7fffffffu;
const INFINITE: u32 = 0x7f800000u;
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & MAGNITUDE) > INFINITE; }
fn are_nan(x: vec4f) -> vec4<bool> { return (bitcast<vec4u>(x) & vec4u(MAGNITUDE)) > vec4u(INFINITE); }
