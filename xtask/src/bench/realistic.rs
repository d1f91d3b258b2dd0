//! A plan of the size and variety of real ones: the mix of clauses of `examples/`, about 320 bytes a node.

/// What every part uses.
const HEAD: &str = r#"## Many parts, each researched, written, tested and released.

type Source
  title: string(1..)
  link: url
  reason: string?

type Depth = shallow | moderate | deep

capability web.find "Search the web"
  input:
    query: string(1..400)
    limit: int(1..100) = 10
  output:
    items: list[Source]
  runner: shell("search")
  effects: network("*")
  cost: $0.002 per call
  idempotent: true

capability web.get "Fetch pages"
  input:
    links: list[url](1..)
  output:
    body: string
  runner: shell("fetch")
  effects: network("*")
  idempotent: true

agent researcher "Searches and reads"
  provides: web.find, web.get
  breaker: 5 failures in 1m, probe after 30s

policy bounded "Scripts are bounded"
  rule timeouts "Scripts have a timeout"
    for: task where using == shell
    require: timeout <= 30m

plan realistic "A plan of the size of real ones"
  version: 1.0.0
  params:
    ## As one would type it into a search box
    topic: string(3..200) = "HTTP/3 congestion control"
    depth: Depth = moderate
    ## How many claims are enough
    least: int(0..) = 3
    folder: path = "."
  limits:
    parallel: 8
  retry: exponential(max: 2, base: 1s, cap: 30s) on timeout, rate-limited
"#;

/// The nodes of part `@`.
const PART: &str = r#"
  # part @: from a question to a release
  task collect-@ "Find sources for part @" kind:research using:web.find
    by: researcher
    input:
      query: "{{ params.topic }} part @"
      limit: 30 if params.depth == deep else 10
    output:
      sources: list[Source] = result.items
    fail no-results when sources is empty
    expect:
      - len(sources) >= 5
    timeout: 2m
    fallback: broaden-@

  task broaden-@ "Broaden the query of part @" kind:research using:web.find
    by: researcher
    input:
      query: "{{ params.topic }} OR part @"
      limit: 50
    output:
      sources: list[Source] = result.items
    timeout: 2m

  task read-@ "Fetch {{ source.title }}" kind:research using:web.get
    needs: collect-@
    each: source in collect-@.sources by source.link
    parallel: 4
    tolerate: 20%
    input:
      links: [source.link]
    output:
      body: string = result.body
    timeout: 30s

  task analyse-@ "What part @ claims" kind:analyze
    needs: read-@
    dir: params.folder
    env:
      TEXTS: read-@.body | join("\n")
    run: |
      printf '%s\n' {{ params.topic }} > topic-@.txt
      printf '%s' "$TEXTS" | sort -u | sed -n 1,20p
    output:
      claims: list[string] = lines(stdout) | where(len(it) > 0)
    effects: write("topic-@.txt")
    timeout: 1m

  decision route-@ "Write part @ anew, or revise it?"
    needs: analyse-@
    when len(analyse-@.claims) >= params.least -> draft-@
    else -> revise-@

  task draft-@ "Create part @" kind:implement
    dir: params.folder
    run: |
      printf '# Part @\n\n%s\n' {{ analyse-@.claims | join("\n") | truncate(400) }} > part-@.md
    output:
      document: file = file("part-@.md")
    effects: write("part-@.md")
    timeout: 10s

  task revise-@ "Revise part @" kind:implement
    dir: params.folder
    run: |
      printf '\n## Revision\n\n%s\n' {{ analyse-@.claims | join("\n") }} >> part-@.md
    output:
      document: file = file("part-@.md")
    effects: write("part-@.md")
    timeout: 10s
    idempotent: false
    retry: 0
    on in-doubt -> check-@

  task check-@ "Was part @ revised before the crash?" kind:analyze
    timeout: 10s
    run: |
      grep -c Revision part-@.md

  task test-@ "Does part @ hold" kind:test
    needs: any(draft-@, revise-@)
    dir: params.folder
    run: |
      wc -w < part-@.md
    output:
      words: int = int(trim(stdout))
    fail too-short when words < 40 "part @ has {{ words }} words only"
    expect:
      - words < 10000
    timeout: 10m
    on too-short -> triage-@

  task triage-@ "Say what part @ lacks" kind:debug
    timeout: 10s
    run: |
      echo "part @: {{ test-@.error.message }}"

  gate release-@ "Part @ may go out"
    needs: test-@
    approver: role/release
    timeout: 1d
"#;

const NODES: usize = 11;
/// How many parts go on side by side.
const LANES: usize = 8;

/// A plan of about `count` nodes.
pub fn plan(count: usize) -> String {
    let mut text = String::from(HEAD);
    for part in 0..count.div_ceil(NODES) {
        let mut nodes = PART.replace('@', &part.to_string());
        if let Some(before) = part.checked_sub(LANES) {
            let header = "using:web.find\n";
            nodes = nodes.replacen(header, &format!("{header}    needs: release-{before}\n"), 1);
        }
        text.push_str(&nodes);
    }
    text
}
