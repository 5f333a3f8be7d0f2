//! `meltcore bench --plans`: what is launched, on the device at hand and on devices that are not.

use super::output::{self, Table};
use crate::bench::variants::{BY_SHAPE, SELECTABLE, of_matrices, sample};
use crate::bench::{self, Options, Planned};
use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Gpu, Launched, Needs, Plan, device_classes};

/// Prints the plans of one device.
///
/// # Errors
/// Those of [`bench::plans`]; stdout cannot be written.
pub fn of_device(gpu: &Gpu, options: &Options, json: bool) -> Result<()> {
    let planned = bench::plans(&gpu.planner(), options)?;
    if json {
        return output::print_json(&planned.iter().map(|row| row_json(row, gpu.capabilities())).collect::<Result<Vec<_>>>()?);
    }
    let mut table = Table::new(&["row", "kernel", "constants", "groups", "partial words", "invocations", "shared bytes", "buffers"]);
    for Planned { row, launches } in planned {
        for (number, launch) in launches.iter().enumerate() {
            let (plan, needs) = (&launch.plan, Needs::of(&launch.plan)?);
            table.row([
                if number == 0 { row.clone() } else { String::new() },
                plan.stem.to_owned(),
                constants(plan),
                groups(plan).to_string(),
                plan.scratch.to_string(),
                needs.invocations.to_string(),
                needs.workgroup_bytes.to_string(),
                needs.storage_buffers.to_string(),
            ]);
        }
    }
    table.print()
}

fn row_json(Planned { row, launches }: &Planned, able: &Capabilities) -> Result<serde_json::Value> {
    let launch = |launched: &Launched| {
        let (plan, cost) = (&launched.plan, launched.cost());
        let needs = Needs::of(plan)?;
        Ok(serde_json::json!({
            "kernel": plan.stem, "constants": plan.variant.consts.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
            "scalar": plan.variant.scalar, "groups": plan.groups, "partial_words": plan.scratch, "invocations": needs.invocations,
            "workgroup_bytes": needs.workgroup_bytes, "storage_buffers": needs.storage_buffers, "immediate_bytes": needs.immediate_bytes,
            "beyond": needs.beyond(able), "flops": cost.flops, "bytes": cost.bytes,
        }))
    };
    let launches = launches.iter().map(launch).collect::<Result<Vec<_>>>()?;
    Ok(serde_json::json!({ "row": row, "device": able.name, "launches": launches }))
}

fn groups(plan: &Plan) -> u64 {
    plan.groups.map(u64::from).iter().product()
}

fn constants(plan: &Plan) -> String {
    let pairs = plan.variant.consts.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.chain(plan.variant.scalar.then(|| "scalar".into())).collect::<Vec<_>>().join(" ")
}

/// Prints the plans of the kinds of devices whose name holds `name`: what the wanted rows launch, and where no rows are named their limits
/// and where each variant runs before all rows.
///
/// # Errors
/// [`Error::Usage`] where there is no such kind; those of [`bench::plans`]; stdout cannot be written.
pub fn of_classes(name: &str, options: &Options, json: bool) -> Result<()> {
    let all = device_classes();
    let names: Vec<String> = all.iter().map(|class| class.name.clone()).collect();
    let wanted = |class: &Capabilities| name == "all" || class.name.to_lowercase().contains(&name.to_lowercase());
    let classes: Vec<Capabilities> = all.into_iter().filter(wanted).collect();
    if classes.is_empty() {
        return Err(Error::Usage(format!("--for {name}: there is no such kind of devices; there are {}, or all", names.join(", "))));
    }
    let planned = classes.iter().map(|class| bench::plans(&Gpu::invented(class.clone()), options)).collect::<Result<Vec<_>>>()?;
    if json {
        let rows = classes.iter().zip(&planned).flat_map(|(class, rows)| rows.iter().map(move |row| row_json(row, class)));
        return output::print_json(&rows.collect::<Result<Vec<_>>>()?);
    }
    if options.filter.is_none() && options.step.is_none() {
        limits(&classes).print()?;
        output::print_line("")?;
        where_variants_run(&classes)?.print()?;
        output::print_line("")?;
    }
    rows(&classes, &planned).print()
}

