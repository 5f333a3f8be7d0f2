//! What compilers that take floats for numbers and sums for reorderable ("fast math": DXC with wgpu's arguments, Metal by default) would
//! drop: no shader may ask a float a question whose answer they know beforehand. Looked for in naga's tree of every variant.

mod shader_variants;

use naga::{Arena, BinaryOperator, Block, Expression, Function, Handle, Literal, Module, ScalarKind, Statement};
use shader_variants::{parsed, texts};
use std::collections::HashMap;

/// Which call gave a result.
type Calls = HashMap<Handle<Expression>, (Handle<Function>, Vec<Handle<Expression>>)>;

fn calls(block: &Block, found: &mut Calls) {
    for statement in block.iter() {
        match statement {
            Statement::Call { function, arguments, result: Some(result) } => {
                found.insert(*result, (*function, arguments.clone()));
            }
            Statement::Block(inner) => calls(inner, found),
            Statement::If { accept, reject, .. } => [accept, reject].into_iter().for_each(|inner| calls(inner, found)),
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| calls(&case.body, found)),
            Statement::Loop { body, continuing, .. } => [body, continuing].into_iter().for_each(|inner| calls(inner, found)),
            _ => {}
        }
    }
}

/// A function's expressions, and what is needed to compare them.
struct Tree<'a> {
    module: &'a Module,
    expressions: &'a Arena<Expression>,
    calls: Calls,
}

impl Tree<'_> {
    /// Whether two expressions are written alike, so that they have the same value where nothing is stored between them.
    fn alike(&self, a: Handle<Expression>, b: Handle<Expression>) -> bool {
        use Expression as E;
        if a == b {
            return true;
        }
        let all = |pairs: &[(Handle<Expression>, Handle<Expression>)]| pairs.iter().all(|(a, b)| self.alike(*a, *b));
        let options = |a: &Option<Handle<Expression>>, b: &Option<Handle<Expression>>| match (a, b) {
            (Some(a), Some(b)) => self.alike(*a, *b),
            (a, b) => a.is_none() && b.is_none(),
        };
        match (&self.expressions[a], &self.expressions[b]) {
            (E::Load { pointer: a }, E::Load { pointer: b }) => self.alike(*a, *b),
            (E::Access { base: a, index: i }, E::Access { base: b, index: j }) => all(&[(*a, *b), (*i, *j)]),
            (E::AccessIndex { base: a, index: i }, E::AccessIndex { base: b, index: j }) => i == j && self.alike(*a, *b),
            (E::Splat { value: a, .. }, E::Splat { value: b, .. }) => self.alike(*a, *b),
            (E::Swizzle { vector: a, pattern: p, .. }, E::Swizzle { vector: b, pattern: q, .. }) => p == q && self.alike(*a, *b),
            (E::Compose { components: a, .. }, E::Compose { components: b, .. }) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.alike(*a, *b))
            }
            (E::Unary { op: p, expr: a }, E::Unary { op: q, expr: b }) => p == q && self.alike(*a, *b),
            (E::Binary { op: p, left: a, right: c }, E::Binary { op: q, left: b, right: d }) => p == q && all(&[(*a, *b), (*c, *d)]),
            (E::As { expr: a, kind: p, convert: c }, E::As { expr: b, kind: q, convert: d }) => p == q && c == d && self.alike(*a, *b),
            (E::Select { condition: a, accept: c, reject: e }, E::Select { condition: b, accept: d, reject: f }) => {
                all(&[(*a, *b), (*c, *d), (*e, *f)])
            }
            (E::Math { fun: p, arg: a, arg1: c, arg2: e, arg3: g }, E::Math { fun: q, arg: b, arg1: d, arg2: f, arg3: h }) => {
                p == q && self.alike(*a, *b) && options(c, d) && options(e, f) && options(g, h)
            }
            (E::CallResult(_), E::CallResult(_)) => match (self.calls.get(&a), self.calls.get(&b)) {
                (Some((p, c)), Some((q, d))) => p == q && c.iter().zip(d).all(|(c, d)| self.alike(*c, *d)),
                _ => false,
            },
            (E::Literal(a), E::Literal(b)) => a == b,
            (E::Constant(a), E::Constant(b)) => a == b,
            (E::GlobalVariable(a), E::GlobalVariable(b)) => a == b,
            (E::LocalVariable(a), E::LocalVariable(b)) => a == b,
            (E::FunctionArgument(a), E::FunctionArgument(b)) => a == b,
            _ => false,
        }
    }

    fn is_zero(&self, expression: Handle<Expression>) -> bool {
        fn zero(expressions: &Arena<Expression>, module: &Module, at: Handle<Expression>) -> bool {
            match &expressions[at] {
                Expression::Literal(Literal::F32(value)) => *value == 0.0,
                Expression::ZeroValue(_) => true,
                Expression::Splat { value, .. } => zero(expressions, module, *value),
                Expression::Compose { components, .. } => components.iter().all(|part| zero(expressions, module, *part)),
                Expression::Constant(constant) => zero(&module.global_expressions, module, module.constants[*constant].init),
                _ => false,
            }
        }
        zero(self.expressions, self.module, expression)
    }
}

