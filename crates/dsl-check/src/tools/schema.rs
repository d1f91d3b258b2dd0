//! What an MCP server says of its tools, and how a JSON schema compares with declared types.
//!
//! The digest is of what decides whether calls work: descriptions and titles may change. The comparison says only what
//! is certain: of a schema that it does not understand it says nothing. Absent: validating data.

use ir::types::{Type, Types};
use serde_json::Value as Json;
use smol_str::SmolStr;

use super::lock::DIGEST_PREFIX;
use crate::scope::TypedField;

/// Schemas are compared this deep.
const DEPTH_MAX: u32 = 16;

/// Says nothing about data.
const ANNOTATIONS: &[&str] = &["title", "description", "examples", "$comment", "deprecated"];

/// Hold names chosen by the schema's author, each with a schema.
const NAMED_SCHEMAS: &[&str] = &[
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];

/// The answer of one server to `tools/list`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Listing {
    pub tools: Vec<Tool>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Tool {
    pub name: SmolStr,
    pub input: Json,
    /// Without one the tool answers with text.
    pub output: Option<Json>,
}

impl Listing {
    /// Reads `{"tools": [...]}`, alone or as the `result` of a response, or the list itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let whole = json.get("result").unwrap_or(&json);
        let tools = whole.get("tools").unwrap_or(whole);
        let Some(tools) = tools.as_array() else {
            return Err("no list of tools, expected what `tools/list` of an MCP server returns".to_owned());
        };
        let tools = tools.iter().enumerate().map(|(at, tool)| read(at, tool));
        Ok(Self {
            tools: tools.collect::<Result<_, _>>()?,
        })
    }

    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

fn read(at: usize, tool: &Json) -> Result<Tool, String> {
    let Some(name) = tool.get("name").and_then(Json::as_str) else {
        return Err(format!("the tool number {} has no `name`", at + 1));
    };
    let Some(input) = tool.get("inputSchema") else {
        return Err(format!("the tool `{name}` has no `inputSchema`"));
    };
    Ok(Tool {
        name: name.into(),
        input: input.clone(),
        output: tool.get("outputSchema").cloned(),
    })
}

/// The digest of a tool's schemas: BLAKE3 of their canonical JSON.
pub fn digest(tool: &Tool) -> SmolStr {
    let mut text = String::from("{\"inputSchema\":");
    canonical(&tool.input, false, &mut text);
    if let Some(output) = &tool.output {
        text.push_str(",\"outputSchema\":");
        canonical(output, false, &mut text);
    }
    text.push('}');
    format!("{DIGEST_PREFIX}{}", blake3::hash(text.as_bytes()).to_hex()).into()
}

