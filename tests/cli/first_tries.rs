//! Plans as somebody writes them on the first day, with ten mistakes each: what is said of them is read here as that
//! person reads it.

use plan_tests::{Project, root};

use super::snapshot;

fn tried(name: &str) -> Project {
    let text = std::fs::read_to_string(root().join("tests/cli/first_tries").join(name)).expect("a plan");
    Project::new(&[(name, &text)])
}

#[test]
fn a_release_by_somebody_who_comes_from_pipelines() {
    snapshot!(tried("release.plan"), "check");
}

#[test]
fn a_research_plan_of_an_agent() {
    snapshot!(tried("research.plan"), "check");
}

#[test]
fn a_runbook() {
    snapshot!(tried("incident.plan"), "check");
}

#[test]
fn a_fan_out_with_secrets() {
    snapshot!(tried("fanout.plan"), "check");
}

#[test]
fn a_profile_and_a_test() {
    snapshot!(tried("tests.plan"), "check");
}

#[test]
fn what_would_be_yaml_elsewhere() {
    snapshot!(tried("as-yaml.plan"), "check");
}

#[test]
fn clauses_by_the_words_of_others() {
    snapshot!(tried("other-words.plan"), "check");
}

#[test]
fn a_nightly_report_in_the_types_and_units_of_others() {
    snapshot!(tried("nightly.plan"), "check");
    snapshot!(tried("nightly.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn agents_as_their_frameworks_have_them() {
    snapshot!(tried("agents.plan"), "check");
}

#[test]
fn a_deployment_in_yaml_of_the_mind() {
    snapshot!(tried("deploy.plan"), "check");
    snapshot!(tried("deploy.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn a_pipeline_that_loads_a_warehouse() {
    snapshot!(tried("warehouse.plan"), "check");
    snapshot!(tried("warehouse.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn a_release_under_policies_as_one_imagines_them() {
    snapshot!(tried("governed.plan"), "check");
    snapshot!(tried("governed.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn expectations_in_the_expressions_of_other_languages() {
    snapshot!(tried("expressions.plan"), "check");
    snapshot!(tried("expressions.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn a_service_released_without_a_look_at_the_reference() {
    snapshot!(tried("service.plan"), "check");
    snapshot!(tried("service.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn an_investigation_by_hypotheses() {
    snapshot!(tried("debugging.plan"), "check");
    snapshot!(tried("debugging.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn a_nightly_job_with_secrets_and_a_memory() {
    snapshot!(tried("secrets.plan"), "check");
    snapshot!(tried("secrets.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn tools_and_agents_as_other_frameworks_declare_them() {
    snapshot!(tried("tools.plan"), "check");
    snapshot!(tried("tools.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn a_policy_a_profile_and_tests_as_one_imagines_them() {
    snapshot!(tried("checks.plan"), "check");
    snapshot!(tried("checks.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn a_debate_of_agents() {
    snapshot!(tried("chat.plan"), "check");
    snapshot!(tried("chat.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn an_audit_that_is_almost_right() {
    snapshot!(tried("audit.plan"), "check");
    snapshot!(tried("audit.plan"), "check", "--unsafe-fixes", "--diff");
}

#[test]
fn what_is_no_plan_at_all() {
    let project = Project::new(&[
        (
            "notes.plan",
            "# Release\n\n## Goal\nShip version 2 by Friday.\n\n- [ ] Build\n",
        ),
        (
            "json.plan",
            "{\n  \"name\": \"release\",\n  \"tasks\": [{\"id\": \"build\", \"run\": \"make\"}]\n}\n",
        ),
        ("hcl.plan", "task \"build\" {\n  run = \"make build\"\n}\n"),
        ("make.plan", "task deploy: build\n  make deploy\n"),
        (
            "braces.plan",
            "plan release {\n  task build {\n    run: \"make\"\n  }\n}\n",
        ),
    ]);
    snapshot!(project, "check");
}

#[test]
fn a_release_that_is_announced() {
    snapshot!(tried("ship.plan"), "check");
    snapshot!(tried("ship.plan"), "check", "--unsafe-fixes", "--diff");
}
