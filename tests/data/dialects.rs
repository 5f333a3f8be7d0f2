//! TIFF files as other programs write them: orders of bits, sizes left open, numbers and metadata spelled in other ways.
//!
//! The expected values are those that GDAL 3.10 reads.

use meltcore::data::geotiff::Layout;
use meltcore::data::ingest::{self, PackOptions};
use meltcore::data::raster::Raster;

/// A little-endian classic TIFF of one strip, put together entry by entry.
struct Tiff {
    entries: Vec<(u16, u16, Vec<u8>)>,
    strips: Vec<Vec<u8>>,
    /// Byte counts that are declared instead of the strips' own.
    lens: Option<Vec<u32>>,
}

impl Tiff {
    /// `bits` and `format` of a sample; `strips` of the same number of rows each.
    fn new(rows: u32, cols: u32, bits: u16, format: u16, strips: Vec<Vec<u8>>) -> Tiff {
        let rows_per_strip = rows.div_ceil(strips.len() as u32);
        let entries = Vec::new();
        let tiff = Tiff { entries, strips, lens: None };
        tiff.long(256, cols).long(257, rows).short(258, bits).short(259, 1).short(277, 1).long(278, rows_per_strip).short(339, format)
    }

    fn short(self, tag: u16, value: u16) -> Tiff {
        self.entry(tag, 3, value.to_le_bytes().to_vec())
    }

    fn long(self, tag: u16, value: u32) -> Tiff {
        self.entry(tag, 4, value.to_le_bytes().to_vec())
    }

    fn entry(mut self, tag: u16, kind: u16, value: Vec<u8>) -> Tiff {
        self.entries.retain(|entry| entry.0 != tag);
        self.entries.push((tag, kind, value));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = b"II*\0\0\0\0\0".to_vec();
        let mut offsets = Vec::new();
        for strip in &self.strips {
            offsets.push(out.len() as u32);
            out.extend_from_slice(strip);
            out.resize(out.len().next_multiple_of(2), 0);
        }
        self.with_directory(out, offsets)
    }

    /// The file of a single strip that all entries of the table name.
    fn shared(&self, count: usize) -> Vec<u8> {
        self.with_directory([b"II*\0\0\0\0\0", &self.strips[0][..]].concat(), vec![8; count])
    }

    /// The strips followed by the directory.
    fn with_directory(&self, mut out: Vec<u8>, offsets: Vec<u32>) -> Vec<u8> {
        let lens = self.lens.clone().unwrap_or_else(|| self.strips.iter().map(|strip| strip.len() as u32).collect());
        let longs = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let mut entries = self.entries.clone();
        entries.push((273, 4, longs(&offsets)));
        if !lens.is_empty() {
            entries.push((279, 4, longs(&lens)));
        }
        entries.sort_by_key(|entry| entry.0);
        let start = out.len() as u32;
        out[4..8].copy_from_slice(&start.to_le_bytes());
        let mut behind = Vec::new();
        let behind_at = start + 2 + 12 * entries.len() as u32 + 4;
        out.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, value) in entries {
            out.extend(tag.to_le_bytes());
            out.extend(kind.to_le_bytes());
            let size = [0, 1, 1, 2, 4][usize::from(kind)];
            out.extend((value.len() as u32 / size).to_le_bytes());
            if value.len() <= 4 {
                let mut inline = value;
                inline.resize(4, 0);
                out.extend(inline);
            } else {
                out.extend((behind_at + behind.len() as u32).to_le_bytes());
                behind.extend(value);
                behind.resize(behind.len().next_multiple_of(2), 0);
            }
        }
        out.extend([0; 4]);
        out.extend(behind);
        out
    }

    fn read(&self) -> Result<Vec<f32>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.bytes()).unwrap();
        Raster::open(file.path()).map(|raster| raster.read_all().unwrap()).map_err(|e| e.to_string())
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.reverse_bits()).collect()
}

