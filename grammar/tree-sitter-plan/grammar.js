/**
 * The plan language for tree-sitter: layout from src/scanner.c, one rule a shape of the compiler's table of clauses.
 *
 * The words below are those of crates/dsl-syntax/src/table.rs; tests/grammar compares the two, and the trees with the
 * compiler's. Clauses stand in groups by the shape of their value, not by declaration: a clause in the wrong place is
 * the checker's to name, not a highlighter's.
 */

const KEYS = {
  expr: [
    'applies', 'cache', 'confidence', 'deny', 'description', 'dir', 'for', 'idempotent', 'key', 'optional', 'parallel',
    'prior', 'priority', 'quorum', 'require', 'runner', 'shell', 'tasks', 'time', 'timeout', 'tokens', 'tolerate',
    'version', 'when',
  ],
  script: ['run', 'rollback'],
  names: [
    'approver', 'by', 'call', 'capabilities', 'failure', 'fallback', 'from', 'intent', 'judge', 'keywords', 'kind',
    'labels', 'owner', 'provides', 'risks', 'severity', 'using',
  ],
  items: ['assumes', 'checks', 'expect', 'network', 'read', 'requires', 'write'],
  assigns: ['budget', 'env', 'given', 'secrets'],
  block: ['allow', 'limit', 'trigger'],
};

const PREC = { if: 1, coalesce: 2, or: 3, and: 4, not: 5, compare: 6, pipe: 7, sum: 8, product: 9, cast: 10, sign: 11, suffix: 12 };

