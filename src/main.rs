//! The `meltcore` program: parse, run, print the error as one paragraph, set the exit status.

use clap::Parser;
use meltcore::cli::{Cli, output, signals};
use meltcore::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    meltcore::gpu::loader::prepare_vulkan_loader();
    signals::outlive_file_limit();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version come this way too; where nobody reads any more, there is nobody to tell.
            let _ = answer.print();
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
        }
    };
    let causes = cli.globals.verbose > 0;
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The rank that failed has said why.
            if causes || !matches!(error, Error::Elsewhere { .. }) {
                output::print_error(&error, causes);
            }
            ExitCode::from(error.exit_status())
        }
    }
}
