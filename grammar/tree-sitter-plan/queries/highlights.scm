; Each node is captured once, so that it does not matter whether an editor prefers the first pattern or the last.

(comment) @comment
(doc_comment) @comment.documentation

; ---------- declarations ----------

["type" "capability" "agent" "policy" "plan" "profile" "test" "task" "gate" "decision" "hypothesis"] @keyword
"use" @keyword.import
(use "from" @keyword.import)

; Words that are keywords in one place only: elsewhere most of them are keys or names.
(use "as" @keyword.modifier)
(profile "of" @keyword.modifier)
(test "of" @keyword.modifier)
(quorum_need "of" @keyword.modifier)
(each ["in" "by"] @keyword.modifier)
(retry "on" @keyword.modifier)
(rate ["per" "call"] @keyword.modifier)
(breaker ["failures" "in" "probe" "after"] @keyword.modifier)
(memory_entry "scope" @keyword.modifier)
(evidence "when" @keyword.conditional)
(evidence "by" @keyword.modifier)
(fail "when" @keyword.conditional)
(alert "when" @keyword.conditional)
(alert "severity" @keyword.modifier)
(mock "when" @keyword.conditional)
(mock ["by" "then"] @keyword.modifier)
(reply ["fails" "times"] @keyword.modifier)
(decide ["as" "choosing" "after"] @keyword.modifier)
(conditional ["if" "else"] @keyword.conditional)
(cast "as" @keyword.operator)
(selector "where" @keyword.modifier)
(override ["on" "by"] @keyword.modifier)

(use alias: (identifier) @module)
(use pick: (dotted_name) @module)
(type name: (identifier) @type.definition)
(capability name: (dotted_name) @function)
(agent name: (dotted_name) @constant)
(policy name: (dotted_name) @module)
(plan name: (dotted_name) @module)
(profile name: (identifier) @module)
(profile of: (dotted_name) @module)
(test of: (dotted_name) @module)
(task name: (dotted_name) @function)
(gate name: (dotted_name) @function)
(decision name: (dotted_name) @function)
(hypothesis name: (dotted_name) @constant)
(rule name: (dotted_name) @module)

; ---------- clauses ----------

(clause key: (key) @property)
(attribute key: (key) @property)
(override path: (dotted_name) @property)
(arm key: (key) @keyword.conditional)
(else_arm key: (key) @keyword.conditional)
(fail key: (key) @keyword)
(remember key: (key) @keyword)
(evidence key: (key) @keyword)
(route key: (key) @keyword)
(alert key: (key) @keyword)
(rule key: (key) @keyword)
(mock key: (key) @keyword)
(decide key: (key) @keyword)

(entry name: (identifier) @variable.member)
(field name: (identifier) @variable.member)
(typed_entry name: (identifier) @variable.member)
(memory_entry name: (dotted_name) @variable.member)
(memory_entry scope: (identifier) @constant)
(limit_entry name: (identifier) @variable.member)
(pair key: (identifier) @variable.member)
(named_argument name: (identifier) @variable.parameter)
(each name: (identifier) @variable.parameter)
(step bind: (identifier) @variable.parameter)
(step capability: (dotted_name) @function.call)
(effect name: (identifier) @function.call)
(option name: (identifier) @constant)

; What names a node of the graph, and what names an event of one.
(needs (identifier) @function)
(optional_need (identifier) @function)
(any_need join: (identifier) @keyword.modifier)
(any_need . (identifier) (identifier) @function)
(quorum_need (identifier) @function)
(route event: (identifier) @label)
(route to: (identifier) @function)
(arm to: (identifier) @function)
(else_arm to: (identifier) @function)
(fail name: (identifier) @label)
(retry mode: (identifier) @label)
(reply mode: (identifier) @label)
(mock task: (identifier) @function)
(mock capability: (dotted_name) @function)
(mock agent: (identifier) @constant)
(decide gate: (identifier) @function)
(decide option: (identifier) @constant)
(alert severity: (identifier) @constant)
(evidence name: (identifier) @constant)
(remember name: (dotted_name) @variable.member)
(names (dotted_name) @constant)
(names (pattern) @constant)

; ---------- types ----------

((named_type name: (dotted_name) @type.builtin)
  (#any-of? @type.builtin
    "string" "int" "float" "bool" "duration" "size" "money" "time" "url" "path" "regex" "version" "principal" "json" "file"
    "dir" "list" "map" "secret"))
((named_type name: (dotted_name) @type)
  (#not-any-of? @type
    "string" "int" "float" "bool" "duration" "size" "money" "time" "url" "path" "regex" "version" "principal" "json" "file"
    "dir" "list" "map" "secret"))
(enumeration (identifier) @constant)

; ---------- expressions ----------

(call function: (identifier) @function.call)
(pipe function: (identifier) @function.call)
(field_access field: (identifier) @variable.member)
(item_field field: (identifier) @variable.member)
(selector what: (identifier) @keyword.modifier)
(operator) @operator
["is" "not" "empty"] @keyword.operator
["->" "|" "=" ".." "?"] @operator

[(integer) (float) (quantity) (money) (ratio) (version)] @number
(boolean) @boolean
(none) @constant.builtin
(principal) @constant
(wildcard) @constant
(regex) @string.regexp
(string) @string
(escape) @string.escape
(interpolation ["{{" "}}"] @punctuation.special)
(raw_interpolation) @string.special
(raw_text) @string

["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ":" "." "-" ".*"] @punctuation.delimiter
