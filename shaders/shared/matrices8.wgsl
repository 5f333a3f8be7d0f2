// Matrices that a whole subgroup holds and multiplies, 8 × 8; the counterpart of matrices16 where SIZE is 8.
alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sums = coop_mat8x8<f32, C>;
