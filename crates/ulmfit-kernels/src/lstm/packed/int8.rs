//! Rows in eight bits times a panel in eight bits, with the dot products that processors have for
//! them. Sums are whole numbers, so they are the same whichever instructions make them.

use super::panels::{COLUMNS, GROUP, HALF};
use super::tile::Tile;
use crate::cpu::simd::SimdLevel;
use crate::int8::{LARGEST, NEGLIGIBLE, largest_magnitude};
use crate::lstm::row_tiles::with_rows;

/// A tile of unsigned values, signed weights and their sums; `inner` counts groups.
pub(crate) type Int8Tile = Tile<u8, i8, i32>;

/// Instructions for sums of products of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// None: one product at a time, or what the compiler makes of it.
    Scalar,
    /// 256-bit vectors, widened to 16 bits.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 256-bit dot products.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// 512-bit dot products.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Kernel {
    /// The best that the machine has at a level.
    pub(crate) fn best(level: SimdLevel) -> Self {
        let kernels = Self::available().into_iter().rev();
        let mut kernels = kernels.filter(|kernel| kernel.level() as u8 <= level as u8);
        kernels.next().unwrap_or(Self::Scalar)
    }

    /// What the machine has, the fastest last.
    pub(crate) fn available() -> Vec<Self> {
        let mut kernels = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                kernels.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
                kernels.push(Self::AvxVnni);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                kernels.push(Self::Avx512Vnni);
            }
        }
        kernels
    }

    /// The level that these instructions belong to.
    fn level(self) -> SimdLevel {
        match self {
            Self::Scalar => SimdLevel::Scalar,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::AvxVnni => SimdLevel::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => SimdLevel::Avx512,
        }
    }

    /// The most rows of a tile.
    pub(crate) fn most_rows(self) -> usize {
        match self {
            Self::Scalar => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 1,
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => 3,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => 14,
        }
    }

    /// Multiplies up to [`most_rows`](Self::most_rows) rows with a panel and adds each column's
    /// offset.
    ///
    /// # Safety
    ///
    /// The kernel must be one of [`available`](Self::available), the tile's pointers valid for what
    /// its fields say, and `offsets` for `COLUMNS` reads; nobody may access the sums meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn multiply(self, tile: Int8Tile, offsets: *const i32) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Scalar => scalar(tile, offsets),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => x86::avx2(tile, offsets),
                #[cfg(target_arch = "x86_64")]
                Self::AvxVnni => x86::avx_vnni(tile, offsets),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512Vnni => x86::avx512_vnni(tile, offsets),
            }
        }
    }
}

/// Rounds a row to eight bits and returns its scale: each element is about its byte minus 128, times
/// the scale. The scale of a row that is not finite is not a number.
#[inline(always)]
pub(crate) fn round(row: &[f32], bytes: &mut [u8]) -> f32 {
    // Adding this rounds to a whole number, which then stands in the sum's lowest bits.
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
    const ZERO: u32 = 128;
    let largest = largest_magnitude(row);
    let (scale, inverse) = if !largest.is_finite() {
        (f32::NAN, 0.0)
    } else if largest < NEGLIGIBLE {
        (0.0, 0.0)
    } else {
        (largest / LARGEST, LARGEST / largest)
    };
    for (byte, element) in bytes.iter_mut().zip(row) {
        *byte = (element * inverse + ROUND).to_bits().wrapping_add(ZERO) as u8;
    }
    scale
}

