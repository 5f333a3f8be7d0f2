//! Numbers in the text of tags, as the programs that write them spell them.

/// A number as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Digits, or a word for infinity or NaN; `whole` where it is an integer without an exponent.
    Decimal { value: f64, whole: Option<i128>, exponent: bool },
    /// A spelling that GDAL takes for 0 or 1 in some of its versions: hexadecimal but for 0, `infinity`, `-nan`, `nan(…)`, `1.#IND`.
    Disputed,
}

/// The number that a text begins with, and what follows it.
pub(super) fn number(text: &str) -> Option<(Number, &str)> {
    let text = text.trim();
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let decimal = |value: f64, whole, exponent| Number::Decimal { value: if negative { -value } else { value }, whole, exponent };
    let starts = |word: &str| body.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    // C libraries on Windows print `1.#INF`, `1.#QNAN00`, `-nan(ind)`.
    let words = [("1.#inf", f64::INFINITY), ("infinity", f64::INFINITY), ("inf", f64::INFINITY)];
    let nans = ["1.#qnan", "1.#snan", "1.#ind", "nan"].map(|word| (word, f64::NAN));
    if let Some((word, value)) = words.into_iter().chain(nans).find(|(word, _)| starts(word)) {
        let mut rest = &body[word.len()..];
        if word.contains('#') {
            rest = rest.trim_start_matches('0');
        }
        let payload = word == "nan" && rest.starts_with('(');
        if payload {
            rest = rest.split_once(')')?.1;
        }
        let signed = text.len() > body.len();
        let disputed = word == "infinity" || payload || (word == "nan" && signed) || (word == "1.#ind" && !negative);
        return Some((if disputed { Number::Disputed } else { decimal(value, None, false) }, rest));
    }
    if starts("0x") {
        let rest = body[2..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
        let digits = &body[2..body.len() - rest.len()];
        let number = if digits.bytes().all(|digit| digit == b'0') { decimal(0.0, Some(0), false) } else { Number::Disputed };
        return (!digits.is_empty()).then_some((number, rest));
    }
    let digits = |from: usize| body[from..].bytes().take_while(u8::is_ascii_digit).count();
    let before = digits(0);
    let mut end = before;
    let mut after = 0;
    match body[end..].chars().next() {
        Some('.') => {
            after = digits(end + 1);
            end += 1 + after;
        }
        // A comma is a point where digits follow it, else it parts two values.
        Some(',') if digits(end + 1) > 0 => {
            after = digits(end + 1);
            end += 1 + after;
        }
        _ => {}
    }
    if before + after == 0 {
        return None;
    }
    let whole = if end == before { body[..end].parse::<i128>().ok().map(|whole| if negative { -whole } else { whole }) } else { None };
    let mut exponent = false;
    if body[end..].starts_with(['e', 'E']) {
        let sign = usize::from(body[end + 1..].starts_with(['+', '-']));
        let count = digits(end + 1 + sign);
        if count > 0 {
            (exponent, end) = (true, end + 1 + sign + count);
        }
    }
    let value: f64 = body[..end].replace(',', ".").parse().ok()?;
    Some((decimal(value, whole.filter(|_| !exponent), exponent), &body[end..]))
}
