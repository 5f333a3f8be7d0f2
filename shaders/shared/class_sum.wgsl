// The largest logit of a pixel's classes, and Σ exp(logit − largest): softmax is exp(logit − x) / y.
// The kernel that includes this has params.classes, params.pixels and the buffer `logits`; `first` is where the pixel's class 0 lies.
fn class_sum(first: u32) -> vec2f {
  var largest = logits[first];
  for (var c = 1u; c < params.classes; c++) { largest = max(largest, logits[first + c * params.pixels]); }
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) { sum += exp(logits[first + c * params.pixels] - largest); }
  return vec2f(largest, sum);
}