const NAME = /[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*/;
const DIGITS = '[0-9][0-9_]*';
const NUMBER = `${DIGITS}(\\.${DIGITS})?`;
const UNITS = '(ms|s|m|h|d|w|B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)';

const commas = (item) => seq(item, repeat(seq(',', item)), optional(','));
const spaced = (item) => seq(item, repeat(seq(optional(','), item)), optional(','));
// The lines below a key; each ends with its line.
const block = ($, line) => [$._indent, repeat1(seq(line, $._newline)), $._dedent];
const anyOf = (words) => choice(...words);

module.exports = grammar({
  name: 'plan',

  word: ($) => $.identifier,

  extras: ($) => [/[ \t\r\n\uFEFF]/, $.comment, $.doc_comment],

  externals: ($) => [
    $._newline,
    $._indent,
    $._dedent,
    $._raw_start,
    $.raw_text,
    $.raw_interpolation,
    $._raw_end,
    $.skipped,
    $._string_end,
    // Named here so that the scanner is asked inside of brackets too: a line that is not deeper ends the clause.
    ')',
    ']',
    '}',
    $._error_sentinel,
  ],

  rules: {
    source_file: ($) => repeat(seq($._item, $._newline)),

    comment: () => token(/#[^\n]*/),
    doc_comment: () => token(prec(1, /##[^\n]*/)),

    _item: ($) => choice($.use, $.type, $.capability, $.agent, $.policy, $.plan, $.profile, $.test, $._node),

    // ---------- declarations ----------

    use: ($) =>
      seq(
        'use',
        choice(
          seq(field('path', $.string), optional(seq('as', field('alias', $.identifier)))),
          seq(field('pick', $.dotted_name), repeat(seq(',', field('pick', $.dotted_name))), 'from', field('path', $.string)),
        ),
      ),

    type: ($) =>
      seq(
        'type',
        field('name', $.identifier),
        optional(choice(seq('=', field('alias', $._type)), seq($._indent, field('body', alias($._fields, $.body)), $._dedent))),
      ),

    capability: ($) =>
      seq('capability', $._head, optional(seq($._indent, field('body', alias($._capability_body, $.body)), $._dedent))),
    agent: ($) => seq('agent', $._head, optional($._lines)),
    policy: ($) => seq('policy', $._head, optional($._lines)),
    plan: ($) => seq('plan', $._head, optional(seq($._indent, field('body', alias($._plan_body, $.body)), $._dedent))),
    profile: ($) =>
      seq(
        'profile',
        field('name', $.identifier),
        'of',
        field('of', $.dotted_name),
        optional(field('title', $.string)),
        optional(seq($._indent, field('body', alias($._overrides, $.body)), $._dedent)),
      ),
    test: ($) => seq('test', field('title', $.string), 'of', field('of', $.dotted_name), optional($._lines)),

    _node: ($) => choice($.task, $.gate, $.decision, $.hypothesis),
    task: ($) => seq('task', $._head, optional($._lines)),
    gate: ($) => seq('gate', $._head, optional($._lines)),
    decision: ($) => seq('decision', $._head, optional($._lines)),
    hypothesis: ($) => seq('hypothesis', $._head, optional($._lines)),

    _head: ($) => seq(field('name', $.dotted_name), optional(field('title', $.string)), repeat($.attribute)),
    attribute: ($) => seq(field('key', alias($.identifier, $.key)), ':', field('value', $._attribute_value)),
    _attribute_value: ($) => seq($._attribute_part, repeat(seq(',', $._attribute_part))),
    _attribute_part: ($) => choice($._expression, $.optional_need),

    _lines: ($) => seq($._indent, field('body', $.body), $._dedent),
    body: ($) => repeat1(seq($._clause, $._newline)),
    _plan_body: ($) => repeat1(seq(choice($._clause, $._node), $._newline)),
    _capability_body: ($) => repeat1(seq(choice($._plain_clause, alias($._capability_clause, $.clause)), $._newline)),
    _fields: ($) => repeat1(seq($.field, $._newline)),
    _overrides: ($) => repeat1(seq($.override, $._newline)),

    // ---------- clauses ----------

    _clause: ($) => choice($._plain_clause, alias($._task_clause, $.clause)),

    _plain_clause: ($) =>
      choice(
        $.clause,
        $.unknown_clause,
        $.fail,
        $.remember,
        $.evidence,
        $.route,
        $.arm,
        $.else_arm,
        $.alert,
        $.rule,
        $.mock,
        $.decide,
      ),

    clause: ($) =>
      choice(
        seq(field('key', alias($._expr_key, $.key)), ':', field('value', $._value)),
        seq(field('key', alias($._script_key, $.key)), ':', field('value', choice(alias($.raw_block, $.script), $.string))),
        seq(field('key', alias($._names_key, $.key)), ':', $._names_value),
        seq(field('key', alias($._items_key, $.key)), ':', $._items_value),
        seq(field('key', alias($._assigns_key, $.key)), ':', $._assigns),
        seq(field('key', alias($._block_key, $.key)), ':', $._indent, field('value', $.body), $._dedent),
        seq(field('key', alias('needs', $.key)), ':', $._needs_value),
        seq(field('key', alias('each', $.key)), ':', field('value', $.each)),
        seq(field('key', alias('retry', $.key)), ':', field('value', $.retry)),
        seq(field('key', alias('effects', $.key)), ':', field('value', $.effects)),
        seq(field('key', alias('cost', $.key)), ':', field('value', $.rates)),
        seq(field('key', alias('breaker', $.key)), ':', field('value', $.breaker)),
        seq(field('key', alias('params', $.key)), ':', ...block($, $.field)),
        seq(field('key', alias('outputs', $.key)), ':', ...block($, $.typed_entry)),
        seq(field('key', alias('memory', $.key)), ':', ...block($, $.memory_entry)),
        seq(field('key', alias('limits', $.key)), ':', ...block($, $.limit_entry)),
        seq(field('key', alias('do', $.key)), ':', ...block($, $.step)),
        seq(field('key', alias('options', $.key)), ':', ...block($, $.option)),
      ),

    // `input` and `output` are values in a node and types in a capability.
    _task_clause: ($) =>
      choice(
        seq(field('key', alias('input', $.key)), ':', $._assigns),
        seq(field('key', alias('output', $.key)), ':', ...block($, $.typed_entry)),
      ),
    _capability_clause: ($) =>
      seq(field('key', alias(choice('input', 'output'), $.key)), ':', ...block($, $.field)),

    // Of a clause that no declaration has the value is skipped, as the compiler does.
    unknown_clause: ($) => seq(field('key', alias($.identifier, $.key)), ':', optional(field('value', $.skipped))),

    _expr_key: () => anyOf(KEYS.expr),
    _script_key: () => anyOf(KEYS.script),
    _names_key: () => anyOf(KEYS.names),
    _items_key: () => anyOf(KEYS.items),
    _assigns_key: () => anyOf(KEYS.assigns),
    _block_key: () => anyOf(KEYS.block),

    // ---------- values ----------

    _value: ($) => choice($._expression, $.raw_block),

    _names_value: ($) =>
      choice(
        field('value', $.names),
        seq(...block($, alias($._names_item, $.item))),
      ),
    _names_item: ($) => seq('-', $.names),
    names: ($) => spaced(choice($._reference, $.pattern)),
    pattern: ($) => choice('*', seq($.dotted_name, '.*')),

    _items_value: ($) =>
      choice(
        seq(field('value', $._value), repeat(seq(',', field('value', $.string))), optional(',')),
        seq(...block($, $.item)),
      ),
    item: ($) => seq('-', $._expression),

    _needs_value: ($) =>
      choice(
        field('value', $.needs),
        seq(...block($, alias($._needs_item, $.item))),
      ),
    _needs_item: ($) => seq('-', $.needs),
    needs: ($) => spaced(choice($.identifier, $.optional_need, $.any_need, $.quorum_need)),
    optional_need: ($) => seq($.identifier, '?'),
    // `any` is no keyword: nodes and functions may have that name.
    any_need: ($) => seq(field('join', $.identifier), $._group),
    quorum_need: ($) => seq(field('count', $.integer), 'of', $._group),
    _group: ($) => seq('(', spaced($.identifier), ')'),

    _assigns: ($) => seq(...block($, $.entry)),
    entry: ($) => seq(field('name', $.identifier), ':', field('value', $._value)),
    field: ($) =>
      seq(field('name', $.identifier), ':', field('type', $._type), optional(seq('=', field('default', $._expression)))),
    typed_entry: ($) => seq(field('name', $.identifier), ':', field('type', $._type), '=', field('value', $._expression)),
    memory_entry: ($) =>
      seq(
        field('name', $.dotted_name),
        ':',
        field('type', $._type),
        'scope',
        ':',
        field('scope', $.identifier),
        optional(seq('=', field('default', $._expression))),
      ),
    limit_entry: ($) => seq(field('name', $.identifier), ':', field('value', $.rates)),
    step: ($) =>
      seq(field('capability', $.dotted_name), $.arguments, optional(seq('->', field('bind', $.identifier)))),
    option: ($) =>
      seq(
        '-',
        field('name', $.identifier),
        optional(field('title', $.string)),
        optional(seq(':', field('note', $.string))),
      ),

    each: ($) =>
      seq(field('name', $.identifier), 'in', field('list', $._expression), optional(seq('by', field('key', $._expression)))),
    retry: ($) => seq(field('policy', $._expression), optional(seq('on', spaced(field('mode', $.identifier))))),
    effects: ($) => commas($.effect),
    effect: ($) => seq(field('name', $.identifier), optional(seq('(', commas($.string), ')'))),
    rates: ($) => commas($.rate),
    rate: ($) => seq($._number, optional(seq('per', choice('call', $._number)))),
    breaker: ($) => seq($.integer, 'failures', 'in', $._number, ',', 'probe', 'after', $._number),

    // What stands after a path of a profile has the shape of the clause that the path ends in.
    override: ($) => seq(field('path', $.dotted_name), ':', $._override_value),
    _override_value: ($) =>
      choice(
        field('value', $.raw_block),
        seq(
          field('value', choice($._override_part, $.breaker, alias($._spaced_names, $.names))),
          repeat(seq(',', field('value', $._override_part))),
          optional(seq('by', field('value', $._expression))),
          optional(seq('on', spaced(field('mode', $.identifier)))),
          ),
        seq(...block($, $.item)),
      ),
    _spaced_names: ($) => seq($.identifier, repeat1($.identifier)),
    _override_part: ($) => choice($._expression, $.optional_need, $.quorum_need, alias($._override_rate, $.rate)),
    _override_rate: ($) => seq($._number, 'per', choice('call', $._number)),

    // ---------- clauses that begin with a keyword ----------

    fail: ($) =>
      seq(
        field('key', alias('fail', $.key)),
        field('name', $.identifier),
        'when',
        field('condition', $._expression),
        optional(field('message', $.string)),
      ),
    remember: ($) =>
      seq(field('key', alias('remember', $.key)), field('name', $.dotted_name), '=', field('value', $._expression)),
    evidence: ($) =>
      seq(
        field('key', alias(choice('supports', 'refutes'), $.key)),
        field('name', $.identifier),
        'when',
        field('condition', $._expression),
        'by',
        field('factor', $._number),
      ),
    route: ($) =>
      seq(field('key', alias('on', $.key)), field('event', $.identifier), '->', field('to', $.identifier)),
    arm: ($) =>
      seq(field('key', alias('when', $.key)), field('condition', $._expression), '->', field('to', $.identifier)),
    else_arm: ($) => seq(field('key', alias('else', $.key)), '->', field('to', $.identifier)),
    alert: ($) =>
      seq(
        field('key', alias('alert', $.key)),
        field('name', $.string),
        'when',
        field('condition', $._expression),
        optional(seq('severity', ':', field('severity', $.identifier))),
      ),
    rule: ($) => seq(field('key', alias('rule', $.key)), $._head, optional($._lines)),
    mock: ($) =>
      seq(
        field('key', alias('mock', $.key)),
        choice(seq('task', field('task', $.identifier)), field('capability', $.dotted_name)),
        optional(seq('by', field('agent', $.identifier))),
        optional(seq('when', field('condition', $._expression))),
        field('reply', alias($._first_reply, $.reply)),
        repeat(seq(',', 'then', field('reply', $.reply))),
      ),
    _first_reply: ($) => seq(choice(seq('->', $._expression), $._failure), optional($._times)),
    reply: ($) => seq(choice(seq(optional('->'), $._expression), $._failure), optional($._times)),
    _failure: ($) => seq('fails', field('mode', $.identifier)),
    _times: ($) => seq('times', $.integer),
    decide: ($) =>
      seq(
        field('key', alias(choice('approve', 'reject'), $.key)),
        field('gate', $.identifier),
        'as',
        field('by', $.principal),
        optional(seq('choosing', field('option', $.identifier))),
        optional(seq('after', field('after', $._number))),
      ),

    // ---------- types ----------

    _type: ($) => choice($.enumeration, $.named_type),
    enumeration: ($) => seq(optional('|'), $.identifier, '|', $.identifier, repeat(seq('|', $.identifier))),
    named_type: ($) =>
      prec.right(
        seq(
          field('name', $.dotted_name),
          optional(seq('[', field('argument', $._type), ']')),
          optional(seq('(', field('refinement', choice($.range, $.regex)), ')')),
          optional('?'),
        ),
      ),
    range: ($) => seq(optional($._bound), '..', optional($._bound)),
    _bound: ($) => seq(optional('-'), $._number),

    // ---------- expressions ----------

    _expression: ($) =>
      choice(
        $.identifier,
        $.none,
        $.boolean,
        $._number,
        $.version,
        $.string,
        $.regex,
        $.principal,
        $.list,
        $.record,
        $.parenthesized,
        $.call,
        $.item_field,
        $.field_access,
        $.index,
        $.unary,
        $.binary,
        $.is,
        $.cast,
        $.pipe,
        $.conditional,
        $.selector,
        $.wildcard,
      ),

    conditional: ($) =>
      prec.right(
        PREC.if,
        seq(field('then', $._expression), 'if', field('condition', $._expression), 'else', field('otherwise', $._expression)),
      ),
    binary: ($) => {
      const operator = (level, ops) =>
        prec.left(level, seq(field('left', $._expression), field('operator', alias(ops, $.operator)), field('right', $._expression)));
      return choice(
        operator(PREC.coalesce, '??'),
        operator(PREC.or, 'or'),
        operator(PREC.and, 'and'),
        operator(PREC.compare, $._comparison),
        operator(PREC.compare, choice('in', 'matches')),
        operator(PREC.sum, '+'),
        operator(PREC.sum, '-'),
        operator(PREC.product, '*'),
        operator(PREC.product, $._division),
      );
    },
    // One token each, which keeps the tables small.
    _comparison: () => token(choice('==', '!=', '<', '<=', '>', '>=')),
    _division: () => token(choice('/', '%')),
    unary: ($) =>
      choice(
        prec(PREC.not, seq(field('operator', alias('not', $.operator)), field('operand', $._expression))),
        prec(PREC.sign, seq(field('operator', alias('-', $.operator)), field('operand', $._expression))),
      ),
    is: ($) => prec.left(PREC.compare, seq(field('value', $._expression), 'is', optional('not'), choice($.none, 'empty'))),
    pipe: ($) =>
      prec.left(PREC.pipe, seq(field('value', $._expression), '|', field('function', $.identifier), optional($.arguments))),
    cast: ($) => prec.left(PREC.cast, seq(field('value', $._expression), 'as', field('type', $.named_type))),
    field_access: ($) => prec.left(PREC.suffix, seq(field('value', $._expression), '.', field('field', $.identifier))),
    index: ($) => prec.left(PREC.suffix, seq(field('value', $._expression), '[', field('index', $._expression), ']')),
    call: ($) => prec(PREC.suffix, seq(field('function', $.identifier), $.arguments)),
        item_field: ($) => seq('.', field('field', $.identifier)),
    parenthesized: ($) => seq('(', $._expression, ')'),
    list: ($) => seq('[', optional(commas($._expression)), ']'),
    record: ($) => seq('{', optional(commas($.pair)), '}'),
    pair: ($) => seq(field('key', choice($.identifier, $.string)), ':', field('value', $._expression)),
    arguments: ($) => seq('(', optional(commas(choice($._expression, $.named_argument))), ')'),
    named_argument: ($) => seq(field('name', $.identifier), ':', field('value', $._expression)),

    // In policies: `task where kind == deploy`, `web.*`, `*`.
    selector: ($) => seq(field('what', $.identifier), 'where', field('filter', $._expression)),
    wildcard: ($) => choice('*', prec(PREC.suffix, seq(field('value', $._expression), '.*'))),

    // ---------- tokens ----------

    identifier: () => NAME,
    dotted_name: ($) => prec.left(seq($.identifier, repeat(seq('.', $.identifier)))),
    principal: () => token(seq(choice('role', 'user', 'agent', 'team'), '/', NAME)),
    _reference: ($) => choice($.dotted_name, $.principal),

    none: () => 'none',
    boolean: () => choice('true', 'false'),
    _number: ($) => choice($.integer, $.float, $.quantity, $.money, $.ratio),
    integer: () => new RegExp(DIGITS),
    float: () => new RegExp(`${DIGITS}\\.${DIGITS}`),
    version: () => new RegExp(`${DIGITS}\\.${DIGITS}\\.${DIGITS}`),
    quantity: () => new RegExp(`${NUMBER}${UNITS}`),
    ratio: () => new RegExp(`${NUMBER}%`),
    money: () => new RegExp(`\\$${NUMBER}`),
    regex: () => /\/([^\/\\\n]|\\[^\n])*\//,

    string: ($) => seq('"', repeat(choice($.string_content, $.escape, $.interpolation)), $._string_end),
    string_content: () => choice(token.immediate(prec(1, /[^"\\{\n]+/)), token.immediate(prec(1, '{'))),
    escape: () => token.immediate(prec(1, /\\([ntr"\\{]|u\{[0-9A-Fa-f]+\})/)),
    interpolation: ($) => seq(token.immediate(prec(2, '{{')), $._expression, '}}'),

    raw_block: ($) => seq('|', $._raw_start, optional($.raw_content), $._raw_end),
    raw_content: ($) => repeat1(choice($.raw_text, $.raw_interpolation)),
  },
});
