// A difference that is to be rounded before it goes into a sum: the compilers behind DX12 and Metal may sum in another order ("fast math"),
// and (x - shift) - mean as x - (shift + mean) has lost what the shift was for. They cannot see through a change of the bits by `zero`, a
// word that is 0 at run time whatever the compiler knows: a count of less than 2^31 shifted by 31.
// The kernel that includes this has Pack, and Bits for the same number of words.
fn pinned(x: Pack, zero: u32) -> Pack { return bitcast<Pack>(bitcast<Bits>(x) ^ Bits(zero)); }
