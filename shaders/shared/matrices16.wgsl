// Matrices that a whole subgroup holds and multiplies, 16 × 16; swapped for matrices8 where the kernel's SIZE is 8.
alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;
