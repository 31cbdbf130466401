//! Decompression of curve points.
//!
//! Documents carry compressed points and the P-256 engine takes only whole ones. Nothing here
//! touches a secret, so time may depend on the values; and an engine checks once more that the point
//! lies on its curve, so that a mistake here could refuse a key but not forge one.

use super::Curve;

/// A number of 256 bits, least significant limb first.
type Number = [u64; 4];

/// y² = x³ + ax + b over the field of integers modulo p. Both p leave 3 when divided by 4.
///
/// A proof brings its key along, so that points are checked for every request: what follows from the
/// curve alone is written down here, and a test computes it.
struct Field {
    p: Number,
    /// -1/p modulo 2⁶⁴.
    inverse: u64,
    /// 2⁵¹² modulo p.
    square: Number,
    /// In Montgomery form, as is `b`.
    a: Number,
    b: Number,
}

const K256: Field = Field {
    p: [0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX],
    inverse: 0xd838_091d_d225_3531,
    square: [0x0000_07a2_000e_90a1, 1, 0, 0],
    a: [0; 4],
    b: [0x0000_0007_0000_1ab7, 0, 0, 0],
};

const P256: Field = Field {
    p: [u64::MAX, 0x0000_0000_ffff_ffff, 0, 0xffff_ffff_0000_0001],
    inverse: 1,
    square: [
        3,
        0xffff_fffb_ffff_ffff,
        0xffff_ffff_ffff_fffe,
        0x0000_0004_ffff_fffd,
    ],
    a: [
        0xffff_ffff_ffff_fffc,
        0x0000_0003_ffff_ffff,
        0,
        0xffff_fffc_0000_0004,
    ],
    b: [
        0xd89c_df62_29c4_bddf,
        0xacf0_05cd_7884_3090,
        0xe5a2_20ab_f721_2ed6,
        0xdc30_061d_0487_4834,
    ],
};

/// The whole point of a compressed one, if it is on the curve.
pub(super) fn decompress(curve: Curve, bytes: &[u8]) -> Option<[u8; 65]> {
    // Apart, so that the compiler knows the numbers of each field where it multiplies.
    match curve {
        Curve::K256 => decompress_on(&K256, bytes),
        Curve::P256 => decompress_on(&P256, bytes),
    }
}

#[inline(always)]
fn decompress_on(field: &Field, bytes: &[u8]) -> Option<[u8; 65]> {
    let (&sign, x_bytes) = bytes.split_first()?;
    if sign != 2 && sign != 3 {
        return None;
    }
    let x = read(x_bytes).filter(|x| is_below(x, &field.p))?;
    let square = field.right_side(&x);
    let root = field.square_root(&square);
    if field.multiply(&root, &root) != square {
        return None;
    }
    let y = field.leave(&root);
    // p is odd: of y and p - y exactly one is odd.
    let y = if (y[0] & 1) as u8 == sign & 1 {
        y
    } else {
        subtract(&field.p, &y).0
    };
    is_below(&y, &field.p).then(|| write(&x, &y))
}

/// The same point if it is whole and on the curve.
pub(super) fn check(curve: Curve, bytes: &[u8]) -> Option<[u8; 65]> {
    let field = field(curve);
    let (&[4], coordinates) = bytes.split_first_chunk::<1>()? else {
        return None;
    };
    let (x, y) = coordinates.split_at_checked(32)?;
    let x = read(x).filter(|x| is_below(x, &field.p))?;
    let y = read(y).filter(|y| is_below(y, &field.p))?;
    let inner = field.enter(&y);
    (field.multiply(&inner, &inner) == field.right_side(&x)).then(|| write(&x, &y))
}

fn field(curve: Curve) -> &'static Field {
    match curve {
        Curve::K256 => &K256,
        Curve::P256 => &P256,
    }
}

impl Field {
    /// x³ + ax + b, in Montgomery form, of an x that is not.
    fn right_side(&self, x: &Number) -> Number {
        let x = self.enter(x);
        let cube = self.multiply(&self.multiply(&x, &x), &x);
        let line = self.multiply(&self.a, &x);
        self.add(&self.add(&cube, &line), &self.b)
    }