/// Those of the devices of which `holds` is true, by name; the exceptions where they are fewer.
fn named(classes: &[Capabilities], holds: impl Fn(usize) -> bool) -> String {
    let of = |wanted: bool| {
        let names = classes.iter().enumerate().filter(|(i, _)| holds(*i) == wanted).map(|(_, class)| class.name.as_str());
        names.collect::<Vec<_>>()
    };
    let (on, off) = (of(true), of(false));
    match off.len() {
        0 if on.len() == device_classes().len() => "all".into(),
        few if few < on.len() && few > 0 && classes.len() == device_classes().len() => format!("all but {}", off.join(", ")),
        _ => on.join(", "),
    }
}

/// The limits of devices, one a row.
pub fn limits(classes: &[Capabilities]) -> Table {
    let mut table = Table::new(&["device", "subgroup", "invocations", "shared KiB", "buffers", "binding MiB", "f16", "matrices"]);
    for class in classes {
        let [least, most] = class.subgroup;
        let has = |has: bool| if has { "yes" } else { "no" }.to_owned();
        table.row([
            class.name.clone(),
            if least == most { least.to_string() } else { format!("{least}..{most}") },
            class.invocations.to_string(),
            (class.workgroup_bytes >> 10).to_string(),
            class.storage_buffers.to_string(),
            class.max_binding_bytes.div_ceil(1 << 20).to_string(),
            has(class.f16),
            class.named_matrices(),
        ]);
    }
    table
}

/// The variants that can be chosen and the kernels that shapes choose, with what they take and the devices that run them; variants of a
/// kernel that take the same in one row.
///
/// # Errors
/// [`Error::Kernel`] for a file that is not WGSL.
pub fn where_variants_run(classes: &[Capabilities]) -> Result<Table> {
    let mut rows: Vec<[String; 6]> = Vec::new();
    let chosen = SELECTABLE.iter().flat_map(|of| of.values.iter().map(move |values| (of.stem, sample(of, values))));
    let by_shape = BY_SHAPE.iter().map(|(stem, constants)| (*stem, Plan::new(stem, 1).with(constants.iter().copied())));
    let mut plans: Vec<(&str, Plan)> = chosen.chain(by_shape).collect();
    let mut with_matrices: Vec<Plan> = classes.iter().flat_map(of_matrices).collect();
    with_matrices.sort_by_key(|plan| plan.stem);
    for plan in with_matrices {
        if plans.iter().all(|(_, known)| *known != plan) {
            plans.push((plan.stem, plan));
        }
    }
    for (stem, plan) in plans {
        let needs = Needs::of(&plan)?;
        let runs = named(classes, |i| needs.beyond(&classes[i]).is_none());
        let [invocations, bytes, buffers] =
            [needs.invocations, needs.workgroup_bytes, needs.storage_buffers].map(|number| number.to_string());
        let row = [stem.to_owned(), constants(&plan), invocations, bytes, buffers, runs];
        match rows.last_mut().filter(|last| last[0] == row[0] && last[2..] == row[2..]) {
            Some(last) => last[1] += &format!("; {}", row[1]),
            None => rows.push(row),
        }
    }
    let mut table = Table::new(&["kernel", "variants", "invocations", "shared bytes", "buffers", "on"]);
    rows.into_iter().for_each(|row| table.row(row));
    Ok(table)
}

/// What each row launches, on which devices: a line a kernel, equal ones in succession once, with their number.
fn rows(classes: &[Capabilities], planned: &[Vec<Planned>]) -> Table {
    let mut table = Table::new(&["row", "on", "times", "kernel", "constants", "groups", "partial words"]);
    let Some(first) = planned.first() else { return table };
    for (number, Planned { row, .. }) in first.iter().enumerate() {
        let all: Vec<Vec<(&Plan, usize)>> = planned.iter().map(|rows| rows.get(number).map(launches).unwrap_or_default()).collect();
        let mut row = row.clone();
        for (place, own) in all.iter().enumerate().filter(|(place, own)| !all[..*place].contains(own)) {
            let mut on = named(classes, |i| all[i] == all[place]);
            for (plan, count) in own {
                table.row([
                    std::mem::take(&mut row),
                    std::mem::take(&mut on),
                    count.to_string(),
                    plan.stem.to_owned(),
                    constants(plan),
                    groups(plan).to_string(),
                    plan.scratch.to_string(),
                ]);
            }
        }
    }
    table
}

/// The launches of a row, equal ones in succession once, with their number.
fn launches(planned: &Planned) -> Vec<(&Plan, usize)> {
    let mut runs: Vec<(&Plan, usize)> = Vec::new();
    for launched in &planned.launches {
        match runs.last_mut() {
            Some((last, count)) if *last == &launched.plan => *count += 1,
            _ => runs.push((&launched.plan, 1)),
        }
    }
    runs
}
