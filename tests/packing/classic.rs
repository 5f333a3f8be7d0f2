//! A writer of classic NetCDF files (CDF-1, CDF-2, CDF-5) for tests, from the format's specification in the NetCDF User's Guide.

/// Numbers or text of one of the format's types.
#[derive(Clone, Debug)]
pub enum Values {
    I8(Vec<i8>),
    Text(&'static str),
    I16(Vec<i16>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Only in CDF-5.
    U16(Vec<u16>),
}

impl Values {
    /// Number of the type, bytes of the values, how many there are.
    fn encoded(&self) -> (u32, Vec<u8>, u64) {
        fn all<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> (Vec<u8>, u64) {
            (values.iter().flat_map(|value| bytes(*value)).collect(), values.len() as u64)
        }
        let (number, (bytes, count)) = match self {
            Values::I8(values) => (1, all(values, i8::to_be_bytes)),
            Values::Text(text) => (2, (text.as_bytes().to_vec(), text.len() as u64)),
            Values::I16(values) => (3, all(values, i16::to_be_bytes)),
            Values::I32(values) => (4, all(values, i32::to_be_bytes)),
            Values::F32(values) => (5, all(values, f32::to_be_bytes)),
            Values::F64(values) => (6, all(values, f64::to_be_bytes)),
            Values::U16(values) => (8, all(values, u16::to_be_bytes)),
        };
        (number, bytes, count)
    }
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: &'static str,
    /// Names of its dimensions.
    pub axes: Vec<&'static str>,
    pub attributes: Vec<(&'static str, Values)>,
    pub values: Values,
}

/// A file.
#[derive(Clone, Debug)]
pub struct Classic {
    /// 1, 2 or 5.
    pub version: u8,
    pub dimensions: Vec<(&'static str, usize)>,
    /// The dimension that counts records.
    pub records: Option<&'static str>,
    pub variables: Vec<Variable>,
}

impl Classic {
    /// The variable of this name.
    pub fn variable(&mut self, name: &str) -> &mut Variable {
        self.variables.iter_mut().find(|variable| variable.name == name).unwrap()
    }

    /// The bytes of the file, to the last value.
    pub fn bytes(&self) -> Vec<u8> {
        // The header is as long wherever the values begin.
        let start = self.header(&vec![0; self.variables.len()]).len();
        let mut begins = Vec::new();
        let mut end = start;
        let sizes: Vec<usize> = self.variables.iter().map(|variable| variable.values.encoded().1.len()).collect();
        let records = self.records.map_or(1, |name| self.length(name));
        let in_records = |variable: &Variable| self.records.is_some() && variable.axes.first().copied() == self.records;
        for pass in [false, true] {
            for (index, _) in self.variables.iter().enumerate().filter(|(_, variable)| in_records(variable) == pass) {
                begins.push((index, end));
                end += if pass { (sizes[index] / records).next_multiple_of(4) } else { sizes[index].next_multiple_of(4) };
            }
        }
        let first_record = begins.iter().find(|(index, _)| in_records(&self.variables[*index])).map_or(end, |(_, begin)| *begin);
        let only = self.variables.iter().filter(|variable| in_records(variable)).count() == 1;
        begins.sort();
        let mut bytes = self.header(&begins.iter().map(|(_, begin)| *begin).collect::<Vec<_>>());
        for (index, begin) in begins {
            let (_, values, _) = self.variables[index].values.encoded();
            let records = if in_records(&self.variables[index]) { records } else { 1 };
            let size = values.len() / records;
            let stride = if only { size } else { end - first_record };
            for (record, part) in values.chunks(size).enumerate() {
                let at = begin + record * stride;
                bytes.resize(bytes.len().max(at + part.len()), 0);
                bytes[at..at + part.len()].copy_from_slice(part);
            }
        }
        bytes
    }

    fn length(&self, name: &str) -> usize {
        self.dimensions.iter().find(|(dimension, _)| *dimension == name).unwrap().1
    }

    fn header(&self, begins: &[usize]) -> Vec<u8> {
        let mut out = b"CDF".to_vec();
        out.push(self.version);
        self.count(&mut out, self.records.map_or(0, |name| self.length(name)) as u64);
        self.list(&mut out, 0x0a, self.dimensions.len());
        for (name, length) in &self.dimensions {
            self.name(&mut out, name);
            self.count(&mut out, if self.records == Some(name) { 0 } else { *length as u64 });
        }
        self.list(&mut out, 0x0c, 0);
        self.list(&mut out, 0x0b, self.variables.len());
        for (variable, begin) in self.variables.iter().zip(begins) {
            self.name(&mut out, variable.name);
            self.count(&mut out, variable.axes.len() as u64);
            for axis in &variable.axes {
                self.count(&mut out, self.dimensions.iter().position(|(name, _)| name == axis).unwrap() as u64);
            }
            self.list(&mut out, 0x0c, variable.attributes.len());
            for (name, values) in &variable.attributes {
                self.name(&mut out, name);
                let (number, bytes, count) = values.encoded();
                out.extend(number.to_be_bytes());
                self.count(&mut out, count);
                padded(&mut out, &bytes);
            }
            let (number, bytes, _) = variable.values.encoded();
            out.extend(number.to_be_bytes());
            let records =
                if self.records.is_some() && variable.axes.first().copied() == self.records { self.length(variable.axes[0]) } else { 1 };
            self.count(&mut out, (bytes.len() / records).next_multiple_of(4) as u64);
            if self.version == 1 { out.extend((*begin as u32).to_be_bytes()) } else { out.extend((*begin as u64).to_be_bytes()) }
        }
        out
    }

    fn count(&self, out: &mut Vec<u8>, value: u64) {
        if self.version == 5 { out.extend(value.to_be_bytes()) } else { out.extend((value as u32).to_be_bytes()) }
    }

    fn list(&self, out: &mut Vec<u8>, tag: u32, length: usize) {
        out.extend(if length == 0 { 0 } else { tag }.to_be_bytes());
        self.count(out, length as u64);
    }

    fn name(&self, out: &mut Vec<u8>, name: &str) {
        self.count(out, name.len() as u64);
        padded(out, name.as_bytes());
    }
}

fn padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes);
    out.resize(out.len() + bytes.len().next_multiple_of(4) - bytes.len(), 0);
}