    /// v^((p+1)/4): a square root of v if it has one, for p ≡ 3 (mod 4).
    #[inline(always)]
    fn square_root(&self, value: &Number) -> Number {
        let exponent = shift_right_2(&add_one(&self.p));
        // Of either curve, its highest bit is the 254th.
        let mut result = *value;
        for bit in (0..253).rev() {
            result = self.multiply(&result, &result);
            if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
                result = self.multiply(&result, value);
            }
        }
        result
    }

    /// To Montgomery form: v·2²⁵⁶.
    fn enter(&self, value: &Number) -> Number {
        self.multiply(value, &self.square)
    }

    /// From Montgomery form.
    fn leave(&self, value: &Number) -> Number {
        self.multiply(value, &[1, 0, 0, 0])
    }

    fn add(&self, left: &Number, right: &Number) -> Number {
        let mut sum = *left;
        let mut carry = false;
        for (limb, right) in sum.iter_mut().zip(right) {
            let (s, first) = limb.overflowing_add(*right);
            let (s, second) = s.overflowing_add(u64::from(carry));
            (*limb, carry) = (s, first | second);
        }
        if carry || !is_below(&sum, &self.p) {
            subtract(&sum, &self.p).0
        } else {
            sum
        }
    }

    /// Montgomery product: left·right·2⁻²⁵⁶ mod p, one limb of `right` at a time.
    #[inline(always)]
    fn multiply(&self, left: &Number, right: &Number) -> Number {
        let mut t = [0_u64; 6];
        for &limb in right {
            let mut carry = 0;
            for (slot, left) in t.iter_mut().zip(left) {
                (*slot, carry) = multiply_add(*left, limb, *slot, carry);
            }
            let (low, over) = t[4].overflowing_add(carry);
            (t[4], t[5]) = (low, u64::from(over));

            let factor = t[0].wrapping_mul(self.inverse);
            let (_, mut carry) = multiply_add(factor, self.p[0], t[0], 0);
            for (j, p) in self.p.iter().enumerate().skip(1) {
                (t[j - 1], carry) = multiply_add(factor, *p, t[j], carry);
            }
            let (low, over) = t[4].overflowing_add(carry);
            (t[3], t[4]) = (low, t[5] + u64::from(over));
        }
        let result = [t[0], t[1], t[2], t[3]];
        let (less, borrow) = subtract(&result, &self.p);
        if t[4] == 0 && borrow { result } else { less }
    }
}

/// a·b + c + d as (low, high); it cannot overflow 128 bits.
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let wide = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d);
    (wide as u64, (wide >> 64) as u64)
}

fn subtract(left: &Number, right: &Number) -> (Number, bool) {
    let mut difference = *left;
    let mut borrow = false;
    for (limb, right) in difference.iter_mut().zip(right) {
        let (d, first) = limb.overflowing_sub(*right);
        let (d, second) = d.overflowing_sub(u64::from(borrow));
        (*limb, borrow) = (d, first | second);
    }
    (difference, borrow)
}

fn is_below(value: &Number, limit: &Number) -> bool {
    subtract(value, limit).1
}

/// p + 1; neither p ends in 2²⁵⁶ - 1.
fn add_one(value: &Number) -> Number {
    let mut sum = *value;
    for limb in &mut sum {
        let (next, over) = limb.overflowing_add(1);
        *limb = next;
        if !over {
            break;
        }
    }
    sum
}

fn shift_right_2(value: &Number) -> Number {
    std::array::from_fn(|i| value[i] >> 2 | value.get(i + 1).map_or(0, |next| next << 62))
}

fn read(bytes: &[u8]) -> Option<Number> {
    let bytes: &[u8; 32] = bytes.try_into().ok()?;
    let mut number = [0; 4];
    for (limb, chunk) in number.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = chunk
            .iter()
            .fold(0, |limb, &byte| limb << 8 | u64::from(byte));
    }
    Some(number)
}

