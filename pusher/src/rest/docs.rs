//! `GET /api/docs`: the OpenAPI document as a page for people. One file, nothing from elsewhere.

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
         <title>Updraft: REST</title><style>{STYLE}</style><h1>Updraft</h1><p>{} Version {}. The same for programs: \
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
            write!(page, "<tr><td>{}<td>{}", Text(field), kind(schema))?;
        }
        page.push_str("</table>");
    }
    Ok(())
}

fn endpoint(page: &mut String, path: &str, method: &str, operation: &Value) -> fmt::Result {
    write!(page, "<h2><b>{}</b>{}</h2><p>{}", Text(&method.to_uppercase()), Text(path), text(&operation["summary"]))?;
    if method == "get" && !path.contains('{') && operation["parameters"].as_array().is_none_or(Vec::is_empty) {
        write!(page, " <a href='{0}'>Try it</a>", Text(path))?;
    }
    page.push_str("<table>");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, about) = (text(&parameter["name"]), text(&parameter["description"]));
        write!(page, "<tr><td>{name}<td>{about} <i>{}</i>", kind(&parameter["schema"]))?;
    }
    let sent = &operation["requestBody"]["content"]["application/json"]["schema"];
    if sent.is_object() {
        write!(page, "<tr><td>body<td>{}", kind(sent))?;
    }
    for (status, response) in entries(&operation["responses"]) {
        let schema =
            entries(&response["content"]).map(|(_, content)| kind(&content["schema"])).find(|kind| !kind.is_empty());
        let (status, about) = (Text(status), text(&response["description"]));
        write!(page, "<tr><td>{status}<td>{about} {}", schema.unwrap_or_default())?;
    }
    page.push_str("</table>");
    Ok(())
}

/// What a value is, with a link to its message.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href='#{0}'>{0}</a>", Text(name));
    }
    if schema["type"] == "array" {
        return format!("list of {}", kind(&schema["items"]));
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).map(|word| Text(word).to_string()).collect();
        return format!("<i>one of</i> {}", words.join(", "));
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

/// Text in HTML.
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
    fn every_endpoint_is_on_the_page_and_nothing_is_fetched_from_elsewhere() {
        let (document, page) = (document(), page(document()));
        for (path, _) in entries(&document["paths"]) {
            assert!(page.contains(&format!("</b>{path}</h2>")), "{path}");
        }
        for name in page.split("href='#").skip(1).filter_map(|rest| rest.split('\'').next()) {
            assert!(page.contains(&format!("<h3 id={name}>")), "{name} is linked and not there");
        }
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    }

    #[test]
    fn text_is_no_markup() {
        assert_eq!(Text("<a href='x'>&\"").to_string(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