/// What a module asks its floats although compilers know the answer.
fn faults(wgsl: &str, name: &str) -> Vec<String> {
    use BinaryOperator as B;
    let (module, info) = parsed(wgsl, name);
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let entries = module.entry_points.iter().enumerate().map(|(i, entry)| (&entry.function, info.get_entry_point(i)));
    let mut found = Vec::new();
    for (function, types) in functions.chain(entries) {
        let mut tree = Tree { module: &module, expressions: &function.expressions, calls: Calls::new() };
        calls(&function.body, &mut tree.calls);
        for (handle, expression) in function.expressions.iter() {
            let Expression::Binary { op, left, right } = expression else { continue };
            if types[*left].ty.inner_with(&module.types).scalar_kind() != Some(ScalarKind::Float) {
                continue;
            }
            let with_itself =
                matches!(op, B::Equal | B::NotEqual | B::Less | B::LessEqual | B::Greater | B::GreaterEqual | B::Subtract | B::Divide);
            let by_zero = matches!(op, B::Multiply | B::Divide) && (tree.is_zero(*left) || tree.is_zero(*right));
            if by_zero || (with_itself && tree.alike(*left, *right)) {
                let span = function.expressions.get_span(handle).to_range().unwrap_or_default();
                found.push(format!("{name}: `{}`", &wgsl[span]));
            }
        }
    }
    found
}

#[test]
fn no_shader_asks_a_float_what_a_compiler_knows() {
    let found: Vec<String> = texts().iter().flat_map(|text| faults(&text.wgsl, &text.name())).collect();
    assert!(found.is_empty(), "NaN is told by the bits (shared/nan.wgsl), because fast math drops this: {}", found.join("\n"));
}

#[test]
fn what_is_looked_for_is_found() {
    let text = |body: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> a: array<vec4f>;\n\
             fn twice(x: f32) -> f32 {{ return 2.0 * x; }}\n\
             const NIL = 0.0;\n\
             @compute @workgroup_size(1) fn main() {{\n  let x = a[0]; let i = u32(x.w); var v = x.x;\n  {body}\n  a[1] = vec4f(v);\n}}"
        )
    };
    let asked = [
        "if x.x == x.x { v = 1.0; }",
        "if !(v == v) { v = 1.0; }",
        "if any(x != x) { v = 1.0; }",
        "if a[i].y < a[i].y { v = 1.0; }",
        "if twice(v) == twice(v) { v = 1.0; }",
        "if abs(2.0 * v) >= abs(2.0 * v) { v = 1.0; }",
        "v = v - v;",
        "v = x.y / x.y;",
        "v = v * 0.0;",
        "v = NIL * v;",
        "a[2] = vec4f() * x;",
        "loop { if v == v { break; } }",
    ];
    for body in asked {
        assert_eq!(faults(&text(body), "invented").len(), 1, "{body}");
    }
    for body in ["if x.x == x.y { v = 1.0; }", "if i == i { v = 1.0; }", "v = x.x - x.y;", "if twice(v) == v { v = 0.5 * v; }"] {
        assert_eq!(faults(&text(body), "invented"), [""; 0], "{body}");
    }
}
