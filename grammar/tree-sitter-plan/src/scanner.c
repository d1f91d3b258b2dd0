// Layout of the plan language: line ends, indentation, raw blocks, the ends of strings.
//
// All layout tokens are empty and stand at the line end that causes them, so that each call looks at the same lines again and the
// only state is the stack of indentations. Text that the compiler refuses may be read too; what it accepts is read as it does.

#include "tree_sitter/alloc.h"
#include "tree_sitter/parser.h"

#include <string.h>

enum TokenType {
  NEWLINE,
  INDENT,
  DEDENT,
  RAW_START,
  RAW_TEXT,
  RAW_INTERPOLATION,
  RAW_END,
  SKIPPED,
  STRING_END,
  CLOSE_PAREN,
  CLOSE_BRACKET,
  CLOSE_BRACE,
  ERROR_SENTINEL,
};

// Bodies nest at most a few deep; deeper indentation counts as the deepest.
enum { DEPTH_MAX = 128, MODES_MAX = 128, TAB_COLUMNS = 2 };

typedef struct {
  uint16_t columns[DEPTH_MAX];
  uint16_t depth;
} Scanner;

static uint16_t top(const Scanner *scanner) { return scanner->columns[scanner->depth - 1]; }

static bool is_space(int32_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static bool at_end(TSLexer *lexer) { return lexer->lookahead == 0 && lexer->eof(lexer); }

// Columns up to the first character of the line that is no white space.
static uint16_t indentation(TSLexer *lexer) {
  uint32_t columns = 0;
  for (; is_space(lexer->lookahead); lexer->advance(lexer, false)) {
    columns += lexer->lookahead == ' ' ? 1 : lexer->lookahead == '\t' ? TAB_COLUMNS : 0;
  }
  return columns > UINT16_MAX ? UINT16_MAX : (uint16_t)columns;
}

// From a line end to the next line that is not blank; false if there is none. Then `columns` is 0.
static bool next_line(TSLexer *lexer, uint16_t *columns) {
  while (lexer->lookahead == '\n') {
    lexer->advance(lexer, false);
    *columns = indentation(lexer);
  }
  if (at_end(lexer)) *columns = 0;
  return !at_end(lexer);
}

static void skip_line(TSLexer *lexer) {
  while (lexer->lookahead != '\n' && !at_end(lexer)) lexer->advance(lexer, false);
}

// From a line end to the next line of code: comments have no say in the layout.
static bool next_code_line(TSLexer *lexer, uint16_t *columns) {
  while (next_line(lexer, columns)) {
    if (lexer->lookahead != '#') return true;
    skip_line(lexer);
  }
  return false;
}

static bool found(TSLexer *lexer, enum TokenType type) {
  lexer->result_symbol = type;
  return true;
}

// ---------- raw blocks ----------

// After the bar: the block begins if the next line that is not blank is deeper than the key.
static bool raw_start(Scanner *scanner, TSLexer *lexer) {
  while (is_space(lexer->lookahead)) lexer->advance(lexer, true);
  if (lexer->lookahead != '\n') return false;
  lexer->mark_end(lexer);
  uint16_t columns = 0;
  if (!next_line(lexer, &columns) || columns <= top(scanner)) return false;
  return found(lexer, RAW_START);
}

// What is open inside of `{{ }}`: a bracket by its closing character, a string by '"', an interpolation by 'i'.
typedef struct {
  char open[MODES_MAX];
  unsigned count;
} Modes;

static void push(Modes *modes, char mode) {
  if (modes->count < MODES_MAX) modes->open[modes->count++] = mode;
}

static char innermost(const Modes *modes) { return modes->open[modes->count - 1]; }

// One character or two of a string inside of an interpolation.
static void string_character(TSLexer *lexer, Modes *modes) {
  int32_t c = lexer->lookahead;
  lexer->advance(lexer, false);
  if (c == '"') {
    modes->count--;
  } else if (c == '\\' && lexer->lookahead != '\n') {
    lexer->advance(lexer, false);
  } else if (c == '{' && lexer->lookahead == '{') {
    lexer->advance(lexer, false);
    push(modes, 'i');
  }
}

// One character or two of an expression.
static void expression_character(TSLexer *lexer, Modes *modes) {
  int32_t c = lexer->lookahead;
  lexer->advance(lexer, false);
  switch (c) {
    case '"': push(modes, '"'); break;
    case '(': push(modes, ')'); break;
    case '[': push(modes, ']'); break;
    case '{': push(modes, '}'); break;
    case ')':
    case ']':
    case '}':
      if (innermost(modes) == c) {
        modes->count--;
      } else if (c == '}' && innermost(modes) == 'i' && lexer->lookahead == '}') {
        lexer->advance(lexer, false);
        modes->count--;
      }
      break;
    default: break;
  }
}

// From the second brace of `{{` to its `}}`, at the latest to the end of the line.
static void raw_interpolation(TSLexer *lexer) {
  Modes modes = {.count = 0};
  lexer->advance(lexer, false);
  push(&modes, 'i');
  while (modes.count > 0 && lexer->lookahead != '\n' && !at_end(lexer)) {
    if (innermost(&modes) == '"') {
      string_character(lexer, &modes);
    } else {
      expression_character(lexer, &modes);
    }
  }
  lexer->mark_end(lexer);
}

// Text up to the next `{{` or the end of the block; an interpolation; or the end itself.
static bool raw_content(Scanner *scanner, TSLexer *lexer) {
  bool some = false;
  for (;;) {
    if (at_end(lexer)) return found(lexer, some ? RAW_TEXT : RAW_END);
    if (lexer->lookahead == '\n') {
      uint16_t columns = 0;
      lexer->mark_end(lexer);
      if (!next_line(lexer, &columns) || columns <= top(scanner)) return found(lexer, some ? RAW_TEXT : RAW_END);
      some = true;
      lexer->mark_end(lexer);
    } else if (lexer->lookahead == '{') {
      lexer->mark_end(lexer);
      lexer->advance(lexer, false);
      if (lexer->lookahead == '{') {
        if (some) return found(lexer, RAW_TEXT);
        raw_interpolation(lexer);
        return found(lexer, RAW_INTERPOLATION);
      }
      some = true;
      lexer->mark_end(lexer);
    } else {
      some = true;
      lexer->advance(lexer, false);
      lexer->mark_end(lexer);
    }
  }
}

// ---------- lines ----------

// The value of an unknown clause: the rest of its line and all deeper lines.
static bool skipped(Scanner *scanner, TSLexer *lexer) {
  for (;;) {
    skip_line(lexer);
    lexer->mark_end(lexer);
    uint16_t columns = 0;
    if (at_end(lexer) || !next_line(lexer, &columns) || columns <= top(scanner)) return found(lexer, SKIPPED);
  }
}

static bool is_closer(int32_t c) { return c == ')' || c == ']' || c == '}'; }

static bool line_end(Scanner *scanner, TSLexer *lexer, const bool *valid) {
  lexer->mark_end(lexer);
  bool recovers = valid[ERROR_SENTINEL];
  bool in_brackets = !recovers && (valid[CLOSE_PAREN] || valid[CLOSE_BRACKET] || valid[CLOSE_BRACE]);
  uint16_t columns = 0;
  bool more = next_code_line(lexer, &columns);
  if (in_brackets && more) {
    bool goes_on = columns > top(scanner) || (columns == top(scanner) && is_closer(lexer->lookahead));
    if (goes_on) return false;
  }
  if (valid[SKIPPED] && !recovers && columns > top(scanner)) return skipped(scanner, lexer);
  if (valid[INDENT] && !recovers && columns > top(scanner)) {
    if (scanner->depth < DEPTH_MAX) scanner->columns[scanner->depth++] = columns;
    return found(lexer, INDENT);
  }
  if (valid[DEDENT] && columns < top(scanner) && scanner->depth > 1) {
    scanner->depth--;
    return found(lexer, DEDENT);
  }
  // Inside of brackets and strings no line end is expected: it ends the clause all the same.
  if (valid[NEWLINE] || in_brackets || valid[STRING_END]) return found(lexer, NEWLINE);
  return false;
}

bool tree_sitter_plan_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  Scanner *scanner = payload;
  bool recovers = valid[ERROR_SENTINEL];
  if (!recovers) {
    if (valid[RAW_START]) return raw_start(scanner, lexer);
    if (valid[RAW_END]) return raw_content(scanner, lexer);
  }
  if (valid[STRING_END] && lexer->lookahead == '"' && !recovers) {
    lexer->advance(lexer, false);
    lexer->mark_end(lexer);
    return found(lexer, STRING_END);
  }
  if (valid[STRING_END] && !recovers) {
    if (lexer->lookahead != '\n' && !at_end(lexer)) return false;
    return line_end(scanner, lexer, valid);
  }
  while (is_space(lexer->lookahead)) lexer->advance(lexer, true);
  if (lexer->lookahead == '\n' || at_end(lexer)) return line_end(scanner, lexer, valid);
  if (valid[SKIPPED] && !recovers && lexer->lookahead != '#') return skipped(scanner, lexer);
  return false;
}

// ---------- state ----------

void *tree_sitter_plan_external_scanner_create(void) {
  Scanner *scanner = ts_malloc(sizeof(Scanner));
  scanner->columns[0] = 0;
  scanner->depth = 1;
  return scanner;
}

void tree_sitter_plan_external_scanner_destroy(void *payload) { ts_free(payload); }

unsigned tree_sitter_plan_external_scanner_serialize(void *payload, char *buffer) {
  Scanner *scanner = payload;
  unsigned size = scanner->depth * sizeof(uint16_t);
  memcpy(buffer, scanner->columns, size);
  return size;
}

void tree_sitter_plan_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  Scanner *scanner = payload;
  scanner->columns[0] = 0;
  scanner->depth = 1;
  if (length >= sizeof(uint16_t)) {
    memcpy(scanner->columns, buffer, length);
    scanner->depth = (uint16_t)(length / sizeof(uint16_t));
  }
}
