//! Clauses of other tools, and of other declarations: what they are called here, or what is written instead.
//!
//! Absent: words that are no clauses.

use dsl_syntax::ast::{Clause, Decl};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use super::{nearest, plain};

/// The clause of a declaration that other declarations, or pipelines elsewhere, call this.
pub(crate) fn clause_called(kind: DeclKind, word: &str) -> Option<K> {
    let key = match (kind, plain(word).as_str()) {
        (
            DeclKind::Task,
            "checks"
            | "check"
            | "assertions"
            | "criteria"
            | "acceptance"
            | "acceptance_criteria"
            | "postcondition"
            | "postconditions"
            | "definition_of_done"
            | "invariant"
            | "invariants",
        ) => K::Expect,
        (DeclKind::Task, "precondition" | "preconditions" | "prerequisites" | "guard" | "guards") => K::Requires,
        (DeclKind::Task, "assumptions") => K::Assumes,
        (DeclKind::Task, "permissions" | "scopes" | "side_effects") => K::Effects,
        (DeclKind::Task, "cache_for" | "ttl" | "expires" | "expiry") => K::Cache,
        (DeclKind::Task, "strategy" | "repeat_for") => K::Each,
        (DeclKind::Task, "use" | "provider") => K::Using,
        (DeclKind::Task, "walltime" | "deadline" | "time" | "time_limit" | "max_time") => K::Timeout,
        (DeclKind::Task, "priority_class" | "weight" | "nice") => K::Priority,
        (
            DeclKind::Task,
            "result" | "results" | "returns" | "return" | "yields" | "outcome" | "exports" | "register",
        ) => K::Output,
        (DeclKind::Plan, "result" | "results" | "returns" | "return" | "outcome" | "exports") => K::Outputs,
        (DeclKind::Plan, "deadline" | "time_limit") => K::Timeout,
        (DeclKind::Plan, "state" | "facts") => K::Memory,
        (DeclKind::Plan, "fail_fast" | "error_handling") => K::Failure,
        (DeclKind::Plan, "credentials" | "secret" | "vault") => K::Secrets,
        (DeclKind::Plan, "concurrency" | "max_parallel" | "pool" | "throttle") => K::Limits,
        (DeclKind::Gate, "check" | "criteria" | "conditions" | "assertions" | "preconditions" | "requirements") => {
            K::Checks
        }
        (DeclKind::Gate, "approvals" | "approved_by" | "users" | "people" | "roles") => K::Approver,
        (DeclKind::Gate, "min_approvals" | "count" | "required" | "required_approvals") => K::Quorum,
        (DeclKind::Test, "mocks" | "stub" | "stubs" | "fake" | "simulate") => K::Mock,
        (DeclKind::Test, "approvals") => K::Approve,
        (DeclKind::Test, "setup" | "fixture" | "fixtures" | "arguments" | "args" | "variables" | "vars") => K::Given,
        (DeclKind::Test, "should" | "assertions" | "check" | "checks") => K::Expect,
        (DeclKind::Policy, "limits" | "quota" | "quotas") => K::Limit,
        (DeclKind::Policy, "permissions" | "permit" | "allowed" | "allow_list" | "allowlist" | "whitelist") => K::Allow,
        (DeclKind::Policy, "target" | "targets" | "plans" | "match" | "where") => K::Applies,
        (DeclKind::Policy, "rules") => K::Rule,
        (DeclKind::Agent, "tool" | "functions") => K::Provides,
        (DeclKind::Capability, "return" | "response" | "output_schema") => K::Output,
        (DeclKind::Capability, "request" | "input_schema" | "parameters") => K::Input,
        (DeclKind::Capability, "price" | "pricing") => K::Cost,
        (DeclKind::Hypothesis, "p" | "weight" | "belief") => K::Prior,
        (DeclKind::Hypothesis, "claim" | "statement" | "because" | "reason") => K::Description,
        (DeclKind::Gate, "expect" | "requires") => K::Checks,
        (DeclKind::Task, "outputs") => K::Output,
        (DeclKind::Plan, "output") => K::Outputs,
        (DeclKind::Task | DeclKind::Capability, "params") => K::Input,
        (DeclKind::Plan, "input" | "inputs" | "arguments" | "variables" | "vars") => K::Params,
        (DeclKind::Test, "input" | "inputs" | "params" | "with") => K::Given,
        (DeclKind::Test, "then") => K::Expect,
        (DeclKind::Agent, "tools" | "capabilities" | "skills") => K::Provides,
        (DeclKind::Capability, "returns" | "outputs" | "result") => K::Output,
        (DeclKind::Gate, "by") => K::Approver,
        (DeclKind::Decision, "otherwise") => K::Else,
        (DeclKind::Hypothesis, "probability" | "likelihood" | "confidence" | "odds") => K::Prior,
        (DeclKind::Capability, "permissions") => K::Effects,
        (DeclKind::Agent, "role" | "persona" | "goal" | "backstory") | (DeclKind::Plan, "goal" | "purpose") => {
            K::Description
        }
        (DeclKind::Gate, "choices" | "answers") => K::Options,
        (DeclKind::Agent, "rate_limit" | "quota" | "quotas") => K::Limits,
        (DeclKind::Policy, "scope" | "for" | "applies_to") => K::Applies,
        (DeclKind::Task, "idempotency_key") => K::Key,
        (DeclKind::Task, "agent" | "agents" | "assignee" | "assigned_to" | "actor") => K::By,
        (DeclKind::Task, "confirms" | "proves" | "corroborates") => K::Supports,
        (DeclKind::Task, "rejects" | "disproves" | "contradicts" | "rules_out") => K::Refutes,
        (DeclKind::Task, "undo" | "revert" | "compensate") => K::Rollback,
        (
            _,
            "depends_on" | "dependson" | "depends" | "dependencies" | "after" | "require" | "upstream" | "waits_for",
        ) => K::Needs,
        (_, "command" | "cmd" | "script" | "exec" | "steps") => K::Run,
        (_, "retries" | "max_retries" | "attempts" | "max_attempts") => K::Retry,
        (_, "if" | "condition" | "only_if" | "run_if") => K::When,
        (_, "environment" | "vars" | "variables") => K::Env,
        (_, "inputs" | "with" | "args" | "arguments") => K::Input,
        (_, "for" | "foreach" | "for_each" | "matrix" | "loop" | "with_items") => K::Each,
        (_, "cwd" | "workdir" | "working_dir" | "working_directory") => K::Dir,
        (_, "uses" | "tool" | "capability") => K::Using,
        (_, "assert" | "asserts" | "expects" | "success" | "validate" | "verify" | "ensure") => K::Expect,
        (_, "parameters") => K::Params,
        (_, "desc" | "summary" | "about" | "comment" | "comments" | "note" | "notes" | "doc" | "docs") => {
            K::Description
        }
        (_, "tag" | "tags" | "category" | "annotations") => K::Labels,
        (_, "author" | "authors" | "maintainer" | "maintainers" | "team" | "responsible") => K::Owner,
        (_, "concurrency" | "max_parallel") => K::Parallel,
        (_, "allow_failure" | "continue_on_error") => K::Optional,
        (_, "approvers" | "reviewer" | "reviewers") => K::Approver,
        _ => return None,
    };
    table::clauses(kind).iter().any(|row| row.key == key).then_some(key)
}

