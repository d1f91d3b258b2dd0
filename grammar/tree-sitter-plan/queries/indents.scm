; What a new line below a header or a key is deeper than.

[
  (type)
  (capability)
  (agent)
  (policy)
  (plan)
  (profile)
  (test)
  (task)
  (gate)
  (decision)
  (hypothesis)
  (rule)
  (clause)
  (list)
  (record)
  (arguments)
] @indent.begin

[")" "]" "}"] @indent.branch
