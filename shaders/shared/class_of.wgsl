// The number of the class that a value names, or `classes` where it names none (a fraction, NaN, out of range).
fn class_of(value: f32, classes: u32) -> u32 {
  let number = u32(clamp(value, 0.0, 65535.0));
  return select(classes, number, number < classes && f32(number) == value);
}
// NaN, which no compiler knows beforehand: `zero` is a word that is 0 at run time.
fn not_a_number(zero: u32) -> f32 { return bitcast<f32>(0x7fc00000u | zero); }
