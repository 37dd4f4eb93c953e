use clap::Args;
use serde::Serialize;

use crate::device::DeviceName;
use crate::output;

const EXAMPLE: &str = "\
Example:
  ulmfit devices";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct DevicesArgs {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    device: String,
    built: bool,
    feature: &'static str,
    description: &'static str,
}

pub(crate) fn run(args: &DevicesArgs) -> anyhow::Result<()> {
    let entries = DeviceName::ALL.map(|name| Entry {
        device: name.to_string(),
        built: name.is_built(),
        feature: name.feature(),
        description: name.description(),
    });
    if args.json {
        return output::json(&entries);
    }
    let lines = entries.iter().map(|entry| {
        let Entry {
            device,
            built,
            feature,
            description,
        } = entry;
        let built = if *built {
            "yes".to_owned()
        } else {
            format!("no (--features {feature})")
        };
        format!("{device:<8} {built:<23} {description}")
    });
    output::text(&lines.collect::<Vec<_>>().join("\n"))
}
