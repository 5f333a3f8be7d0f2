//! The TIFF tags that the readers and writers of this crate know.
//!
//! Source: TIFF 6.0 sections 8 and 15; OGC GeoTIFF 1.1; GDAL's tags 42112 and 42113.

macro_rules! tags {
    ($($constant:ident = $number:literal $name:literal),* $(,)?) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: u16 = $number;)*

        /// What the standard calls a tag.
        pub(super) fn name(tag: u16) -> &'static str {
            match tag {
                $($number => $name,)*
                _ => "of another name",
            }
        }
    };
}

tags! {
    NEW_SUBFILE_TYPE = 254 "NewSubfileType",
    IMAGE_WIDTH = 256 "ImageWidth",
    IMAGE_LENGTH = 257 "ImageLength",
    BITS_PER_SAMPLE = 258 "BitsPerSample",
    COMPRESSION = 259 "Compression",
    PHOTOMETRIC = 262 "PhotometricInterpretation",
    FILL_ORDER = 266 "FillOrder",
    IMAGE_DESCRIPTION = 270 "ImageDescription",
    STRIP_OFFSETS = 273 "StripOffsets",
    SAMPLES_PER_PIXEL = 277 "SamplesPerPixel",
    ROWS_PER_STRIP = 278 "RowsPerStrip",
    STRIP_BYTE_COUNTS = 279 "StripByteCounts",
    PLANAR_CONFIGURATION = 284 "PlanarConfiguration",
    SOFTWARE = 305 "Software",
    DATE_TIME = 306 "DateTime",
    PREDICTOR = 317 "Predictor",
    COLOR_MAP = 320 "ColorMap",
    TILE_WIDTH = 322 "TileWidth",
    TILE_LENGTH = 323 "TileLength",
    TILE_OFFSETS = 324 "TileOffsets",
    TILE_BYTE_COUNTS = 325 "TileByteCounts",
    EXTRA_SAMPLES = 338 "ExtraSamples",
    SAMPLE_FORMAT = 339 "SampleFormat",
    MODEL_PIXEL_SCALE = 33550 "ModelPixelScaleTag",
    MODEL_TIEPOINT = 33922 "ModelTiepointTag",
    MODEL_TRANSFORMATION = 34264 "ModelTransformationTag",
    GEO_KEY_DIRECTORY = 34735 "GeoKeyDirectoryTag",
    GEO_DOUBLE_PARAMS = 34736 "GeoDoubleParamsTag",
    GEO_ASCII_PARAMS = 34737 "GeoAsciiParamsTag",
    GDAL_METADATA = 42112 "GDAL_METADATA",
    GDAL_NODATA = 42113 "GDAL_NODATA",
}