fn write(x: &Number, y: &Number) -> [u8; 65] {
    let mut bytes = [4; 65];
    let limbs = x.iter().rev().chain(y.iter().rev());
    for (chunk, limb) in bytes[1..].chunks_exact_mut(8).zip(limbs) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::signature::KeyPair as _;

    use super::*;

    /// v·2²⁵⁶ by doubling 256 times.
    fn enter(field: &Field, value: &Number) -> Number {
        (0..256).fold(*value, |value, _| field.add(&value, &value))
    }

    #[test]
    fn the_constants_follow_from_the_curves() {
        let p256_a = subtract(&P256.p, &[3, 0, 0, 0]).0;
        let p256_b = [
            0x3bce_3c3e_27d2_604b,
            0x651d_06b0_cc53_b0f6,
            0xb3eb_bd55_7698_86bc,
            0x5ac6_35d8_aa3a_93e7,
        ];
        let curves = [(K256, [0; 4], [7, 0, 0, 0]), (P256, p256_a, p256_b)];
        for (field, a, b) in curves {
            assert_eq!(field.p[0].wrapping_mul(field.inverse), u64::MAX);
            assert_eq!(field.square, enter(&field, &enter(&field, &[1, 0, 0, 0])));
            assert_eq!(field.a, enter(&field, &a));
            assert_eq!(field.b, enter(&field, &b));
        }
    }

    fn compress(point: &[u8]) -> Vec<u8> {
        let mut bytes = vec![2 + (point[64] & 1)];
        bytes.extend(&point[1..33]);
        bytes
    }

    /// Points made by the engine that verifies with them.
    #[test]
    fn agrees_with_ring() {
        use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as ALGORITHM, EcdsaKeyPair};
        let rng = ring::rand::SystemRandom::new();
        for _ in 0..64 {
            let text = EcdsaKeyPair::generate_pkcs8(&ALGORITHM, &rng).expect("ring makes a key");
            let pair = EcdsaKeyPair::from_pkcs8(&ALGORITHM, text.as_ref(), &rng)
                .expect("ring reads its own key");
            let whole: [u8; 65] = pair
                .public_key()
                .as_ref()
                .try_into()
                .expect("an uncompressed point");
            assert_eq!(decompress(Curve::P256, &compress(&whole)), Some(whole));
            assert_eq!(check(Curve::P256, &whole), Some(whole));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_libsecp256k1(secret in any::<[u8; 32]>()) {
            let Ok(secret) = secp256k1::SecretKey::from_secret_bytes(secret) else { return Ok(()) };
            let public = secret.public_key();
            let whole = public.serialize_uncompressed();
            prop_assert_eq!(decompress(Curve::K256, &public.serialize()), Some(whole));
            prop_assert_eq!(check(Curve::K256, &whole), Some(whole));
        }

        /// About half of all x have a point; both sides must agree on which.
        #[test]
        fn refuses_what_libsecp256k1_refuses(x in any::<[u8; 32]>(), sign in 0_u8..8) {
            let mut bytes = [sign; 33];
            bytes[1..].copy_from_slice(&x);
            let theirs = secp256k1::PublicKey::from_slice(&bytes).ok();
            prop_assert_eq!(
                decompress(Curve::K256, &bytes),
                theirs.map(|key| key.serialize_uncompressed())
            );
        }

        #[test]
        fn a_changed_point_is_refused(secret in 1_u8.., place in 1_usize..65, flip in 1_u8..) {
            let secret = secp256k1::SecretKey::from_secret_bytes([secret; 32]);
            let Ok(secret) = secret else { return Ok(()) };
            let mut whole = secret.public_key().serialize_uncompressed();
            whole[place] ^= flip;
            prop_assert_eq!(check(Curve::K256, &whole), None);
        }
    }

    #[test]
    fn refuses_coordinates_outside_the_field() {
        for curve in [Curve::K256, Curve::P256] {
            let mut bytes = [0xff; 33];
            bytes[0] = 2;
            assert_eq!(decompress(curve, &bytes), None);
            assert_eq!(check(curve, &[0xff; 65]), None);
            assert_eq!(check(curve, &[4; 65]), None);
            assert_eq!(check(curve, &[4]), None);
            assert_eq!(decompress(curve, &[]), None);
        }
    }
}
