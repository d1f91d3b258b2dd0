; A plan is a scope of nodes; what stands at the margin belongs to the file.

(source_file) @local.scope
(plan) @local.scope

(task name: (dotted_name) @local.definition.function)
(gate name: (dotted_name) @local.definition.function)
(decision name: (dotted_name) @local.definition.function)
(hypothesis name: (dotted_name) @local.definition.constant)
(type name: (identifier) @local.definition.type)
(capability name: (dotted_name) @local.definition.function)

(needs (identifier) @local.reference)
(optional_need (identifier) @local.reference)
(any_need . (identifier) (identifier) @local.reference)
(quorum_need (identifier) @local.reference)
(route to: (identifier) @local.reference)
(arm to: (identifier) @local.reference)
(else_arm to: (identifier) @local.reference)
(named_type name: (dotted_name) @local.reference)
(field_access value: (identifier) @local.reference)
