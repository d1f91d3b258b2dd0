; Scripts are a shell's; those of a task `using: python` are Python's.

((clause key: (key) @_key value: (script (raw_content) @injection.content)) @_clause
  (#any-of? @_key "run" "rollback")
  (#set! injection.language "bash")
  (#set! injection.include-children))

((task
  body: (body
    (clause key: (key) @_using value: (names (dotted_name) @injection.language))
    (clause key: (key) @_run value: (script (raw_content) @injection.content))))
  (#eq? @_using "using")
  (#eq? @_run "run")
  (#eq? @injection.language "python")
  (#set! injection.include-children))

((task
  (attribute key: (key) @_using value: (identifier) @injection.language)
  body: (body
    (clause key: (key) @_run value: (script (raw_content) @injection.content))))
  (#eq? @_using "using")
  (#eq? @_run "run")
  (#eq? @injection.language "python")
  (#set! injection.include-children))
