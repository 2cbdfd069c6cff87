//! `docs/access.md` says what the tables of this crate say.

use access::rules::{Needs, RULES, WEBSOCKET};
use access::{Role, Scope};

fn needs(needs: Needs) -> String {
    match needs {
        Needs::Scope(scope) => format!("`{scope}`"),
        other => other.as_str().to_owned(),
    }
}

/// The cells of the table that begins with this cell.
fn table(page: &str, first: &str) -> Vec<Vec<String>> {
    let lines = page.lines().skip_while(|line| !line.starts_with(&format!("| {first} |")));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

#[test]
fn the_page_has_every_rule() {
    let routes = RULES.iter().map(|rule| vec![format!("`{} {}`", rule.method, rule.path), needs(rule.needs)]);
    let messages = WEBSOCKET.iter().map(|one| vec![format!("WebSocket: `{}`", one.name), needs(one.needs)]);
    let expected: Vec<_> = routes.chain(messages).collect();
    let written = table(include_str!("../../../docs/access.md"), "route");
    let lines: Vec<_> = expected.iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    assert!(written == expected, "docs/access.md: the table of routes has to be\n{}", lines.join("\n"));
}

#[test]
fn the_page_has_every_scope_with_its_roles() {
    let page = include_str!("../../../docs/access.md");
    let written = table(page, "scope");
    let names: Vec<_> = written.iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, Scope::ALL.map(|scope| format!("`{scope}`")));
    for (scope, row) in Scope::ALL.into_iter().zip(&written) {
        let expected = Role::ALL.map(|role| if role.scopes().has(scope) { "yes" } else { "" });
        assert_eq!(row[2..], expected, "{scope}");
    }
    let heads = Role::ALL.map(Role::as_str).join(" | ");
    assert!(page.contains(&format!("| scope | allows | {heads} |")), "one column for each role");
}
