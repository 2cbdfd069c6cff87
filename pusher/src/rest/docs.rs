//! `GET /api/docs`: the OpenAPI document as a page for people, without resources of other hosts.

use std::fmt::{self, Display, Write as _};
use std::sync::OnceLock;

use axum::http::HeaderValue;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Map, Value};

use super::openapi::document;
use super::security::{DOCS_POLICY, secure_page};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#1b2733;\
background:#fff}h1{margin-bottom:0}h2{margin-top:2.5rem;font:600 1.1rem ui-monospace,monospace}h2 b{color:#0a6;\
margin-right:.5em}h3{font:600 1rem ui-monospace,monospace;margin:1.5rem 0 .25rem}table{border-collapse:collapse;\
width:100%}td{border-top:1px solid #dde3ea;padding:.3rem .6rem .3rem 0;vertical-align:top}td:first-child{font:14px \
ui-monospace,monospace;white-space:nowrap;width:14rem}i{color:#5b6b7b;font-style:normal}a{color:#0366a8}\
@media(prefers-color-scheme:dark){body{background:#12181f;color:#dfe7ee}td{border-color:#2a3541}a{color:#6bb7f0}}";

pub(super) async fn get() -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = Html(PAGE.get_or_init(|| page(document())).as_str()).into_response();
    secure_page(page, HeaderValue::from_static(DOCS_POLICY))
}

fn page(document: &Value) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut page, document);
    page
}

fn write(page: &mut String, document: &Value) -> fmt::Result {
    let info = &document["info"];
    write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Updraft: REST</title><style>{STYLE}</style><h1>Updraft</h1><p>{} Version {}. For programs: \
         <a href=/api/openapi.json>openapi.json</a>. Live changes: WebSocket at <code>/ws/v1/updates</code>.",
        text(&info["description"]),
        text(&info["version"])
    )?;
    for (path, operations) in entries(&document["paths"]) {
        for (method, operation) in entries(operations) {
            endpoint(page, path, method, operation)?;
        }
    }
    page.push_str("<h2 id=messages>Messages</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        write!(page, "<h3 id={0}>{0}</h3><table>", Text(name))?;
        for (field, schema) in entries(&schema["properties"]) {
            write!(page, "<tr><td>{}<td>{}", Text(field), type_of(schema))?;
        }
        page.push_str("</table>");
    }
    Ok(())
}

fn endpoint(page: &mut String, path: &str, method: &str, operation: &Value) -> fmt::Result {
    write!(page, "<h2><b>{}</b>{}</h2><p>{}", Text(&method.to_uppercase()), Text(path), text(&operation["summary"]))?;
    let is_public = operation["security"].is_null();
    if let Some(scope) = operation["security"][0]["token"][0].as_str() {
        write!(page, " <i>Needs the scope {}.</i>", Text(scope))?;
    }
    if is_public
        && method == "get"
        && !path.contains('{')
        && operation["parameters"].as_array().is_none_or(Vec::is_empty)
    {
        write!(page, " <a href='{0}'>Try it</a>", Text(path))?;
    }
    page.push_str("<table>");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, about) = (text(&parameter["name"]), text(&parameter["description"]));
        write!(page, "<tr><td>{name}<td>{about} <i>{}</i>", type_of(&parameter["schema"]))?;
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if body.is_object() {
        write!(page, "<tr><td>body<td>{}", type_of(body))?;
    }
    for (status, response) in entries(&operation["responses"]) {
        let mut types = entries(&response["content"]).map(|(_, content)| type_of(&content["schema"]));
        let schema = types.find(|schema| !schema.is_empty());
        let (status, about) = (Text(status), text(&response["description"]));
        write!(page, "<tr><td>{status}<td>{about} {}", schema.unwrap_or_default())?;
    }
    page.push_str("</table>");
    Ok(())
}

/// The type of a value, with a link to its message.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href='#{0}'>{0}</a>", Text(name));
    }
    if schema["type"] == "array" {
        return format!("list of {}", type_of(&schema["items"]));
    }
    if let Some(names) = schema["enum"].as_array() {
        let names: Vec<_> = names.iter().filter_map(Value::as_str).map(|name| Text(name).to_string()).collect();
        return format!("<i>one of</i> {}", names.join(", "));
    }
    let pattern = schema["pattern"].as_str().map(|pattern| format!(" <i>{}</i>", Text(pattern)));
    format!("{}{}", text(&schema["type"]), pattern.unwrap_or_default())
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> Text<'_> {
    Text(value.as_str().unwrap_or_default())
}

/// Text, escaped for HTML.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '&' => f.write_str("&amp;"),
            '\'' => f.write_str("&#39;"),
            '"' => f.write_str("&quot;"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_listed_without_other_hosts() {
        let (document, page) = (document(), page(document()));
        for (path, _) in entries(&document["paths"]) {
            assert!(page.contains(&format!("</b>{path}</h2>")), "{path}");
        }
        for name in page.split("href='#").skip(1).filter_map(|rest| rest.split('\'').next()) {
            assert!(page.contains(&format!("<h3 id={name}>")), "{name} is linked and missing");
        }
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(Text("<a href='x'>&\"").to_string(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
