// Number of this workgroup in a launch that was folded because it has more than 65 535 groups.
fn flat_group(group: vec3u, groups: vec3u) -> u32 {
  return group.y * groups.x + group.x;
}
