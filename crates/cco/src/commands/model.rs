//! `cco model`: use and cost by model, or by what worked: agents, skills, plugins, tools, MCP servers.
//!
//! Must not: count a call's cost for a tool: a call can use several.

use std::collections::BTreeMap;

use anstyle::Style;
use cco_engine::Engine;
use cco_engine::report::{ToolSums, Worker};
use cco_engine::stats::server_of;

use super::{Sorting, report};
use crate::app::App;
use crate::args::{ModelArgs, ModelBy, Order, ReportArgs};
use crate::error::CliError;
use crate::print::fit::Keep;
use crate::print::fit::Squeeze::Before;
use crate::print::table::{align, finish, number, word};
use crate::print::{STRONG, csv, json, reports, text};

/// Runs the command.
pub(super) fn run(app: &mut App<'_>, args: &ModelArgs) -> Result<(), CliError> {
    let (entry, worker) = match args.by {
        ModelBy::Model => {
            return report(&reports::MODEL, Sorting::Cost).run(app, &args.report, Engine::models);
        }
        ModelBy::Tool => return tools(app, &args.report, ("tools", "tool", "Tool"), <[ToolSums]>::to_vec),
        ModelBy::Mcp => return tools(app, &args.report, ("mcpServers", "mcpServer", "MCP server"), servers),
        ModelBy::Agent => (&reports::AGENT, Worker::Agent),
        ModelBy::Skill => (&reports::SKILL, Worker::Skill),
        ModelBy::Plugin => (&reports::PLUGIN, Worker::Plugin),
    };
    report(entry, Sorting::Cost).run(app, &args.report, |engine, filter| engine.workers(filter, worker))
}

/// Uses and failures; the most used first.
fn tools(
    app: &mut App<'_>,
    args: &ReportArgs,
    (list, wire, header): (&'static str, &'static str, &str),
    group: fn(&[ToolSums]) -> Vec<ToolSums>,
) -> Result<(), CliError> {
    if !app.begin()? {
        return Err(app.nothing());
    }
    let filter = app.filter(args)?;
    let mut tools = group(&app.engine.tools(&filter)?);
    tools.sort_by(|a, b| (b.uses, &a.tool).cmp(&(a.uses, &b.tool)));
    if args.show.order == Some(Order::Asc) {
        tools.reverse();
    }
    if app.json {
        return app.out.data(&json::tools(list, wire, &tools)?);
    }
    if args.show.csv {
        let rows = tools.iter().map(|tool| (tool.tool.clone(), vec![tool.uses, tool.failures]));
        return app.out.data(&csv::plain(&[wire, "uses", "failures"], rows));
    }
    if tools.is_empty() {
        app.out.note(if wire == "tool" { "no tool was used" } else { "no tool of an MCP server was used" });
        return Ok(());
    }
    let screen = if args.show.compact { app.screen.compact() } else { app.screen };
    app.out.data(&table(header, &tools, screen.columns))
}

/// Tools with their totals, drawn as other reports are.
fn table(header: &str, tools: &[ToolSums], room: Option<usize>) -> String {
    let all = ToolSums {
        tool: "Total".to_owned(),
        uses: tools.iter().map(|tool| tool.uses).sum(),
        failures: tools.iter().map(|tool| tool.failures).sum(),
    };
    let mut lines = vec![[header, "Uses", "Failed", "Failed %"].map(str::to_owned).to_vec()];
    lines.extend(tools.iter().chain([&all]).map(|tool| {
        let percent = (tool.failures * 1000 + tool.uses / 2) / tool.uses.max(1);
        let percent =
            if tool.failures == 0 { String::new() } else { format!("{}.{}", percent / 10, percent % 10) };
        vec![text::name(&tool.tool), text::count(tool.uses), text::count(tool.failures), percent]
    }));
    let columns = [word(0, Before(1, Keep::End)), number(0), number(1), number(2)];
    let mut styles = vec![Style::new(); lines.len()];
    (styles[0], styles[lines.len() - 1]) = (STRONG, STRONG);
    finish(&align(lines, &columns, room), &styles)
}

/// The tools of each MCP server together; other tools are nobody's.
fn servers(tools: &[ToolSums]) -> Vec<ToolSums> {
    let mut servers: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for tool in tools {
        let Some(server) = server_of(&tool.tool) else { continue };
        let (uses, failures) = servers.entry(server.to_owned()).or_default();
        *uses += tool.uses;
        *failures += tool.failures;
    }
    let sums = |(tool, (uses, failures))| ToolSums { tool, uses, failures };
    servers.into_iter().map(sums).collect()
}