/// What to write instead of a clause that others have and this language has not.
pub(crate) fn instead_of_clause(kind: DeclKind, word: &str) -> Option<String> {
    Some(match (kind, plain(word).as_str()) {
        (DeclKind::Plan, "steps" | "tasks" | "jobs" | "stages" | "nodes") => {
            "each `task` stands in the plan by itself".to_owned()
        }
        (_, "name" | "title" | "question") | (DeclKind::Gate, "ask" | "prompt" | "message") => {
            format!("it stands in the header: `{} some-name \"…\"`", kind.keyword())
        }
        (DeclKind::Plan, "const" | "let" | "var" | "set" | "constants" | "globals" | "locals") => {
            "a value with a name is a parameter with a default, below `params:`: `name: type = value`".to_owned()
        }
        (DeclKind::Plan, "if" | "unless") => "a choice is a `decision`, or the `when:` of a task".to_owned(),
        (DeclKind::Plan, "for" | "foreach" | "loop" | "while" | "repeat") => {
            "a task is repeated by its `each:`".to_owned()
        }
        (DeclKind::Plan, "on" | "when") => {
            "a plan is started from outside, by `dslc run`; what follows a node is a route below that node".to_owned()
        }
        (DeclKind::Plan, "env" | "environment") => "each task says what it needs: `env:` below the task".to_owned(),
        (DeclKind::Plan, "use" | "import" | "include") => {
            "a file is imported at the margin, `use \"file.plan\"`; a plan is called by a task, `call: some-plan`"
                .to_owned()
        }
        (DeclKind::Task, "memory" | "save" | "store" | "memorize") => {
            "a task writes memory by `remember some-key = …`, and reads `memory.some-key`".to_owned()
        }
        (DeclKind::Plan, "parallel" | "concurrent") => {
            "tasks that do not need each other run at once; `limits:` says how many".to_owned()
        }
        (
            DeclKind::Plan,
            "schedule" | "cron" | "every" | "interval" | "start" | "start_date" | "end_date" | "catchup",
        ) => "a plan has no clock: start `dslc run` by one, such as that of CI".to_owned(),
        (
            DeclKind::Plan,
            "hooks" | "hook" | "before" | "setup" | "init" | "pre" | "pre_run" | "before_all" | "prerequisites",
        ) => "what comes first is a task, and the others need it: `needs: that-task`".to_owned(),
        (
            DeclKind::Plan,
            "after" | "teardown" | "finally" | "always" | "cleanup" | "post" | "post_run" | "after_all",
        ) => "what comes last is a task with routes to it: `on success -> that-task` and `on failure -> that-task`"
            .to_owned(),
        (
            DeclKind::Plan,
            "on_failure" | "on_error" | "rescue" | "catch" | "on_success" | "notify" | "notifications" | "monitor"
            | "webhook",
        ) => "who is told of what is a task, and a node has a route to it: `on failure -> that-task`".to_owned(),
        (DeclKind::Plan, "environments" | "envs" | "config" | "settings" | "configuration") => {
            "what differs between runs is a parameter, below `params:`; a `profile` sets several at once".to_owned()
        }
        (DeclKind::Plan, "defaults" | "default") => {
            "the default of its tasks: `retry: …`, `dir: …`; of a parameter: `name: type = value`".to_owned()
        }
        (DeclKind::Plan, "extends" | "inherits" | "template" | "parent" | "base") => {
            "a plan is used by a task, `call: some-plan`; what differs is a parameter, or a `profile`".to_owned()
        }
        (DeclKind::Plan, "test" | "mock" | "fixtures" | "expect" | "examples") => {
            "tests stand at the margin: `test \"…\" of this-plan`".to_owned()
        }
        (DeclKind::Plan, "functions" | "function" | "func" | "run" | "script" | "command") => {
            "scripts stand in tasks: `run: \"…\"`".to_owned()
        }
        (DeclKind::Plan, "types" | "schema" | "schemas" | "enum" | "enums") => {
            "types stand at the margin: `type Some-Name`, with its fields below".to_owned()
        }
        (DeclKind::Plan, "approval" | "approvals" | "approver" | "review" | "reviewers") => {
            "a person is asked by a `gate` with an `approver:`".to_owned()
        }
        (DeclKind::Plan, "checkpoint" | "checkpoints" | "persist" | "resume" | "restart") => {
            "every run keeps what is done: `dslc resume` goes on with one that was interrupted".to_owned()
        }
        (DeclKind::Plan, "log" | "logs" | "logging" | "verbose" | "trace" | "metrics") => {
            "every run keeps a journal: see `dslc show`, `dslc logs` and `dslc export`".to_owned()
        }
        (DeclKind::Task | DeclKind::Gate, "next" | "then" | "goto" | "downstream" | "transitions" | "branches") => {
            format!(
                "what follows says it: `needs: this-{0}`; or this {0} has a route, `on success -> that-task`",
                kind.keyword()
            )
        }
        (DeclKind::Task, "artifact" | "artifacts" | "produces" | "creates" | "report" | "reports" | "files") => {
            "a file that it leaves is an output: `report: file = file(\"out/report.md\")` below `output:`".to_owned()
        }
        (
            DeclKind::Task,
            "docker" | "image" | "container" | "runs_on" | "os" | "host" | "hosts" | "platform" | "machine",
        ) => "a script runs on this machine; what brings it elsewhere stands in it: `run: \"docker run …\"`".to_owned(),
        (DeclKind::Task, "interpreter" | "language" | "lang" | "entrypoint" | "executor" | "runtime") => {
            "what runs the script is said by `shell: \"python3\"`".to_owned()
        }
        (
            DeclKind::Task,
            "code" | "python" | "bash" | "sh" | "func" | "function" | "echo" | "print" | "log" | "msg",
        ) => "what it does is a script: `run: \"…\"`, or `run: |` and its lines below".to_owned(),
        (
            DeclKind::Task | DeclKind::Gate,
            "skip" | "skip_if" | "unless" | "enabled" | "disabled" | "only" | "except" | "exclude" | "active",
        ) => format!(
            "whether it runs is said by `when: …`: where that is false, the {} is skipped",
            kind.keyword()
        ),
        (DeclKind::Task, "while" | "until" | "repeat") => {
            "a task runs once, or once for each item of `each: x in …`; until something holds: `expect:` with `retry:`"
                .to_owned()
        }
        (
            DeclKind::Task,
            "pool" | "queue" | "lock" | "mutex" | "semaphore" | "resources" | "cpu" | "memory_limit" | "mem",
        ) => "how much runs at once is said by the plan: `limits:` with `parallel: 2` below".to_owned(),
        (DeclKind::Task, "subtasks" | "tasks" | "children" | "substeps") => {
            "tasks stand side by side in the plan; several calls in order are its `do:`".to_owned()
        }
        (DeclKind::Task, "notify" | "notification" | "notifications" | "alert" | "alerts" | "webhook" | "slack") => {
            "who is told of what is a task of its own, with a route to it: `on failure -> that-task`".to_owned()
        }
        (
            DeclKind::Task | DeclKind::Capability | DeclKind::Agent,
            "credentials" | "api_key" | "token" | "password" | "secret",
        ) => "it is a secret of the plan, below its `secrets:`; a task reads `secrets.…` in `env:` or `input:`"
            .to_owned(),
        (DeclKind::Gate, "escalate" | "escalation" | "escalate_to") => {
            "write `timeout: 4h` and `on timeout -> some-task`".to_owned()
        }
        (DeclKind::Decision, "branch" | "branches" | "options" | "choices" | "arms" | "match") => {
            "an arm is one line: `when some-condition -> some-node`".to_owned()
        }
        (DeclKind::Policy, "severity" | "enforcement" | "level") => {
            "it stands in a rule: `rule some-name`, and below it `severity: warning`".to_owned()
        }
        (DeclKind::Plan, "subplan" | "call") => "a task calls a plan: `call: some-plan`".to_owned(),
        (DeclKind::Task, "trigger_rule") => {
            "what follows a failure is a route of the task that fails: `on failure -> this-task`".to_owned()
        }
        (_, "end" | "done" | "fi" | "endif") => "leave it out: what belongs together is told by indentation".to_owned(),
        (
            DeclKind::Capability,
            "type" | "kind" | "server" | "transport" | "protocol" | "provider" | "implementation",
        ) => "how it is run is said by `runner:`, as `mcp(command: …, tool: …)`, `http(…)`, `llm(…)` or `shell(…)`"
            .to_owned(),
        (DeclKind::Capability, "method" | "url" | "headers" | "body" | "endpoint") => {
            "it stands in the runner: `runner: http(method: …, url: …, body: …)`".to_owned()
        }
        (DeclKind::Capability, "run" | "script" | "command" | "cmd" | "exec") => {
            "it stands in the runner: `runner: shell(\"…\")`".to_owned()
        }
        (DeclKind::Capability, "timeout" | "retry" | "retries" | "env") => {
            format!("each task that uses it says so: `{word}:` below the task")
        }
        (DeclKind::Agent, "memory") => "what is remembered belongs to a plan: its `memory:`".to_owned(),
        (DeclKind::Plan, "uses" | "tools" | "capabilities") => {
            "a task says what it uses: `using:some.capability`".to_owned()
        }
        (DeclKind::Plan, "agents" | "agent" | "by") => "a task says who does it: `by: some-agent`".to_owned(),
        (DeclKind::Plan, "max_cost" | "max_time" | "max_tokens" | "cost" | "deadline") => {
            "what a run may take stands below `budget:`, as `cost: $5.00` or `time: 2h`".to_owned()
        }
        (DeclKind::Test, "when") => "a test runs its plan by itself, with what `given:` says".to_owned(),
        (DeclKind::Capability | DeclKind::Agent, "model" | "prompt" | "system_prompt" | "instructions") => {
            "it stands in the runner: `runner: llm(model: …, url: …, prompt: …)`".to_owned()
        }
        (DeclKind::Capability | DeclKind::Agent, "temperature" | "max_tokens" | "top_p" | "system") => {
            "what else a model is told stands in the request of a runner `http(method: …, url: …, body: …)`".to_owned()
        }
        (DeclKind::Policy, "deny" | "forbid" | "require" | "requires" | "must") => {
            "it stands in a rule: `rule some-name`, and below it `for: …` and `require: …` or `deny: …`".to_owned()
        }
        (DeclKind::Policy, "max_cost" | "max_time" | "max_tasks" | "max_tokens" | "budget" | "timeout") => {
            "a bound stands below `limit:`, as `cost: $10.00`".to_owned()
        }
        (DeclKind::Plan, "policies" | "policy") => {
            "a policy says itself which plans it binds: `applies: plan where …`".to_owned()
        }
        (DeclKind::Decision, "then" | "case" | "cases" | "switch") => {
            "an arm is one line: `when some-condition -> some-node`".to_owned()
        }
        (
            DeclKind::Task,
            "ask" | "approval" | "approvals" | "approve" | "confirm" | "human" | "sign_off" | "review" | "manual",
        ) => "a person is asked by a `gate` with an `approver:`".to_owned(),
        (DeclKind::Task, "sleep" | "wait" | "delay" | "pause") => {
            "waiting is work of a script: `run: \"sleep 60\"`".to_owned()
        }
        (DeclKind::Task, "cost" | "max_cost" | "max_tokens") => {
            "what it may take stands below `budget:`, as `cost: $5.00`".to_owned()
        }
        (DeclKind::Decision, "default") => "write `else -> some-node`".to_owned(),
        (DeclKind::Hypothesis, "evidence" | "test" | "check" | "checks") => {
            "evidence stands in the tasks that find it: `supports this-hypothesis when … by 4`".to_owned()
        }
        (DeclKind::Task, "finally" | "always" | "cleanup") => {
            "write two routes: `on success -> some-task` and `on failure -> some-task`".to_owned()
        }
        (DeclKind::Test, "of" | "plan") => "it stands in the header: `test \"…\" of some-plan`".to_owned(),
        (DeclKind::Task, "model" | "prompt" | "instructions") => {
            "a task uses a capability, and that has a runner: `runner: llm(model: …, url: …, prompt: …)`".to_owned()
        }
        (DeclKind::Task, "url" | "method" | "headers" | "body" | "endpoint") => {
            "a request is a capability: `using:http.get` or `http.post`, and what it gets stands below `input:`"
                .to_owned()
        }
        (_, "retry_delay" | "retry_backoff" | "backoff" | "retry_on" | "max_delay") => {
            "it stands in the retry: `retry: linear(max: 3, base: 5s) on timeout`, or `exponential(…)`".to_owned()
        }
        (DeclKind::Task, "secrets") => {
            "name it in the `secrets:` of the plan, and read `secrets.…` in `env:`".to_owned()
        }
        (_, "on_failure" | "onfailure" | "on_error" | "onerror" | "rescue") if kind.is_node() => {
            "write `on failure -> some-task`".to_owned()
        }
        (_, "on_success" | "onsuccess") if kind.is_node() => "write `on success -> some-task`".to_owned(),
        (_, "on_timeout" | "ontimeout") if kind.is_node() => "write `on timeout -> some-task`".to_owned(),
        _ => return None,
    })
}