#[test]
fn bits_in_the_other_order() {
    let pixels = [0.126f32, -7.5, 3e8, 0.0];
    // Plain, PackBits (a literal run) and LZW, whose stream is 256, 1, 2, 257 in codes of 9 bits.
    let packed: Vec<u8> = [15].into_iter().chain(floats(&pixels)).collect();
    for (compression, strip) in [(1, floats(&pixels)), (32773, packed)] {
        let tiff = Tiff::new(2, 2, 32, 3, vec![reversed(&strip)]).short(259, compression).short(266, 2);
        assert_eq!(tiff.read().unwrap(), pixels, "{compression}");
    }
    let lzw = vec![0b1000_0000, 0b0000_0000, 0b0100_0000, 0b0101_0000, 0b0001_0000];
    let tiff = |strip| Tiff::new(1, 2, 8, 1, vec![strip]).short(259, 5);
    assert_eq!(tiff(lzw.clone()).read().unwrap(), [1.0, 2.0]);
    assert_eq!(tiff(reversed(&lzw)).short(266, 2).read().unwrap(), [1.0, 2.0]);
    // Any other number means the usual order.
    assert_eq!(tiff(lzw).short(266, 3).read().unwrap(), [1.0, 2.0]);
}

#[test]
fn sizes_left_open() {
    let strip = |from: u8| (from..from + 4).collect::<Vec<u8>>();
    let tiff = |strips: Vec<Vec<u8>>, lens: Vec<u32>| Tiff { lens: Some(lens), ..Tiff::new(2 * strips.len() as u32, 2, 8, 1, strips) };
    // A single strip of unknown size, plain and packed; one that claims more than its pixels take.
    for lens in [vec![], vec![0], vec![1 << 20]] {
        assert_eq!(tiff(vec![strip(1)], lens.clone()).read().unwrap(), [1.0, 2.0, 3.0, 4.0], "{lens:?}");
    }
    for lens in [vec![], vec![0]] {
        assert_eq!(tiff(vec![vec![3, 1, 2, 3, 4]], lens).short(259, 32773).read().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }
    // One of several strips without bytes was never written: no-data, else 0.
    let some = tiff(vec![strip(1), strip(5)], vec![4, 0]);
    assert_eq!(some.read().unwrap(), [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
    let marked = tiff(vec![strip(1), strip(5)], vec![4, 0]).entry(42113, 2, b"200\0".to_vec()).read().unwrap();
    assert!(marked[..4] == [1.0, 2.0, 3.0, 4.0] && marked[4..].iter().all(|value| value.is_nan()));
    // A no-data value that no sample can have leaves the nearest.
    let beyond = tiff(vec![strip(1), strip(5)], vec![4, 0]).entry(42113, 2, b"300\0".to_vec()).read().unwrap();
    assert_eq!(beyond[4..], [255.0; 4]);
    assert!(tiff(vec![strip(1), strip(5)], vec![]).read().unwrap_err().contains("2 block offsets and 0 block sizes"));
    assert!(tiff(vec![strip(1), strip(5)], vec![4, 3]).read().unwrap_err().contains("block 1 has 3 bytes where 4"));
    assert_eq!(tiff(vec![strip(1)], vec![4, 9, 9]).read().unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn no_data_in_many_spellings() {
    let nan_at = |text: &str, pixels: &[f32]| -> Result<Vec<bool>, String> {
        let text = [text.as_bytes(), b"\0"].concat();
        // Mapped, and decoded because of the order of its bits.
        let plain = Tiff::new(1, pixels.len() as u32, 32, 3, vec![floats(pixels)]).entry(42113, 2, text.clone()).read();
        let turned = Tiff::new(1, pixels.len() as u32, 32, 3, vec![reversed(&floats(pixels))]).entry(42113, 2, text).short(266, 2).read();
        let is_nan = |pixels: Vec<f32>| pixels.iter().map(|value| value.is_nan()).collect::<Vec<bool>>();
        let (plain, turned) = (plain.map(is_nan), turned.map(is_nan));
        assert_eq!(plain.clone().ok(), turned.ok());
        plain
    };
    for (text, pixels, expected) in [
        ("-1.#INF", [f32::NEG_INFINITY, f32::INFINITY, f32::MIN], [true, false, false]),
        ("1.#QNAN", [f32::NAN, 0.0, 1.0], [true, false, false]),
        ("inf", [f32::NEG_INFINITY, f32::INFINITY, 0.0], [false, true, false]),
        ("-3.40282e+38", [f32::MIN, -1e30, 0.0], [true, false, false]),
        ("-9999,5", [-9999.5, -9999.0, 5.0], [true, false, false]),
        ("-9999 -9998", [-9999.0, -9998.0, 0.0], [true, false, false]),
        ("0x0", [0.0, -0.0, 1.0], [true, true, false]),
        ("1e+20", [1e20, 1.001e20, 0.0], [true, false, false]),
    ] {
        assert_eq!(nan_at(text, &pixels).unwrap(), expected, "{text}");
    }
    for text in ["none", "0x10", "-nan", "-9999 m"] {
        let message = nan_at(text, &[0.0]).unwrap_err();
        assert!(message.contains("no-data") && message.contains("gdal_edit.py"), "{message}");
    }
    let note = |text: &[u8]| {
        let bytes = Tiff::new(1, 1, 8, 1, vec![vec![0]]).entry(42113, 2, text.to_vec()).bytes();
        Layout::parse(&bytes, "a.tif".as_ref()).unwrap().notes.first().map_or(String::new(), |(_, text)| text.clone())
    };
    assert!(note(b"1 2\0").contains("several") && note(b"1\0").is_empty());
}

#[test]
fn metadata_that_is_no_clean_xml() {
    let layout = |xml: &[u8]| Layout::parse(&Tiff::new(1, 1, 8, 1, vec![vec![0]]).entry(42112, 2, xml.to_vec()).bytes(), "a.tif".as_ref());
    let latin = b"<GDALMetadata><Item name=\"u\">\xb0C</Item><Item name='SCALE' sample='0' role='scale'>0.5</Item></GDALMetadata>\0";
    assert_eq!(layout(latin).unwrap().unscale.scale, 0.5);
    assert!(layout(b"<GDALMetadata><Item role='scale'>\0").unwrap_err().to_string().contains("-scale A -offset B"));
    let layout = layout(b"<GDALMetadata><Item>\0").unwrap();
    assert!(layout.unscale.is_identity() && layout.notes[0].1.contains("no XML"), "{:?}", layout.notes);
}

#[test]
fn small_files_take_little_memory() {
    // 46 000 strips that share the same 46 000 bytes, as 2^31 pixels, plain and packed; the same bytes by every other codec.
    for compression in [1u16, 5, 8, 32773, 50000] {
        let count = 46_000;
        let tiff = Tiff::new(count, 46_000, 8, 1, vec![vec![0; 46_000]]).short(259, compression).long(278, 1);
        let bytes = Tiff { lens: Some(vec![46_000; count as usize]), ..tiff }.shared(count as usize);
        assert!(bytes.len() < 420_000);
        let message = Layout::parse(&bytes, "a.tif".as_ref()).unwrap_err().to_string();
        assert!(message.contains("stores only 46000 bytes"), "{compression}: {message}");
    }
    // A block that its bytes cannot fill is refused before there is room for it.
    let tiff = Tiff::new(11_000, 11_000, 8, 1, vec![vec![0x80; 16]]).short(259, 5);
    assert!(tiff.read().unwrap_err().contains("stores 16 bytes, too few for the 121000000"));
}

/// What other readers would take for another value, or make too much room for, no build hands on to them.
#[test]
fn pack_refuses_alike_in_every_build() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.tif");
    let pack = |bytes: Vec<u8>| {
        std::fs::write(&source, bytes).unwrap();
        let (like, out) = (super::tiff("float32.tif"), folder.path().join("out"));
        let options = PackOptions { like, out, ..PackOptions::default() };
        ingest::pack(std::slice::from_ref(&source), &options, &mut |_| ()).map(|packed| packed.written).map_err(|e| e.to_string())
    };
    let plain = |text: &str| Tiff::new(12, 20, 32, 3, vec![vec![0; 960]]).entry(42113, 2, [text.as_bytes(), b"\0"].concat()).bytes();
    for (text, words) in [("none", "no number"), ("-nan", "0 or 1")] {
        assert!(pack(plain(text)).unwrap_err().contains(words), "{text}");
    }
    let hollow = Tiff::new(46_000, 46_000, 8, 1, vec![vec![0; 460]]).short(259, 8).long(278, 1);
    let hollow = Tiff { lens: Some(vec![460; 46_000]), ..hollow }.shared(46_000);
    assert!(pack(hollow).unwrap_err().contains("bytes"));
    assert_eq!(pack(plain("-9999 -9998")), Ok(1));
}