unsafe fn scalar(tile: Int8Tile, offsets: *const i32) {
    for row in 0..tile.rows {
        for half in 0..2 {
            let mut sums = [0_i32; HALF];
            // SAFETY: the caller's promise.
            unsafe {
                sums.as_mut_ptr()
                    .copy_from_nonoverlapping(offsets.add(half * HALF), HALF);
                for group in 0..tile.inner {
                    let values = tile.values.add(row * tile.stride + group * GROUP);
                    let weights = tile.panel.add((half * tile.inner + group) * HALF * GROUP);
                    for (column, sum) in sums.iter_mut().enumerate() {
                        for index in 0..GROUP {
                            let weight = *weights.add(column * GROUP + index);
                            let product = i32::from(*values.add(index)) * i32::from(weight);
                            *sum = sum.wrapping_add(product);
                        }
                    }
                }
                let place = tile.sums.add(row * COLUMNS + half * HALF);
                place.copy_from_nonoverlapping(sums.as_ptr(), HALF);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(
    clippy::cast_ptr_alignment,
    reason = "the loads and stores are those that need no alignment"
)]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm_loadu_si128, _mm_set1_epi32, _mm256_add_epi32,
        _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_dpbusd_avx_epi32, _mm256_hadd_epi32,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi32,
        _mm256_setzero_si256, _mm256_storeu_si256, _mm512_add_epi32, _mm512_dpbusd_epi32,
        _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
    };

    use super::{COLUMNS, GROUP, HALF, Int8Tile, with_rows};
    use crate::cpu::simd::prefetch;

    /// Groups ahead of their use for which weights are asked, as in the float product.
    const AHEAD: usize = 16;
    /// Bytes of a group's weights in half a panel.
    const GROUP_LEN: usize = HALF * GROUP;

    /// The four values of a group, as one number.
    #[inline(always)]
    unsafe fn values(tile: &Int8Tile, row: usize, group: usize) -> i32 {
        // SAFETY: the caller's promise.
        unsafe {
            let place = tile.values.add(row * tile.stride + group * GROUP);
            place.cast::<i32>().read_unaligned()
        }
    }

    /// # Safety
    ///
    /// As for `Kernel::multiply`.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) unsafe fn avx512_vnni(tile: Int8Tile, offsets: *const i32) {
        // SAFETY: the caller's promise.
        unsafe {
            match tile.rows {
                rows @ 1..=6 => {
                    with_rows!(rows, [1 2 3 4 5 6], ROWS => whole_512::<ROWS>(tile, offsets));
                }
                rows => {
                    with_rows!(rows, [7 8 9 10 11 12 13 14], ROWS => halves_512::<ROWS>(tile, offsets));
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn whole_512<const ROWS: usize>(tile: Int8Tile, offsets: *const i32) {
        // SAFETY: the caller's promise.
        unsafe { product_512::<2, ROWS>(tile, offsets, 0) }
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn halves_512<const ROWS: usize>(tile: Int8Tile, offsets: *const i32) {
        // SAFETY: the caller's promise.
        unsafe {
            product_512::<1, ROWS>(tile, offsets, 0);
            product_512::<1, ROWS>(tile, offsets, 1);
        }
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    #[inline]
    unsafe fn product_512<const HALVES: usize, const ROWS: usize>(
        tile: Int8Tile,
        offsets: *const i32,
        first: usize,
    ) {
        const VECTORS: usize = 2;
        const LANES: usize = 16;
        let half_len = tile.inner * GROUP_LEN;
        let mut sums = [[[_mm512_setzero_si512(); VECTORS]; HALVES]; ROWS];
        // SAFETY: half a row of the panel is two vectors of bytes and of sums; the rest is the
        // caller's promise.
        unsafe {
            let panel = tile.panel.add(first * half_len);
            for group in 0..tile.inner {
                let mut weights = [[_mm512_setzero_si512(); VECTORS]; HALVES];
                for (half, weights) in weights.iter_mut().enumerate() {
                    for (vector, weights) in weights.iter_mut().enumerate() {
                        let place = panel.add(half * half_len + group * GROUP_LEN + vector * 64);
                        prefetch(place.wrapping_add(AHEAD * GROUP_LEN).cast());
                        *weights = _mm512_loadu_si512(place.cast::<__m512i>());
                    }
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = _mm512_set1_epi32(values(&tile, row, group));
                    for (sums, weights) in sums.iter_mut().zip(&weights) {
                        for (sum, weights) in sums.iter_mut().zip(weights) {
                            *sum = _mm512_dpbusd_epi32(*sum, value, *weights);
                        }
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                for (half, sums) in sums.iter().enumerate() {
                    for (vector, sum) in sums.iter().enumerate() {
                        let column = (first + half) * HALF + vector * LANES;
                        let offset = _mm512_loadu_si512(offsets.add(column).cast::<__m512i>());
                        let sum = _mm512_add_epi32(*sum, offset);
                        let place = tile.sums.add(row * COLUMNS + column);
                        _mm512_storeu_si512(place.cast::<__m512i>(), sum);
                    }
                }
            }
        }
    }

    /// # Safety
    ///
    /// As for `Kernel::multiply`.
    #[target_feature(enable = "avx2,avxvnni")]
    pub(super) unsafe fn avx_vnni(tile: Int8Tile, offsets: *const i32) {
        // SAFETY: the caller's promise.
        unsafe { with_rows!(tile.rows, [1 2 3], ROWS => halves_vnni::<ROWS>(tile, offsets)) }
    }

    #[target_feature(enable = "avx2,avxvnni")]
    unsafe fn halves_vnni<const ROWS: usize>(tile: Int8Tile, offsets: *const i32) {
        const VECTORS: usize = 4;
        const LANES: usize = 8;
        for half in 0..2 {
            let mut sums = [[_mm256_setzero_si256(); VECTORS]; ROWS];
            // SAFETY: half a row of the panel is four vectors of bytes and of sums; the rest is the
            // caller's promise.
            unsafe {
                let panel = tile.panel.add(half * tile.inner * GROUP_LEN);
                for group in 0..tile.inner {
                    let panel = panel.add(group * GROUP_LEN);
                    prefetch(panel.wrapping_add(AHEAD * GROUP_LEN).cast());
                    prefetch(panel.wrapping_add(AHEAD * GROUP_LEN + 64).cast());
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let value = _mm256_set1_epi32(values(&tile, row, group));
                        for (vector, sum) in sums.iter_mut().enumerate() {
                            let place = panel.add(vector * LANES * GROUP);
                            let weights = _mm256_loadu_si256(place.cast::<__m256i>());
                            *sum = _mm256_dpbusd_avx_epi32(*sum, value, weights);
                        }
                    }
                }
                for (row, sums) in sums.iter().enumerate() {
                    for (vector, sum) in sums.iter().enumerate() {
                        let column = half * HALF + vector * LANES;
                        let offset = _mm256_loadu_si256(offsets.add(column).cast::<__m256i>());
                        let place = tile.sums.add(row * COLUMNS + column);
                        let sum = _mm256_add_epi32(*sum, offset);
                        _mm256_storeu_si256(place.cast::<__m256i>(), sum);
                    }
                }
            }
        }
    }

    /// One row. Bytes are widened to 16 bits, whose products are added in pairs without overflow; a
    /// column's sum is in two parts until the end.
    ///
    /// # Safety
    ///
    /// As for `Kernel::multiply`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2(tile: Int8Tile, offsets: *const i32) {
        /// Vectors of four columns in half the columns.
        const VECTORS: usize = HALF / 4;
        for half in 0..2 {
            let mut sums = [_mm256_setzero_si256(); VECTORS];
            // SAFETY: half a row of the panel is eight times 16 bytes; the rest is the caller's
            // promise.
            unsafe {
                let panel = tile.panel.add(half * tile.inner * GROUP_LEN);
                for group in 0..tile.inner {
                    let panel = panel.add(group * GROUP_LEN);
                    let value = _mm256_cvtepu8_epi16(_mm_set1_epi32(values(&tile, 0, group)));
                    for (vector, sum) in sums.iter_mut().enumerate() {
                        let bytes = _mm_loadu_si128(panel.add(vector * 16).cast::<__m128i>());
                        let weights = _mm256_cvtepi8_epi16(bytes);
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(value, weights));
                    }
                }
                for pair in 0..VECTORS / 2 {
                    let parts = _mm256_hadd_epi32(sums[2 * pair], sums[2 * pair + 1]);
                    // Columns 0 1 4 5 2 3 6 7 of the pair, put in order.
                    let sum = _mm256_permute4x64_epi64::<0b11_01_10_00>(parts);
                    let column = half * HALF + pair * 8;
                    let offset = _mm256_loadu_si256(offsets.add(column).cast::<__m256i>());
                    let place = tile.sums.add(column).cast::<__m256i>();
                    _mm256_storeu_si256(place, _mm256_add_epi32(sum, offset));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::{COLUMNS, GROUP, pack_int8};
    use super::{Int8Tile, Kernel, round};

    #[test]
    fn every_kernel_makes_the_same_sums() {
        // Sums of the largest magnitudes would overflow 16 bits at once.
        for inner in [1, 4, 7, 130] {
            let weights = (0..COLUMNS * inner)
                .map(|index| if index % 3 == 0 { -1.0 } else { 1.0 })
                .collect::<Vec<_>>();
            let panels = pack_int8(&weights, COLUMNS / 4, inner);
            let groups = inner.div_ceil(GROUP);
            let stride = groups * GROUP;
            let largest = 14;
            let bytes = (0..largest * stride)
                .map(|index| [255, 1, 128, 254, 77][index % 5])
                .collect::<Vec<u8>>();
            let multiplied = |kernel: Kernel| {
                let mut sums = vec![0; largest * COLUMNS];
                for first in (0..largest).step_by(kernel.most_rows()) {
                    let tile = Int8Tile {
                        rows: kernel.most_rows().min(largest - first),
                        values: bytes[first * stride..].as_ptr(),
                        stride,
                        inner: groups,
                        panel: panels.values.buffer[panels.values.start..].as_ptr(),
                        sums: sums[first * COLUMNS..].as_mut_ptr(),
                    };
                    // SAFETY: the buffers are as long as the tile says, and the kernel is there.
                    unsafe { kernel.multiply(tile, panels.offsets.as_ptr()) };
                }
                sums
            };
            let expected = multiplied(Kernel::Scalar);
            for kernel in Kernel::available() {
                assert_eq!(multiplied(kernel), expected, "{kernel:?}, {inner} inputs");
            }
            // Column 1 is the second row of the weights, all of them known.
            let first = (0..inner).map(|index| {
                let sign = if (inner + index) % 3 == 0 { -127 } else { 127 };
                sign * (i32::from(bytes[index]) - 128)
            });
            assert_eq!(expected[1], first.sum::<i32>());
        }
    }

    #[test]
    fn rows_are_rounded_to_their_largest_magnitude() {
        let mut bytes = [0; 4];
        let scale = round(&[-2.0, 1.0, 0.0, 2.0], &mut bytes);
        assert_eq!(bytes, [1, 192, 128, 255]);
        assert!((scale - 2.0 / 127.0).abs() < 1e-9);
        assert_eq!(round(&[0.0; 4], &mut bytes).to_bits(), 0);
        assert_eq!(bytes, [128; 4]);
        assert!(round(&[f32::INFINITY, 0.0], &mut bytes).is_nan());
    }
}
