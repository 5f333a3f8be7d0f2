//! Pictures: PNG round trips, resampling, colours, text, and layouts that survive odd input.

use meltcore::image::font::{Anchor, fit_text, text_width};
use meltcore::image::raster::Zoom;
use meltcore::image::{Canvas, Colormap, Field, colorbar, panel, quicklook};

fn field<'a>(values: &'a [f32], rows: usize, cols: usize) -> Field<'a> {
    Field {
        title: "Target".into(),
        values,
        rows,
        cols,
        masked: None,
        range: (0.0, 1.0),
        colormap: Colormap::Viridis,
        unit: "1".into(),
        coast: None,
        classes: &[],
    }
}

#[test]
fn png_round_trip_keeps_every_pixel() {
    let mut canvas = Canvas::new(17, 41, [1, 2, 3]);
    canvas.fill(3, 5, 40, 7, [200, 100, 0]);
    canvas.line((0, 0), (16, 40), [9, 9, 9]);
    let bytes = canvas.to_png().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.height, info.width), (17, 41));
    assert_eq!(pixels, canvas.pixels().as_flattened());
}

#[test]
fn viridis_has_its_known_ends_and_middle() {
    assert_eq!(Colormap::Viridis.colour(0.0), [0x44, 0x01, 0x54]);
    assert_eq!(Colormap::Viridis.colour(1.0), [0xfd, 0xe7, 0x25]);
    // Entry 127 of the published table.
    let middle = Colormap::Viridis.colour(127.0 / 255.0);
    assert!(middle.iter().zip([33u8, 145, 140]).all(|(a, b)| a.abs_diff(b) <= 3), "{middle:?}");
    let brightness: Vec<f32> = (0..=100).map(|i| luma(Colormap::Viridis.colour(i as f32 / 100.0))).collect();
    assert!(brightness.windows(2).all(|w| w[1] > w[0] - 0.5), "viridis must not get darker");
}

fn luma(c: [u8; 3]) -> f32 {
    0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2])
}

#[test]
fn reduction_averages_valid_pixels_only() {
    let mut values = vec![0.0f32; 4 * 4];
    values[0] = 1.0;
    values[1] = f32::NAN;
    let masked: Vec<bool> = (0..16).map(|i| matches!(i, 10 | 11 | 14)).collect();
    let mut map = field(&values, 4, 4);
    map.masked = Some(&masked);
    let canvas = map.draw(Zoom { enlarge: 1, reduce: 2 }).unwrap();
    assert_eq!(canvas.get(0, 0), Some(Colormap::Viridis.colour(1.0 / 3.0)));
    assert_eq!(canvas.get(0, 1), Some(Colormap::Viridis.colour(0.0)));
    assert_eq!(canvas.get(1, 1), Some(Colormap::Viridis.colour(f32::NAN)), "three of four masked");
}

#[test]
fn quicklooks_stay_between_400_and_1200_pixels() {
    for (rows, cols) in [(2863, 1633), (256, 192), (40, 31), (1200, 7), (1, 1)] {
        let zoom = Zoom::for_sides(rows, cols, 400, 1200);
        let long = zoom.apply(rows).max(zoom.apply(cols));
        assert!((400..=1200).contains(&long), "{rows} × {cols} gave {long}");
        let values = vec![0.5; rows * cols];
        quicklook("2018-07-14", &field(&values, rows, cols), "ocean").unwrap();
    }
}

#[test]
fn ticks_are_round_and_inside() {
    assert_eq!(colorbar::ticks((0.0, 1.0), 6), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0].map(|v: f32| v));
    for range in [(0.0, 0.08), (137.0, 250.0), (-1.0, 1.0), (44.0, 3439.0), (-0.5, 0.5)] {
        let ticks = colorbar::ticks(range, 5);
        assert!((2..=6).contains(&ticks.len()), "{range:?} {ticks:?}");
        assert!(ticks.iter().all(|t| *t >= range.0 - 1e-3 && *t <= range.1 + 1e-3), "{range:?} {ticks:?}");
    }
    assert!(colorbar::ticks((1.0, 1.0), 5).is_empty());
    assert!(colorbar::ticks((f32::NAN, 1.0), 5).is_empty());
    assert_eq!(colorbar::format_value(-0.5, 0.25), "−0.50");
    assert_eq!(colorbar::format_value(1000.0, 1000.0), "1000");
}

#[test]
fn text_is_drawn_where_it_is_measured() {
    let text = "MAE 0.047 F1 0.85 °C −1";
    let width = text_width(text, 14.0);
    let mut canvas = Canvas::new(30, width as usize + 40, [255; 3]);
    canvas.text(text, 20, 20.0, 14.0, Anchor::Left, [0; 3]);
    let inked: Vec<usize> = (0..canvas.cols()).filter(|c| (0..30).any(|r| canvas.get(r, *c).is_some_and(|p| p[0] < 200))).collect();
    assert!(inked[0] >= 18 && inked[inked.len() - 1] as f32 <= 22.0 + width, "{:?}", (inked[0], inked[inked.len() - 1], width));
    assert!(text_width(&fit_text(text, 14.0, 100.0), 14.0) <= 100.0);
    canvas.text("outside \u{1F9CA}", 500, -900.0, 14.0, Anchor::Right, [0; 3]);
}

#[test]
fn bad_fields_are_errors_and_odd_ones_are_drawn() {
    let values = [0.0f32; 6];
    assert!(quicklook("x", &field(&values, 2, 4), "ocean").is_err());
    assert!(quicklook("x", &field(&[], 0, 0), "ocean").is_err());
    assert!(panel("x", &[]).is_err());
    let masked = [true; 5];
    let mut odd = field(&values, 2, 3);
    odd.masked = Some(&masked);
    assert!(panel("x", &[odd.clone()]).is_err());
    odd.masked = None;
    odd.range = (0.0, 0.0);
    odd.title = "a title that is much too long for such a small map, and then some more".into();
    let other = field(&values[..5], 1, 5);
    panel("", &[odd.clone(), other.clone(), odd.clone(), other.clone(), odd.clone(), other, odd.clone(), odd]).unwrap();
}