/// JSON with sorted keys and without annotations; `names`: the keys are the author's own. What the parser read is at
/// most 128 deep.
fn canonical(value: &Json, names: bool, out: &mut String) {
    match value {
        Json::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            out.push('{');
            let mut first = true;
            for key in keys
                .into_iter()
                .filter(|key| names || !ANNOTATIONS.contains(&key.as_str()))
            {
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                out.push_str(&Json::String(key.clone()).to_string());
                out.push(':');
                canonical(&fields[key], !names && NAMED_SCHEMAS.contains(&key.as_str()), out);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical(item, false, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// Where a tool and a capability do not fit together, each in a sentence; empty where they do, as far as can be told.
pub(super) fn differences(tool: &Tool, input: &[TypedField], output: &[TypedField], types: &Types) -> Vec<String> {
    let mut found = Vec::new();
    inputs(&tool.input, input, types, &mut found);
    if let Some(schema) = &tool.output {
        outputs(schema, output, types, &mut found);
    }
    found
}

fn properties(schema: &Json) -> Option<&serde_json::Map<String, Json>> {
    schema.get("properties").and_then(Json::as_object)
}

fn required(schema: &Json) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Json::as_array);
    names.into_iter().flatten().filter_map(Json::as_str)
}

/// A schema put together from others is not looked into.
fn is_plain(schema: &Json) -> bool {
    ["$ref", "anyOf", "oneOf", "allOf", "not", "if"]
        .iter()
        .all(|key| schema.get(key).is_none())
}

fn inputs(schema: &Json, input: &[TypedField], types: &Types, found: &mut Vec<String>) {
    if !is_plain(schema) {
        return;
    }
    let none = serde_json::Map::new();
    let known = properties(schema).unwrap_or(&none);
    let is_open = schema
        .get("additionalProperties")
        .is_some_and(|open| *open != Json::Bool(false));
    for field in input {
        match known.get(field.name.as_str()) {
            None if !is_open => found.push(format!("the tool takes no `{}`", field.name)),
            Some(taken) if !overlaps(&field.ty, taken, types, 0) => found.push(format!(
                "the tool takes {} as `{}`, which is a `{}` here",
                described(taken),
                field.name,
                field.ty
            )),
            _ => {}
        }
    }
    for name in required(schema) {
        match input.iter().find(|field| field.name == name) {
            None => found.push(format!("the tool needs `{name}`, which is no input here")),
            Some(field) if field.ty.is_optional() && !field.has_default => {
                found.push(format!("the tool needs `{name}`, which may be absent here"));
            }
            Some(_) => {}
        }
    }
}

fn outputs(schema: &Json, output: &[TypedField], types: &Types, found: &mut Vec<String>) {
    let Some(known) = properties(schema).filter(|_| is_plain(schema)) else {
        return;
    };
    for field in output {
        match known.get(field.name.as_str()) {
            None if field.ty.is_optional() || field.has_default => {}
            None => found.push(format!("the tool gives no `{}`", field.name)),
            Some(given) if !overlaps(&field.ty, given, types, 0) => found.push(format!(
                "the tool gives {} as `{}`, which is a `{}` here",
                described(given),
                field.name,
                field.ty
            )),
            Some(_) => {}
        }
    }
}

/// Whether some value is of the type and fits the schema.
fn overlaps(ty: &Type, schema: &Json, types: &Types, depth: u32) -> bool {
    if !schema.is_object() || !is_plain(schema) || depth > DEPTH_MAX {
        return *schema != Json::Bool(false);
    }
    let ty = ty.required();
    if let (Type::Enum(members), Some(values)) = (ty, schema.get("enum").and_then(Json::as_array)) {
        // a member that the tool does not know will be used some day
        return members
            .iter()
            .all(|member| values.iter().any(|value| value.as_str() == Some(member)));
    }
    let fits = match schema.get("type") {
        Some(Json::String(name)) => is_of(ty, name),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).any(|name| is_of(ty, name)),
        _ => true,
    };
    fits && match ty {
        Type::List(list) => schema
            .get("items")
            .is_none_or(|items| overlaps(&list.item, items, types, depth + 1)),
        Type::Map(item) => schema
            .get("additionalProperties")
            .is_none_or(|items| !items.is_object() || overlaps(item, items, types, depth + 1)),
        Type::Record(name) => types.get(name).is_none_or(|record| {
            let fields = record.fields.iter().map(|field| (&field.name, &field.ty));
            fields_overlap(fields, schema, types, depth)
        }),
        Type::Fields(fields) => fields_overlap(fields.iter(), schema, types, depth),
        _ => true,
    }
}

fn fields_overlap<'t>(
    fields: impl Iterator<Item = (&'t SmolStr, &'t Type)>,
    schema: &Json,
    types: &Types,
    depth: u32,
) -> bool {
    let Some(known) = properties(schema) else { return true };
    let mut fields = fields;
    fields.all(|(name, ty)| {
        known
            .get(name.as_str())
            .is_none_or(|schema| overlaps(ty, schema, types, depth + 1))
    })
}

/// Whether data of the type may be a JSON value of that kind; quantities have more than one form.
fn is_of(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Bool => name == "boolean",
        Type::Int(_) => matches!(name, "integer" | "number"),
        Type::Float(_) => matches!(name, "integer" | "number"),
        Type::List(_) => name == "array",
        Type::Map(_) | Type::Record(_) | Type::Fields(_) => name == "object",
        ty if ty.is_text() || *ty == Type::Time => name == "string",
        _ => true,
    }
}

fn described(schema: &Json) -> String {
    match (schema.get("enum"), schema.get("type")) {
        (Some(values), _) => format!("one of `{values}`"),
        (_, Some(Json::String(name))) => format!("`{name}`"),
        (_, Some(names)) => format!("`{names}`"),
        _ => "something else".to_owned(),
    }
}
