//! Products of whole matrices, by the `gemm` crate, on the threads of rayon's current pool.

/// A matrix in a slice: element `(i, j)` is at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix stored row by row.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a [{rows}, {columns}] matrix");
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The same elements with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// `a b`, stored row by row. Nothing is written to its memory before the product itself, since
/// zeros would have to pass through one thread first.
pub(crate) fn product(a: Matrix<'_>, b: Matrix<'_>) -> Vec<f32> {
    assert_eq!(a.columns, b.rows, "the inner sizes of a product");
    let len = a.rows * b.columns;
    if a.columns == 0 {
        return vec![0.0; len];
    }
    let mut output = Vec::with_capacity(len);
    if len > 0 {
        // SAFETY: the capacity holds `a.rows * b.columns` floats, and all of them are written,
        // since nothing is added to what was there.
        unsafe {
            multiply(output.as_mut_ptr(), a, b, false);
            output.set_len(len);
        }
    }
    output
}

/// `output = a b`, or `output += a b` if `accumulate`; `output` is stored row by row.
pub(crate) fn matmul(output: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, accumulate: bool) {
    assert_eq!(a.columns, b.rows, "the inner sizes of a product");
    assert_eq!(output.len(), a.rows * b.columns, "the size of a product");
    if a.columns == 0 && !accumulate {
        output.fill(0.0);
    }
    if output.is_empty() || a.columns == 0 {
        return;
    }
    // SAFETY: the output is a borrowed slice of the product's size.
    unsafe { multiply(output.as_mut_ptr(), a, b, accumulate) };
}

/// `output = a b`, or `output += a b` if `accumulate`, neither matrix being empty.
///
/// # Safety
///
/// `output` must be valid for writes of `a.rows * b.columns` floats, and for reads if `accumulate`;
/// nothing else may access it meanwhile.
unsafe fn multiply(output: *mut f32, a: Matrix<'_>, b: Matrix<'_>, accumulate: bool) {
    let threads = rayon::current_num_threads();
    let parallelism = if threads > 1 {
        gemm::Parallelism::Rayon(threads)
    } else {
        gemm::Parallelism::None
    };
    // SAFETY: the factors lie within their slices, whose lengths were checked against sizes and
    // strides; the output is the caller's promise, and it overlaps neither factor, which are
    // borrowed.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            output,
            1,
            b.columns as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            parallelism,
        );
    }
}