/// What to write instead of a clause that rules have elsewhere.
pub(crate) fn instead_of_rule_clause(word: &str) -> Option<&'static str> {
    Some(match plain(word).as_str() {
        "when" | "if" | "where" | "applies" | "on" | "match" => {
            "which nodes it is about stands in `for: task where kind == deploy`"
        }
        "must" | "assert" | "check" | "expect" | "allow" | "ensure" => {
            "what has to hold stands in `require: …`, what may not in `deny: …`"
        }
        "message" | "title" | "description" | "name" => "it stands in the header: `rule some-name \"…\"`",
        "level" | "enforcement" | "action" => "how bad it is to break it stands in `severity: warning`",
        _ => return None,
    })
}

/// The clauses of a declaration, each with what it is, or was meant to be.
pub(crate) fn clauses_meant(decl: &Decl) -> impl Iterator<Item = (K, &Clause)> {
    let meant = |word: &str| clause_called(decl.kind, word).or_else(|| clause_near(decl.kind, word));
    decl.clauses
        .iter()
        .filter_map(move |clause| Some((clause.key.or_else(|| meant(&clause.name.text))?, clause)))
}

fn clause_near(kind: DeclKind, word: &str) -> Option<K> {
    let rows = table::clauses(kind);
    let words: Vec<SmolStr> = rows.iter().map(|row| row.key.word().into()).collect();
    let near = nearest(word, &words);
    table::find(rows, near.first()?).map(|row| row.key)
}
