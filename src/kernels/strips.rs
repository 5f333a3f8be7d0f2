//! How planes are cut into strips of rows for kernels whose invocations walk down columns; plain arithmetic.

/// Rows that an invocation walks down, and how many such strips cover a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strips {
    pub(crate) strip: usize,
    pub(crate) strips: usize,
}

impl Strips {
    /// Longer strips load fewer rows twice, shorter ones give more invocations: as long as the device stays busy with `columns` of `rows`.
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let strip = rows.div_ceil((1usize << 17).div_ceil(columns.max(1))).clamp(4, 16).min(rows.max(1));
        Strips::of(strip, rows)
    }

    /// `rows` in strips of `strip`.
    pub(crate) fn of(strip: usize, rows: usize) -> Self {
        Strips { strip, strips: rows.div_ceil(strip) }
    }
}

#[cfg(test)]
mod tests {
    use super::Strips;

    #[test]
    fn strips_cover_every_row_and_are_cut_where_columns_are_few() {
        for rows in [1, 3, 9, 64, 2863] {
            for columns in [1, 7, 300, 100_000] {
                let Strips { strip, strips } = Strips::new(rows, columns);
                assert!(strip * strips >= rows && strip * (strips - 1) < rows, "{rows} rows, {columns} columns: {strip} × {strips}");
            }
        }
        assert_eq!(Strips::new(64, 1 << 20), Strips { strip: 16, strips: 4 });
        assert_eq!(Strips::new(64, 64).strips, 16);
    }
}
